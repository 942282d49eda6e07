"""The flags of a dry run: what is refused, and in which words."""

from pathlib import Path

import pytest

from pipeline.options import UsageError, parse

SETTINGS = "--settings=settings.yaml"
STREAM = "--input_subscription=projects/p/subscriptions/s"
LOOK = (SETTINGS, STREAM, "--dry_run")
NO_VALUE = "--dry_run takes no value: give it, or leave it out"
ONE_MACHINE = (
    "--dry_run works on one machine, not with --runner={}: what it sees has to come together in "
    "one process, and nothing may be acknowledged; leave --runner out"
)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(LOOK, id="no place for dead letters"),
        pytest.param((SETTINGS, "--input_files=*.json", "--dry_run"), id="files"),
        pytest.param((*LOOK, "--dry_run_for_s=0.5", "--dry_run_records=1"), id="bounds"),
        pytest.param((*LOOK, "--dead_letter_files=x", "--ledger_file=l"), id="as the job has them"),
        pytest.param((*LOOK, "--report=r.html", "--compare=other.yaml"), id="report and compare"),
    ],
)
def test_what_is_taken(arguments: tuple[str, ...]) -> None:
    assert parse(list(arguments)).get_all_options()["dry_run"] == "True"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        pytest.param((SETTINGS, STREAM, "--dry_run=no"), NO_VALUE, id="a value"),
        pytest.param(
            (*LOOK, "--runner=DataflowRunner"), ONE_MACHINE.format("DataflowRunner"), id="dataflow"
        ),
        pytest.param((*LOOK, "--runner=prism"), ONE_MACHINE.format("PrismRunner"), id="prism"),
        pytest.param(
            (*LOOK, "--dry_run_for_s=0"),
            "--dry_run_for_s: found 0.0; a number above 0",
            id="no time",
        ),
        pytest.param(
            (*LOOK, "--dry_run_for_s=nan"),
            "--dry_run_for_s: found nan; a number above 0",
            id="not a number",
        ),
        pytest.param(
            (*LOOK, "--dry_run_records=-1"),
            "--dry_run_records: found -1; a number above 0",
            id="no records",
        ),
        pytest.param(
            (*LOOK, "--report=/nowhere/at/all/r.html"),
            "--report: there is no directory '/nowhere/at/all'; make it, or name another",
            id="no directory",
        ),
    ],
)
def test_what_is_refused(arguments: tuple[str, ...], problem: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(list(arguments))
    assert problem in str(refused.value).splitlines()


def test_its_flags_go_with_it() -> None:
    flags = ["--dry_run_for_s=1", "--dry_run_records=1", "--report=r.html", "--compare=o.yaml"]
    with pytest.raises(UsageError) as refused:
        parse([SETTINGS, STREAM, "--dead_letter_files=x", *flags])
    assert str(refused.value).splitlines() == [
        f"{flag.partition('=')[0]} goes with --dry_run" for flag in flags
    ]


def test_help_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--help"])
    printed = " ".join(capsys.readouterr().out.split())
    assert "Nothing is sent, stored or acknowledged, and no credentials are needed." in printed
    assert "unit testing runners" not in printed


def test_the_directory_of_a_bare_name_is_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    parse([*LOOK, "--report=r.html"])
