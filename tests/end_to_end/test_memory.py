"""People are remembered: whatever order their updates come in, killed and begun again, Customer.io
ends with the values that Amplitude's operators come to, and nothing counts twice.
"""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec
import pytest

from pipeline.local.customerio import CustomerIoStandIn
from tests.end_to_end.harness import (
    PUBLISHED_AT,
    SUBSCRIPTION,
    Program,
    PubSub,
)
from tests.end_to_end.held import hold_after, let_go, wait_until_held
from tests.transforms.memory.model import NAMES, draw_operations
from tests.transforms.memory.reference import Person, text_of

PEOPLE = 150
UPDATES = 30
"""Of each person."""
SPAN_S = 500
LEASE_S = 60
RUNS = 4
"""That end with kill -9."""
SETTINGS: dict[str, Any] = {
    "users": {"user_properties": list(NAMES), "state": "person", "settle_s": 2 * SPAN_S},
    "delivery": {"max_requests_per_second": 0, "max_batch_items": 10, "lanes": 2},
}
CHANGED: dict[str, Any] = SETTINGS | {"users": SETTINGS["users"] | {"trigger": "changed"}}


class Change(NamedTuple):
    """An update of a person."""

    user: str
    time_ms: int
    operations: dict[str, Any]

    def message(self) -> bytes:
        """As Amplitude sends it."""
        return msgspec.json.encode(
            {
                "event_type": "$identify",
                "user_id": self.user,
                "event_time": self.time_ms,
                "$insert_id": f"{self.user} {self.time_ms}",
                "user_properties": self.operations,
            }
        )


def changes(seed: int) -> list[Change]:
    """Updates with all of Amplitude's operators, each person's at times of their own."""
    rng = Random(seed)
    return [
        Change(f"user-{number}", PUBLISHED_AT * 1000 + offset, draw_operations(rng.choice))
        for number in range(PEOPLE)
        for offset in rng.sample(range(SPAN_S * 1000), UPDATES)
    ]


def in_any_order(made: list[Change], seed: int) -> list[bytes]:
    """The messages, shuffled, every tenth of them twice."""
    rng = Random(seed)
    messages = [change.message() for change in (*made, *made[::10])]
    rng.shuffle(messages)
    return messages


def wanted(made: list[Change]) -> dict[str, dict[str, str]]:
    """What each person comes to by the reference: name -> value as text, of those with a value."""
    people: dict[str, Person] = {}
    for change in sorted(made, key=lambda each: each.time_ms):
        person = people.setdefault(change.user, Person(10**12, 10**6, 10**6))
        person.comes(change.time_ms, str(change.time_ms).encode(), change.operations)
    return {
        user: {
            name: value for name in NAMES if (value := person.track(name, b"").value) is not None
        }
        for user, person in people.items()
    }


def held(customerio: CustomerIoStandIn) -> dict[str, dict[str, str]]:
    """What Customer.io holds of each person."""
    return {
        person.id or "": {
            name: text_of(person.attributes[name]) for name in NAMES if name in person.attributes
        }
        for person in customerio.workspace.people()
    }


def nobody_left_out(made: list[Change], found: dict[str, dict[str, str]]) -> None:
    """Everyone is as wanted; those without any value may be unknown to Customer.io."""
    expected = wanted(made)
    assert {user: found.get(user, {}) for user in expected} == expected


@pytest.mark.parametrize("settings", [SETTINGS, CHANGED], ids=["identify", "changed"])
def test_killed_in_the_middle_and_begun_again(
    settings: dict[str, Any], broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    """Each time while a bundle is on its way, and others are done."""
    made = changes(1)
    messages = in_any_order(made, 1)
    state = f"--state_file={tmp_path / 'people.sqlite'}"
    of_run = -(-len(messages) // RUNS)
    for run in range(RUNS):
        program = Program(tmp_path / str(run), settings, customerio.url, state, pub_sub=broker)
        half = run * of_run + of_run // 2
        acked = broker.broker.stats(SUBSCRIPTION).acked
        broker.publish(messages[run * of_run : half])
        broker.wait_for_acks(acked + half - run * of_run)
        # New updates have overtaken those that the process before left behind. They come now.
        broker.pass_time(LEASE_S)
        hold_after(customerio, answered=4)
        broker.publish(messages[half : (run + 1) * of_run])
        wait_until_held(customerio)
        program.kill()
        broker.wait_until_left()
        assert broker.broker.stats(SUBSCRIPTION).acked < (run + 1) * of_run
        let_go(customerio)
    broker.pass_time(LEASE_S)
    program = Program(tmp_path / "last", settings, customerio.url, state, pub_sub=broker)
    assert program.finish(broker) == 0, program.log()
    assert program.ledger()["balanced"]
    assert broker.broker.stats(SUBSCRIPTION).acked == len(messages)
    nobody_left_out(made, held(customerio))


def test_changed_through_an_outage_and_with_copies(
    broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    """Bundles fail and are undone; what comes again changes nothing, and nothing is sent for it."""
    made = changes(2)
    messages = in_any_order(made, 2)
    broker.publish(messages)
    settings = CHANGED | {"delivery": CHANGED["delivery"] | {"retry_for_s": 1}}
    state = f"--state_file={tmp_path / 'people.sqlite'}"
    customerio.stop()
    program = Program(tmp_path / "first", settings, customerio.url, state, pub_sub=broker)
    program.wait_for_log("A bundle failed", times=2)
    customerio.start()
    assert program.finish(broker) == 0, program.log()
    ledger = program.ledger()
    assert ledger["balanced"]
    assert ledger["received"] == len(messages)
    # What comes again after a failure sends its person whole, copies too; then they are skipped.
    assert set(ledger["outcomes"]) <= {
        "delivered",
        "coalesced.identify",
        "skipped.duplicate",
        "skipped.unchanged",
    }
    nobody_left_out(made, held(customerio))

    items = customerio.workspace.counters().items
    broker.publish([*messages, *same_again(made)])
    program = Program(tmp_path / "again", settings, customerio.url, state, pub_sub=broker)
    assert program.finish(broker) == 0, program.log()
    assert program.ledger()["outcomes"] == {
        "skipped.duplicate": len(messages),
        "skipped.unchanged": PEOPLE,
    }
    assert customerio.workspace.counters().items == items


def same_again(made: list[Change]) -> Iterator[bytes]:
    """New updates that leave everyone as they are."""
    later_ms = (PUBLISHED_AT + SPAN_S) * 1000
    for user, values in wanted(made).items():
        there = {name: msgspec.json.decode(text) for name, text in values.items()}
        gone = {name: "-" for name in NAMES if name not in values}
        yield Change(user, later_ms, {"$set": there, "$unset": gone}).message()
