"""`python -m pipeline replay` over files, in this process, against the stand-in of Customer.io."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main as commands
from pipeline.launch import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from pipeline.launch import main as job
from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.customerio.faults import ItemErrors
from pipeline.replay.left import LEFT
from pipeline.replay.source import FORMS
from transforms.tally import PROCESS_LEDGER

pytestmark = pytest.mark.usefixtures("fresh_process", "here")

SITE_ID, API_KEY = "site-of-the-tests", "key-of-the-tests"
STRICT = "mappings: {anonymous: dead_letter}\nevents: {event_properties: all}\n"
MENDED = "mappings: {user_identifier: device_id}\nevents: {event_properties: all}\n"
FROM, SETTINGS, AGAIN = "--from=dead", "--settings=settings.yaml", "--dead_letter_files=again"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Credentials that work."""
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE_ID)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", API_KEY)
    yield
    LEFT.reset()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with settings that let two records of three fail, and with their letters."""
    monkeypatch.chdir(tmp_path)
    lines = [
        {"event_type": "Played", "device_id": "ada", "time": 1_700_000_000, "$insert_id": "1"},
        {"event_type": "Played", "device_id": "bob", "time": 1_700_000_001, "$insert_id": "2"},
        {"event_type": "Played", "user_id": "eve", "device_id": "eve", "time": "soon"},
    ]
    (tmp_path / "in.ndjson").write_text("\n".join(map(json.dumps, lines)))
    (tmp_path / "settings.yaml").write_text(STRICT)
    return tmp_path


@pytest.fixture
def stand_in() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn(SITE_ID, API_KEY) as server:
        yield server


def make_letters(stand_in: CustomerIoStandIn) -> None:
    """Runs the job once: two letters of records without an identifier, one of a wrong time."""
    endpoint = f"--customerio_endpoint={stand_in.url}"
    files = "--input_files=in.ndjson"
    assert job([SETTINGS, files, "--dead_letter_files=dead", endpoint]) == EXIT_OK
    assert sorted(each["reason"] for each in letters("dead")) == [
        "invalid_time",
        "no_identifier",
        "no_identifier",
    ]
    PROCESS_LEDGER.reset()


def replay(stand_in: CustomerIoStandIn | None, *flags: str) -> int:
    """Replays dead-*.jsonl with what fails again in again-*.jsonl; the exit code."""
    PROCESS_LEDGER.reset()
    endpoint = [f"--customerio_endpoint={stand_in.url}"] if stand_in else []
    return commands(["replay", FROM, SETTINGS, AGAIN, *endpoint, *flags])


def letters(prefix: str) -> list[dict[str, Any]]:
    """The letters in files with this prefix."""
    return [
        json.loads(line)
        for path in sorted(Path().glob(f"{prefix}-*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def ledger() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("ledger.json").read_text())
    return found


def test_mended_settings_deliver_what_failed_and_twice_is_once(
    stand_in: CustomerIoStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    make_letters(stand_in)
    Path("settings.yaml").write_text(MENDED)
    capsys.readouterr()
    for run in (1, 2):
        assert replay(stand_in, "--ledger_file=ledger.json") == EXIT_OK
        found = ledger()
        assert found["balanced"]
        assert found["received"] == 3
        assert found["outcomes"] == {"delivered": 2, "dead_lettered.invalid_time": 1}
        assert len(stand_in.workspace.events()) == 2
        assert stand_in.workspace.counters().duplicate_events == 2 * (run - 1)
    output = capsys.readouterr().out
    assert output.startswith(
        f"Replaying the dead letters of 1 file (dead-*.jsonl) to {stand_in.url}; what fails again "
        "goes to again-*.jsonl\n"
    )
    assert "Ledger (records)" in output
    [first] = [each for each in letters("dead") if each["reason"] == "invalid_time"]
    assert [each | {"failed_at": ""} for each in letters("again")] == [
        first | {"attempts": 2, "failed_at": ""}
    ] * 2


def test_a_refused_operation_goes_straight_to_the_sink(stand_in: CustomerIoStandIn) -> None:
    Path("settings.yaml").write_text(MENDED)
    stand_in.faults.next(ItemErrors((0,)))
    files = ["--input_files=in.ndjson", "--dead_letter_files=dead"]
    assert job([SETTINGS, *files, f"--customerio_endpoint={stand_in.url}"]) == EXIT_OK
    # Settings that would send nothing of it as a record.
    Path("settings.yaml").write_text(
        "events: {enabled: false}\nusers: {user_properties: [nothing]}\n"
    )
    [refused] = [each for each in letters("dead") if each["reason"] == "rejected"]
    for _ in range(2):
        assert replay(stand_in, "--reason=rejected", "--ledger_file=ledger.json") == EXIT_OK
        assert ledger()["outcomes"] == {"delivered": 1}
        assert ledger()["received"] == 1
    assert refused["operation"]["id"] in {event.id for event in stand_in.workspace.events()}
    assert len(stand_in.workspace.events()) == 2
    assert letters("again") == []


def test_an_operation_that_is_refused_again_keeps_its_history(stand_in: CustomerIoStandIn) -> None:
    Path("settings.yaml").write_text(MENDED)
    stand_in.faults.next(ItemErrors((0,)))
    files = ["--input_files=in.ndjson", "--dead_letter_files=dead"]
    assert job([SETTINGS, *files, f"--customerio_endpoint={stand_in.url}"]) == EXIT_OK
    stand_in.faults.next(ItemErrors((0,), reason="other"))
    assert replay(stand_in, "--reason=rejected") == EXIT_OK
    [first] = [each for each in letters("dead") if each["reason"] == "rejected"]
    [again] = letters("again")
    assert again["operation"] == first["operation"]
    assert again["letter_id"] == first["letter_id"]
    assert (first["attempts"], again["attempts"]) == (1, 2)
    assert again["first_failed_at"] == first["failed_at"] < again["failed_at"]


def test_only_what_is_asked_for_is_sent(
    stand_in: CustomerIoStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    make_letters(stand_in)
    Path("settings.yaml").write_text(MENDED)
    assert replay(stand_in, "--since=2100-01-01", "--ledger_file=ledger.json") == EXIT_OK
    assert ledger()["received"] == 0
    assert "Left where they are: 3 that --reason and --since leave out." in capsys.readouterr().out
    flags = ["--since=2020-01-01", "--reason=no_identifier", "--ledger_file=ledger.json"]
    assert replay(stand_in, *flags) == EXIT_OK
    assert ledger()["outcomes"] == {"delivered": 2}
    output = capsys.readouterr().out
    assert "(of reason no_identifier, failed since 2020-01-01T00:00:00+00:00) to" in output
    assert "Left where they are: 1 that --reason and --since leave out." in output


def test_a_line_that_is_no_letter_stops_nothing(
    stand_in: CustomerIoStandIn,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_letters(stand_in)
    Path("settings.yaml").write_text(MENDED)
    [path] = Path().glob("dead-*.jsonl")
    lines = path.read_text().splitlines()
    lines[1:1] = ["", '{"who":"ada@example.com"}', "ada@example.com"]
    path.write_text("\n".join(lines))
    assert replay(stand_in, "--ledger_file=ledger.json") == EXIT_FAILED
    assert ledger()["received"] == 3
    assert len(stand_in.workspace.events()) == 2
    found = [r.getMessage() for r in caplog.records if "no dead letter" in r.getMessage()]
    assert found == [
        f"{path}:3 is no dead letter and stays where it is: it is JSON, but no dead letter",
        f"{path}:4 is no dead letter and stays where it is: it is not JSON",
    ]
    output = capsys.readouterr()
    assert "Left where they are: 2 that are no dead letters (see the log)." in output.out
    assert "ada@example.com" not in output.out + output.err + caplog.text


def test_so_many_lines_that_are_no_letters_are_not_all_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    Path("dead-1.jsonl").write_text("{}\n" * 100)
    assert replay(None, "--dry_run") == EXIT_FAILED
    assert caplog.text.count("stays where it is") == 20
    assert caplog.text.count("There is more") == 1
    assert LEFT.damaged == 100


def test_a_line_that_is_too_long_stops_nothing(
    stand_in: CustomerIoStandIn,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_letters(stand_in)
    Path("settings.yaml").write_text(MENDED)
    [path] = Path().glob("dead-*.jsonl")
    path.write_text("x" * 5_000 + "\n" + path.read_text())
    for module in ("letter", "from_files"):
        monkeypatch.setattr(f"pipeline.replay.{module}.MAX_LETTER_BYTES", 2_000)
    assert replay(stand_in) == EXIT_FAILED
    assert f"{path}:1 is no dead letter and stays where it is: it has over 2000" in caplog.text
    assert len(stand_in.workspace.events()) == 2


def test_a_dry_run_shows_what_would_become_and_does_nothing(
    stand_in: CustomerIoStandIn,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_letters(stand_in)
    operation = {
        "action": "identify",
        "identifiers": {"id": "ada"},
        "attributes": {"plan": "pro"},
        "timestamp": 1_700_000_000,
    }
    [path] = Path().glob("dead-*.jsonl")
    [one] = [each for each in letters("dead") if each["reason"] == "invalid_time"]
    one |= {"reason": "rejected", "operation": operation, "attempts": 12}
    one |= {"failed_at": "2020-01-02T03:04:05+00:00"}
    del one["record"]
    with path.open("a") as file:
        file.write(json.dumps(one | {"kind": "operation"}) + "\n")
        file.write(json.dumps(one | {"kind": "operation", "attempts": 3}) + "\n")
    Path("settings.yaml").write_text(MENDED + "status: disabled\n")
    before = sorted((p.name, p.read_bytes()) for p in Path().iterdir())
    requests = stand_in.workspace.counters().requests
    capsys.readouterr()
    monkeypatch.delenv("CUSTOMERIO_API_KEY")
    assert replay(stand_in, "--dry_run") == EXIT_OK
    assert sorted((p.name, p.read_bytes()) for p in Path().iterdir()) == before
    assert stand_in.workspace.counters().requests == requests
    output = capsys.readouterr().out
    table = [line.split() for line in output.splitlines()]
    assert output.splitlines()[0] == "Reading the dead letters of 1 file (dead-*.jsonl)"
    assert "Dry run: 5 dead letters; nothing is sent" in output
    rows = {row[0]: row[1:] for row in table if len(row) == 7}
    assert {reason: row[:4] for reason, row in rows.items()} == {
        "no_identifier": ["2", "2", "0", "1"],
        "invalid_time": ["1", "1", "0", "1"],
    }
    assert ["rejected", "2", "0", "2", "3", "to", "12", "2020-01-02", "03:04:05"] in table
    assert ["no_identifier", "delivered", "2"] in table
    assert ["invalid_time", "dead_lettered.invalid_time", "1"] in table
    assert ["rejected", "sent", "again", "2"] in table
    assert "The settings say status: disabled." in output
    assert "ada" not in output


def test_a_dry_run_reads_on_behind_a_damaged_file(
    stand_in: CustomerIoStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    make_letters(stand_in)
    Path("dead-0.jsonl").write_bytes(b"\x1f\x8b damaged")
    assert replay(None, "--dry_run") == EXIT_FAILED
    assert "dead-0.jsonl cannot be read" in caplog.text


def test_a_damaged_file_is_named_and_the_others_go_on(
    stand_in: CustomerIoStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    make_letters(stand_in)
    Path("settings.yaml").write_text(MENDED)
    Path("dead-0.jsonl").write_bytes(b"\x1f\x8b damaged")
    assert replay(stand_in) == EXIT_FAILED
    assert "dead-0.jsonl was not finished" in caplog.text
    assert len(stand_in.workspace.events()) == 2


def test_disabled_settings_send_nothing(
    stand_in: CustomerIoStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("settings.yaml").write_text("status: disabled\n")
    assert replay(stand_in) == EXIT_OK
    assert capsys.readouterr().out == "The settings say status: disabled. Nothing is sent.\n"


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        pytest.param((), f"no such file: dead-*.jsonl; expected is {FORMS}", id="no files"),
        pytest.param(
            ("--from=none-*.x",), f"no such file: none-*.x; expected is {FORMS}", id="no such glob"
        ),
        pytest.param(
            ("--settings=none.yaml",),
            "none.yaml: 1 problem\n  there is no such file; check the path",
            id="no settings",
        ),
        pytest.param(
            ("--customerio_endpoint=http://track.customer.io",),
            "the command line: 1 problem\n"
            '  --customerio_endpoint: found "http://track.customer.io"; http would send the '
            "credentials in clear; allowed: null, or https://HOST[:PORT][/PATH] "
            "(http only to this machine)",
            id="an endpoint in the clear",
        ),
        pytest.param(
            ("--environment_file=none.env",),
            "the environment file none.env cannot be read: No such file or directory",
            id="no environment file",
        ),
        pytest.param(
            ("--from=in.ndjson", "--ledger_file=none/ledger.json"),
            "--ledger_file: there is no directory 'none'; make it, or name another",
            id="a ledger nowhere",
        ),
    ],
)
def test_what_is_wrong_ends_it_before_it_reads(
    flags: tuple[str, ...], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replay(None, *flags) == EXIT_USAGE
    assert capsys.readouterr().err.endswith(f"error: {error}\n")


def test_letters_of_old_are_replayed(stand_in: CustomerIoStandIn) -> None:
    make_letters(stand_in)
    [path] = Path().glob("dead-*.jsonl")
    new = ("letter_id", "attempts", "first_failed_at", "first_reason")
    lines = [{k: v for k, v in each.items() if k not in new} for each in letters("dead")]
    path.write_text("\n".join(map(json.dumps, lines)))
    Path("settings.yaml").write_text(MENDED)
    assert replay(stand_in) == EXIT_OK
    assert len(stand_in.workspace.events()) == 2
    [again] = letters("again")
    [first] = [each for each in lines if each["reason"] == "invalid_time"]
    assert again["attempts"] == 2
    assert (again["first_failed_at"], again["first_reason"]) == (first["failed_at"], "invalid_time")
