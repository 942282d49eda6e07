"""Keys that are wrong, revoked and rotated while the program runs: nothing is lost, no restart."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.local.customerio import CustomerIoStandIn
from tests.end_to_end.harness import (
    API_KEY,
    PUBLISHED_AT,
    SITE_ID,
    SUBSCRIPTION,
    Program,
    PubSub,
    pub_sub,
)

RECORDS = 2_000
REFUSED = 10
SETTINGS: dict[str, Any] = {
    "events": {"event_properties": "all"},
    "delivery": {"max_requests_per_second": 0, "lanes": 4, "retry_for_s": 30},
}


@pytest.fixture
def broker() -> Iterator[PubSub]:
    """An emulator that holds RECORDS different events."""
    with pub_sub() as server:
        server.publish(
            msgspec.json.encode(
                {
                    "event_type": "Step",
                    "user_id": f"user-{number % 70}",
                    "event_time": PUBLISHED_AT + number,
                    "$insert_id": f"insert-{number}",
                    "event_properties": {"number": number},
                }
            )
            for number in range(RECORDS)
        )
        yield server


def test_a_key_is_rotated_in_the_environment_file(broker: PubSub, tmp_path: Path) -> None:
    file = tmp_path / "customerio.env"
    file.write_text(f"CUSTOMERIO_SITE_ID={SITE_ID}\nCUSTOMERIO_API_KEY=revoked-key\n")
    with CustomerIoStandIn(SITE_ID, API_KEY) as customerio:
        program = Program(
            tmp_path / "run",
            SETTINGS,
            customerio.url,
            f"--environment_file={file}",
            pub_sub=broker,
        )
        assert customerio.workspace.wait_until(
            lambda workspace: workspace.counters().unauthorized >= REFUSED, 240
        )
        # Somebody who stores a key may do so in two steps.
        file.unlink()
        program.wait_for_log("The credentials cannot be read again", times=1)
        assert broker.broker.stats(SUBSCRIPTION).acked == 0
        assert customerio.workspace.counters().items == 0

        file.write_text(f"CUSTOMERIO_SITE_ID={SITE_ID}\nCUSTOMERIO_API_KEY={API_KEY}\n")
        assert program.finish(broker) == 0, program.log()
        events = customerio.workspace.events()
        counters = customerio.workspace.counters()

    assert sorted(event.data["number"] for event in events) == list(range(RECORDS))
    assert counters.duplicate_events == 0
    ledger = program.ledger()
    assert ledger["outcomes"] == {"delivered": RECORDS}
    assert ledger["beside"]["blocked.credentials"] == counters.unauthorized
    assert program.dead_letters() == []
    assert program.log().count("refuses the credentials") == 1
    assert "revoked-key" not in program.log()
    assert API_KEY not in program.log()
