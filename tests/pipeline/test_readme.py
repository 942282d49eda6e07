"""The README says what the code does."""

import re
import subprocess
from pathlib import Path

from pipeline import usage
from pipeline.options import parse
from pipeline.readme import TABLES, with_tables

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_tables_are_up_to_date() -> None:
    assert with_tables(README) == README, "run: python -m pipeline.readme"


def test_every_table_is_there() -> None:
    assert set(re.findall(r"<!-- table: (\w+) -->", README)) == set(TABLES)


def test_flags_that_the_readme_names_exist() -> None:
    named = set(re.findall(r"--[a-z]+(?:_[a-z]+)+", README))
    assert named >= {"--input_subscription", "--dead_letter_topic", "--ledger_file"}
    options = parse(
        ["--settings=s", "--input_files=f", "--dead_letter_files=d", "--runner=DirectRunner"]
    )
    known = {f"--{name}" for name in options.get_all_options()}
    # It shows help, and is no option.
    assert "--help_beam" in usage.parser().format_help()
    assert named - {"--help_beam"} <= known


def test_files_that_the_readme_names_exist() -> None:
    for path in re.findall(r"\]\(((?!https?://|#)[^)]+)\)", README):
        assert (ROOT / path).exists(), path


def test_scripts_can_be_run_and_parse() -> None:
    for script in ("run_local.sh", "tests/run.sh", ".ci/run"):
        path = ROOT / script
        assert path.stat().st_mode & 0o111, f"{script} has no run bit"
        subprocess.run(["bash", "-n", str(path)], check=True)
