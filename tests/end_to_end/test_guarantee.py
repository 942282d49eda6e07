"""Acknowledged only after delivery: killed, stopped, and begun again, nothing is missing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.customerio.faults import Respond
from tests.end_to_end.harness import (
    API_KEY,
    PUBLISHED_AT,
    SUBSCRIPTION,
    Program,
    PubSub,
    pub_sub,
)
from tests.end_to_end.held import hold_after, let_go, wait_until_held

RECORDS = 20_000
SETTINGS: dict[str, Any] = {
    "events": {"event_properties": "all"},
    "delivery": {"max_requests_per_second": 0, "lanes": 4},
}
LEASE_S = 60


@pytest.fixture
def broker() -> Iterator[PubSub]:
    """An emulator that holds RECORDS different events."""
    with pub_sub() as server:
        server.publish(
            msgspec.json.encode(
                {
                    "event_type": "Step",
                    "user_id": f"user-{number % 700}",
                    "event_time": PUBLISHED_AT + number,
                    "$insert_id": f"insert-{number}",
                    "event_properties": {"number": number},
                }
            )
            for number in range(RECORDS)
        )
        yield server


def numbers(customerio: CustomerIoStandIn) -> list[int]:
    """What every event that counts at Customer.io says."""
    return [event.data["number"] for event in customerio.workspace.events(2 * RECORDS)]


def test_killed_in_the_middle(
    broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    for kill in (1, 2):
        hold_after(customerio, answered=25)
        program = Program(tmp_path / str(kill), SETTINGS, customerio.url, pub_sub=broker)
        wait_until_held(customerio)
        program.kill()
        broker.wait_until_left()
        assert 0 < len(numbers(customerio)) < RECORDS
        assert broker.broker.stats(SUBSCRIPTION).acked < RECORDS
        let_go(customerio)
        broker.pass_time(LEASE_S)
    program = Program(tmp_path / "last", SETTINGS, customerio.url, pub_sub=broker)
    assert program.finish(broker) == 0, program.log()
    assert sorted(numbers(customerio)) == list(range(RECORDS))
    assert broker.broker.stats(SUBSCRIPTION).acked == RECORDS
    assert program.ledger()["balanced"]


def test_stopped_in_the_middle(
    broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    hold_after(customerio, answered=25)
    program = Program(tmp_path / "first", SETTINGS, customerio.url, pub_sub=broker)
    wait_until_held(customerio)
    program.terminate()
    program.wait_for_log("Stopping: ", times=1)
    let_go(customerio)
    assert program.wait() == 0, program.log()
    first = program.ledger()
    assert first["balanced"]
    assert 0 < first["received"] < RECORDS
    # What was settled is acknowledged, and nothing else.
    stats = broker.broker.stats(SUBSCRIPTION)
    assert stats.acked == first["received"] == len(numbers(customerio))
    assert stats.undelivered + stats.outstanding == RECORDS - first["received"]
    broker.pass_time(LEASE_S)
    assert "received" in program.log()

    program = Program(tmp_path / "second", SETTINGS, customerio.url, pub_sub=broker)
    assert program.finish(broker) == 0, program.log()
    assert program.ledger()["received"] == RECORDS - first["received"]
    assert sorted(numbers(customerio)) == list(range(RECORDS))
    assert customerio.workspace.counters().duplicate_events == 0


def test_customerio_away_and_back(
    broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    """Bundles fail, generations of the pipeline follow each other, and nothing is lost."""
    settings = SETTINGS | {"delivery": SETTINGS["delivery"] | {"retry_for_s": 1}}
    customerio.stop()
    program = Program(tmp_path, settings, customerio.url, pub_sub=broker)
    program.wait_for_log("A bundle failed", times=3)
    assert broker.broker.stats(SUBSCRIPTION).acked == 0
    customerio.start()
    assert program.finish(broker) == 0, program.log()
    assert sorted(numbers(customerio)) == list(range(RECORDS))
    ledger = program.ledger()
    assert ledger["balanced"]
    assert ledger["received"] == ledger["outcomes"]["delivered"] == RECORDS
    assert program.dead_letters() == []
    assert "Traceback" not in program.log()


def test_wrong_credentials_lose_nothing(
    broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    customerio.faults.next(Respond(401), times=20)
    program = Program(tmp_path, SETTINGS, customerio.url, pub_sub=broker)
    assert program.finish(broker) == 0, program.log()
    ledger = program.ledger()
    assert ledger["outcomes"] == {"delivered": RECORDS}
    assert ledger["beside"]["blocked.credentials"] == 20
    assert program.log().count("refuses the credentials") == 1
    assert API_KEY not in program.log()
    assert sorted(numbers(customerio)) == list(range(RECORDS))
