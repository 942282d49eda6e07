"""What ends a job before it reads: no refusal repeats a credential, wherever it was put."""

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.launch import EXIT_USAGE, main
from tests.security.canaries import API_KEY, SITE_ID
from tests.security.watched import Place, leaks

FILES, LETTERS = "--input_files=in.ndjson", "--dead_letter_files=letters/bad"
KEY = API_KEY.value
PASSWORD_IN_URL = f"https://{SITE_ID.marks[0]}:{API_KEY.marks[0]}@host"
QUERY_IN_URL = f"https://host/?api_key={API_KEY.marks[0]}"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a file to read, and credentials in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE_ID.value)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", KEY)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    (tmp_path / "in.ndjson").write_text("{}\n")
    return tmp_path


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    names = ("pipeline", "apache_beam.runners.worker", "apache_beam.runners.common")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


SETTINGS: dict[str, dict[str, Any]] = {
    "a key in clear": {"customerio": {"api_key": KEY}},
    "a key in a list": {"customerio": {"site_id": [SITE_ID.value], "api_key": [KEY]}},
    "a key in a mapping": {"customerio": {"api_key": {"value": KEY}}},
    "a key under a name that is none": {"customerio": {"apikey": KEY, "Api-Key": KEY}},
    "a key at the top": {"api_key": KEY, "site_id": SITE_ID.value},
    "a key for a section": {"customerio": KEY},
    "half a reference": {"customerio": {"api_key": "${" + KEY}},
    "a secret without its version": {"customerio": {"api_key": f"secret://projects/p/{KEY}"}},
    "a key in the endpoint": {"customerio": {"endpoint": PASSWORD_IN_URL}},
    "a key in the endpoint's query": {"customerio": {"endpoint": QUERY_IN_URL}},
    "faults everywhere else": {"status": "on", "delivery": {"lanes": "x"}, "nonsense": {}},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_wrong_settings(
    settings: Mapping[str, Any],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    Path("settings.json").write_text(json.dumps(settings))
    refused(["--settings=settings.json", FILES, LETTERS], capsys, caplog)


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param([f"--api_key={KEY}"], id="a flag that is none"),
        pytest.param(["--api_key", KEY], id="a flag that is none, in two words"),
        pytest.param(["--site_id", SITE_ID.value, "--api_key", KEY], id="two of them"),
        pytest.param([f"--customerio_endpoint={PASSWORD_IN_URL}"], id="in the endpoint"),
        pytest.param([f"--customerio_endpoint={QUERY_IN_URL}"], id="in the endpoint's query"),
        pytest.param(["--ledger_file=none/ledger.json"], id="another flag that is wrong"),
        pytest.param(
            ["--runner=DataflowRunner", "--max_num_workers=1"], id="variables on Dataflow"
        ),
    ],
)
def test_wrong_flags(
    flags: list[str], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    Path("settings.json").write_text("{}")
    refused(["--settings=settings.json", FILES, LETTERS, *flags], capsys, caplog)


@pytest.mark.parametrize(
    ("site_id", "key"),
    [
        pytest.param("", KEY, id="half of them"),
        pytest.param(SITE_ID.value, f"{KEY}\n{KEY}", id="two lines"),
        pytest.param(f"{SITE_ID.value}\x7f", KEY, id="a control character"),
    ],
)
def test_wrong_values_in_the_environment(
    site_id: str,
    key: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", site_id)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", key)
    Path("settings.json").write_text("{}")
    refused(["--settings=settings.json", FILES, LETTERS], capsys, caplog)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(f"CUSTOMERIO_API_KEY={KEY}\n\xff".encode("latin-1"), id="no UTF-8"),
        pytest.param(f'CUSTOMERIO_API_KEY="{API_KEY.marks[0]}\n'.encode(), id="an open quote"),
        pytest.param(f"{API_KEY.marks[0]} = = {API_KEY.marks[1]}\n=\n".encode(), id="no name"),
    ],
)
def test_a_wrong_environment_file(
    content: bytes,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("CUSTOMERIO_API_KEY")
    Path("settings.json").write_text("{}")
    Path("environment").write_bytes(content)
    flags = ["--environment_file=environment", FILES, LETTERS]
    refused(["--settings=settings.json", *flags], capsys, caplog)


def refused(
    arguments: list[str],
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Runs a job that must not start, with every log record taken down."""
    caplog.set_level(logging.DEBUG)
    assert main(arguments) == EXIT_USAGE
    printed = capsys.readouterr()
    assert printed.err.startswith("error: ")
    carried = repr([record.__dict__ for record in caplog.records])
    said = "\n".join([printed.out, printed.err, caplog.text, carried])
    assert leaks([Place("what it said", said.encode())]) == []
