"""A backfill by the real program: what is sent, what is refused, and how it goes on."""

import gzip
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.customerio.faults import Respond
from tests.end_to_end.harness import API_KEY, SITE_ID
from tests.end_to_end.held import hold_after, let_go, wait_until_held
from tests.history.program import Backfill

START_S = 1_780_000_000
SETTINGS: dict[str, Any] = {
    "events": {"event_properties": "all"},
    "users": {"user_properties": "all"},
    "delivery": {"max_requests_per_second": 0, "lanes": 4},
}
SLOW: dict[str, Any] = {"max_requests_per_second": 40, "max_batch_items": 5}
"""Pieces of a thousand records, 200 requests each."""


def record(number: int, **fields: Any) -> bytes:
    usual = {
        "event_type": "Step" if number % 10 else "Leap",
        "user_id": f"user-{number % 70}",
        "event_time": START_S + number,
        "$insert_id": f"insert-{number}",
        "event_properties": {"number": number},
    }
    return json.dumps(usual | fields).encode() + b"\n"


def archive(path: Path, *members: tuple[str, bytes]) -> str:
    with zipfile.ZipFile(path, "w") as written:
        for name, data in members:
            written.writestr(name, data)
    return str(path)


def export(folder: Path, records: int) -> str:
    """An archive of two files and a file beside it; the folder."""
    folder.mkdir()
    lines = [record(number) for number in range(records)]
    third = records // 3
    archive(
        folder / "a.zip",
        ("p/1_2026-05-28_20#1.json.gz", gzip.compress(b"".join(lines[:third]))),
        ("p/1_2026-05-28_21#1.json.gz", gzip.compress(b"".join(lines[third : 2 * third]))),
    )
    (folder / "b.ndjson").write_bytes(b"".join(lines[2 * third :]))
    return str(folder)


@pytest.fixture
def customerio() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
        yield stand_in


Start = Callable[..., Backfill]


@pytest.fixture
def start(customerio: CustomerIoStandIn, tmp_path: Path) -> Start:
    """Begins, or goes on with, a backfill of a source."""

    def begin(source: str, *flags: str, **settings: Any) -> Backfill:
        return Backfill(tmp_path / "run", SETTINGS | settings, customerio.url, source, *flags)

    return begin


def numbers(customerio: CustomerIoStandIn) -> list[int]:
    return sorted(event.data["number"] for event in customerio.workspace.events(100_000))


def outcomes(program: Backfill) -> dict[str, int]:
    """Of a backfill that ended well and whose ledger balances."""
    assert program.wait() == 0, program.log()
    ledger = program.ledger()
    assert ledger["balanced"]
    found: dict[str, int] = ledger["outcomes"]
    return found


def test_a_folder_is_sent_once_and_not_again(
    start: Start, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    source = export(tmp_path / "export", 900)
    first = start(source, "--yes")
    assert outcomes(first) == {"delivered": 900}
    assert "1 file and 1 archive of 2 members" in first.log()
    assert numbers(customerio) == list(range(900))
    again = start(source, "--yes")
    assert again.wait() == 0
    assert "all of it was sent before, 900 records" in again.log()
    assert customerio.workspace.counters().duplicate_events == 0


def test_a_range_and_event_types(
    start: Start, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    since, until = (
        datetime.fromtimestamp(START_S + at, UTC).isoformat().replace("+00:00", "Z")
        for at in (100, 200)
    )
    flags = (f"--since={since}", f"--until={until}", "--events=Leap", "--yes")
    source = export(tmp_path / "export", 300)
    # A time that cannot be read is in no range: it is not passed over in silence.
    (tmp_path / "export" / "c.json").write_bytes(record(300, event_time="yesterday") + b"{\n")
    program = start(source, *flags)
    assert outcomes(program) == {
        "delivered": 10,
        "filtered.event_type": 90,
        "filtered.time": 200,
        "dead_lettered.invalid_time": 1,
        "dead_lettered.malformed_json": 1,
    }
    assert len(program.dead_letters()) == 2
    assert numbers(customerio) == list(range(100, 200, 10))


def test_stopped_and_gone_on_with(
    start: Start, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    source = export(tmp_path / "export", 3_000)
    hold_after(customerio, answered=210)
    program = start(source, "--yes", delivery=SLOW)
    wait_until_held(customerio)
    program.terminate()
    program.wait_for_log("Stopping: ", times=1)
    let_go(customerio)
    assert program.wait() == 0, program.log()
    received = program.received()
    assert 0 < received < 3_000
    assert program.ledger()["received"] == received
    assert f"Stopped after {received:,} records. The same command goes on" in program.log()
    assert len(numbers(customerio)) == received
    # The request budget may change under way; it is not what is sent.
    program = start(source, "--yes")
    assert outcomes(program) == {"delivered": 3_000}
    assert f"{received:,} records and" in program.log()
    assert " of 3 files and members are settled" in program.log()
    assert numbers(customerio) == list(range(3_000))
    assert customerio.workspace.counters().duplicate_events == 0


def test_what_is_damaged_is_told_and_the_rest_is_sent(
    start: Start, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    lines = b"".join(map(record, range(2_000)))
    path = archive(
        tmp_path / "e.zip",
        ("1.json.gz", gzip.compress(lines)[:-20]),
        ("2.json.gz", gzip.compress(b"".join(map(record, range(5_000, 5_100))))),
        ("3.zip", b"PK\x03\x04"),
    )
    for _time in range(2):
        program = start(path, "--yes")
        assert program.wait() == 1, program.log()
        assert program.log().count("Not read to its end: ") or "sent before" in program.log()
    assert "e.zip!1.json.gz cannot be read: Compressed file ended" in program.log()
    assert "e.zip!3.zip is a .zip itself" in program.log()
    sent = numbers(customerio)
    assert sent[-100:] == list(range(5_000, 5_100))
    assert len(sent) > 1_900


def test_wrong_credentials_wait_and_lose_nothing(
    start: Start, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    customerio.faults.next(Respond(401), times=5)
    program = start(export(tmp_path / "export", 300), "--yes")
    assert outcomes(program) == {"delivered": 300}
    assert program.ledger()["beside"]["blocked.credentials"] == 5
    assert numbers(customerio) == list(range(300))
