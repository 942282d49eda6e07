"""`python -m pipeline` and its preview: arguments, files, standard input, exit codes."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "tests" / "samples"
EVENT = {"event_type": "Signed Up", "user_id": "u-1", "event_time": 1777888867}


@pytest.fixture
def settings(tmp_path: Path) -> str:
    path = tmp_path / "settings.yaml"
    path.write_text("events: {event_properties: all}\n", encoding="utf-8")
    return str(path)


@pytest.fixture(autouse=True)
def without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTOMERIO_SITE_ID", raising=False)
    monkeypatch.delenv("CUSTOMERIO_API_KEY", raising=False)
    monkeypatch.setenv("COLUMNS", "80")


def run(
    *arguments: str, stdin: bytes = b"", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        timeout=300,
        env=os.environ | environment,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param([], "error: which command?\n", id="none"),
        pytest.param(
            ["previw"], "error: 'previw' is no command; did you mean preview?\n", id="nearly"
        ),
        pytest.param(["xyz"], "error: 'xyz' is no command\n", id="unknown"),
        pytest.param(["--runner"], "error: '--runner' is no command\n", id="a-flag"),
    ],
)
def test_without_a_known_command_it_lists_them_all(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(complaint)
    width = max(map(len, COMMANDS))
    for name, command in COMMANDS.items():
        assert f"  {name:<{width}}  {command.summary}\n" in errors


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "  preview  " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(
            [],
            "error: FILE is missing: name the file to preview, or - for standard input\n"
            "error: --settings FILE is missing: the settings say what would be sent\n",
            id="nothing",
        ),
        pytest.param(
            ["f", "--setings=s"],
            "error: --setings is no flag of preview; did you mean --settings?\n",
            id="flag",
        ),
        pytest.param(
            ["f", "--xyz", "4", "--settings", "s"],
            "error: --xyz is no flag of preview; python -m pipeline preview --help lists them\n",
            id="strange-flag",
        ),
        pytest.param(
            ["f", "g", "--settings", "s"],
            "error: 'g' is one argument too many: one FILE is previewed at a time\n",
            id="two-files",
        ),
    ],
)
def test_wrong_arguments_are_all_told(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preview", *arguments]) == 2
    assert capsys.readouterr() == ("", complaint)


@pytest.mark.parametrize("text", ["0", "-1", "ten", "1.5", "٣"])
def test_a_limit_is_a_number_of_records(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["preview", "f", "--settings", "s", f"--limit={text}"])
    assert ended.value.code == 2
    assert f"--limit: found {text!r}; a number of records, 1 or more" in capsys.readouterr().err


def test_wrong_settings_end_it_with_all_their_problems(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("event: 1\nusers: {user_properties: 3}\n", encoding="utf-8")
    file = str(SAMPLES / "http_v2_events.ndjson")
    assert main(["preview", file, "--settings", str(path)]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"error: {path}: 2 problems\n")
    assert "did you mean `events`?" in errors


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize(
    ("file", "complaint"),
    [
        pytest.param(
            "absent.ndjson", "no such file: absent.ndjson; expected is a .json, ", id="missing"
        ),
        pytest.param(".", ". is a directory; name a file in it", id="directory"),
        pytest.param(
            "zz://b/f", "zz://b/f is no path or URL of a file that Beam can open", id="scheme"
        ),
    ],
)
def test_a_file_that_cannot_be_read_ends_it(
    file: str, complaint: str, flags: list[str], settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preview", file, "--settings", settings, *flags]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"error: {complaint}")


def test_what_can_be_read_of_a_damaged_file_is_shown(
    tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.gz"
    lines = b"".join(json.dumps(EVENT | {"n": n}).encode() + b"\n" for n in range(4_000))
    path.write_bytes(gzip.compress(lines)[:-100])
    assert main(["preview", str(path), "--settings", settings, "--json"]) == 2
    output, errors = capsys.readouterr()
    assert output.count("\n") > 100
    assert errors.startswith(f"error: {path} cannot be read: ")


def json_of(*arguments: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert main(["preview", *arguments, "--json"]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    return [json.loads(line) for line in output.splitlines()]


def test_json_is_one_object_a_record(settings: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(SAMPLES / "http_v2_body.json")
    first, second, third = json_of(path, "--settings", settings, capsys=capsys)
    assert first == {
        "message_id": f"{path}:1",
        "position": 1,
        "of": 3,
        "kind": "event",
        "name": "Plan Upgraded",
        "outcome": "would be sent",
        "stage": "deliver",
        "reason": "",
        "input": None,
        "operations": [
            {
                "endpoint": "POST /api/v2/batch",
                "bytes": 238,
                "body": {
                    "action": "event",
                    "type": "person",
                    "identifiers": {"id": "user-000123"},
                    "name": "Plan Upgraded",
                    "id": "01M828Z2JYV9MMR4WZ7S3G8JRY",
                    "timestamp": 1795372845,
                    "attributes": {
                        "nested": {"k": 1.5},
                        "plan": "pro",
                        "seats": 12,
                        "tags": ["a", "b"],
                        "trial": False,
                    },
                },
            }
        ],
        "left_behind": {"events.user_properties": ["email", "lifetime_value"]},
        "notes": [],
    }
    assert (second["position"], second["outcome"]) == (2, "skipped.anonymous")
    assert (third["position"], third["outcome"]) == (3, "skipped.no_selected_property")


def test_json_keeps_a_note_and_a_status_off_standard_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("status: disabled\nusers: {user_properties: all}\n", encoding="utf-8")
    file = str(SAMPLES / "http_v2_events.ndjson")
    assert main(["preview", file, "--settings", str(path), "--json"]) == 0
    output, errors = capsys.readouterr()
    notes = [note for line in output.splitlines() for note in json.loads(line)["notes"]]
    assert [(note["name"], note["count"]) for note in notes] == [("unapplied.operator", 7)]
    assert errors == "The settings say status: disabled. The job would read nothing.\n"


def test_a_gzip_file_and_a_limit(
    tmp_path: Path, settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "events.ndjson.gz"
    path.write_bytes(gzip.compress((SAMPLES / "export_lines.ndjson").read_bytes()))
    found = json_of(str(path), "--settings", settings, "--limit", "4", capsys=capsys)
    assert [each["message_id"] for each in found] == [f"{path}:{line}" for line in (1, 2, 3, 4)]
    everything = json_of(str(path), "--settings", settings, "--limit", "9" * 30, capsys=capsys)
    assert len(everything) == 18


def test_a_limit_counts_records_not_messages(
    settings: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(SAMPLES / "http_v2_body.json")
    assert main(["preview", path, "--settings", settings, "--limit", "2"]) == 0
    output = capsys.readouterr().out
    assert "record 2 of 3" in output
    assert "record 3 of 3" not in output
    assert "Preview of 2 records; nothing was sent" in output
    assert "--limit 2 ends the preview here." in output


def test_standard_input_is_read_as_it_comes_whatever_the_terminal_can_show(settings: str) -> None:
    record = EVENT | {"event_properties": {"city": "São Paulo"}}
    lines = json.dumps(record, ensure_ascii=False).encode() + b"\n\n[1]\n"
    ended = run("preview", "-", "--settings", settings, stdin=lines, PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.startswith(b'stdin:1\nevent "Signed Up"  would be sent\n')
    assert b'city       "S\\xe3o Paulo"\n' in ended.stdout
    assert b"\nstdin:3\nunreadable input  dead_lettered.not_an_object  at decode\n" in ended.stdout
    assert b"\x1b" not in ended.stdout


def test_a_reader_that_goes_away_is_no_traceback(settings: str, tmp_path: Path) -> None:
    path = tmp_path / "many.ndjson"
    path.write_text((json.dumps(EVENT) + "\n") * 3000, encoding="utf-8")
    command = '"$0" -m pipeline preview "$1" --settings "$2" --json | head -1'
    ended = subprocess.run(
        ["/bin/sh", "-c", command, sys.executable, str(path), settings],
        cwd=ROOT,
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert ended.stdout.count(b"\n") == 1
    assert ended.stderr == b""
