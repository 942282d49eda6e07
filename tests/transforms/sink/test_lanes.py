"""The lanes of a process: who waits for whom."""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from pipeline.local.customerio import (
    CustomerIoStandIn,
    Hang,
    Match,
    Reset,
    Respond,
    Workspace,
    rate_limited,
    unavailable,
)
from pipeline.local.customerio.faults import Action
from tests.transforms.sink.lane_under_test import (
    PATIENT_S,
    credentials,
    deliver,
    event_names,
    refused,
    statuses,
    taken,
)
from tests.transforms.sink.operations import event
from transforms.records import Operation
from transforms.sink.lane import DeliveryError
from transforms.sink.lanes import DeliveryPolicy, Lanes

WAIT_S = 120.0


@contextmanager
def lanes_to(stand_in: CustomerIoStandIn, **changes: Any) -> Iterator[Lanes]:
    lanes = Lanes(policy(stand_in, **changes), credentials)
    try:
        yield lanes
    finally:
        # A lane that hangs could not be closed.
        stand_in.faults.clear()
        stand_in.faults.release()
        lanes.close()


def policy(stand_in: CustomerIoStandIn, **changes: Any) -> DeliveryPolicy:
    """A policy without a limit of requests unless `changes` has one."""
    patient = {"requests_per_second": 0.0, "request_timeout_s": PATIENT_S}
    return DeliveryPolicy(stand_in.url, **{**patient, **changes})


def of(person: str, *numbers: int) -> list[Operation]:
    """Events of a person."""
    return [event(number, {"id": person}) for number in numbers]


def arrived(*names: str) -> Callable[[Workspace], bool]:
    """Whether these events are there."""
    return lambda workspace: set(names) <= {each.name for each in workspace.events()}


def events_by_person(stand_in: CustomerIoStandIn) -> dict[str, list[str]]:
    """The names of everybody's events, in the order of their arrival."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for each in stand_in.workspace.events():
        found[each.identifiers["id"]].append(each.name)
    return dict(found)


def test_everybodys_items_are_taken_and_counted(stand_in: CustomerIoStandIn) -> None:
    operations = [event(number, {"id": f"p{number % 50}"}) for number in range(500)]

    with lanes_to(stand_in) as lanes:
        receipts, counts = deliver(lanes, operations)

    assert taken(receipts) == list(range(500))
    assert sorted(event_names(stand_in)) == sorted(f"E{number}" for number in range(500))
    assert counts["first_attempt"] == counts["batch_items"] == 500
    assert counts["requests"] == stand_in.workspace.counters().requests <= 16


def test_nothing_to_deliver(stand_in: CustomerIoStandIn) -> None:
    with lanes_to(stand_in) as lanes:
        receipts, counts = deliver(lanes, [])

    assert (receipts, +counts, statuses(stand_in)) == ([], {}, [])


def test_one_persons_items_leave_in_the_order_of_their_time(stand_in: CustomerIoStandIn) -> None:
    operations = [event(number, {"id": f"p{number % 7}"}) for number in range(210)]
    random.Random(1).shuffle(operations)

    with lanes_to(stand_in, lanes=4, max_batch_items=5) as lanes:
        deliver(lanes, operations)

    assert events_by_person(stand_in) == {
        f"p{person}": [f"E{number}" for number in range(person, 210, 7)] for person in range(7)
    }


def test_of_two_items_at_the_same_time_the_first_leaves_first(stand_in: CustomerIoStandIn) -> None:
    same_time = [event(7), event(7, n=2), event(7, n=3)]

    with lanes_to(stand_in, max_batch_items=1) as lanes:
        receipts, _ = deliver(lanes, same_time)

    assert [receipt.pending.owner for receipt in receipts] == [0, 1, 2]


def test_order_survives_trouble(stand_in: CustomerIoStandIn) -> None:
    trouble: list[tuple[int, Action]] = [
        (0, unavailable()),
        (31, Reset()),
        (42, Reset(apply=True)),
        (53, rate_limited(0)),
        (64, Respond(400)),
    ]
    for number, fault in trouble:
        stand_in.faults.next(fault, match=Match(contains=f'"E{number}"'))
    operations = [event(number, {"id": f"p{number % 3}"}) for number in range(90)]
    random.Random(2).shuffle(operations)

    with lanes_to(stand_in, lanes=3, max_batch_items=4) as lanes:
        receipts, _ = deliver(lanes, operations)

    assert refused(receipts) == {}
    assert events_by_person(stand_in) == {
        f"p{person}": [f"E{number}" for number in range(person, 90, 3)] for person in range(3)
    }


def test_nothing_of_a_person_overtakes_what_is_still_being_retried(
    stand_in: CustomerIoStandIn,
) -> None:
    stand_in.faults.next(unavailable(), match=Match(contains='"E0"'))
    stand_in.faults.next(Hang(), match=Match(contains='"E0"'))

    with lanes_to(stand_in) as lanes, ThreadPoolExecutor(2) as bundles:
        first = bundles.submit(deliver, lanes, of("ada", 0))
        assert stand_in.faults.wait_until_hanging(timeout_s=WAIT_S)
        others = [event(number, {"id": f"p{number}"}) for number in range(100, 110)]
        second = bundles.submit(deliver, lanes, [*of("ada", 1), *others])
        # Some of the ten share a lane with ada; the others do not wait for her.
        assert stand_in.workspace.wait_until(lambda seen: len(seen.events()) >= 5, WAIT_S)
        assert not {"E0", "E1"} & set(event_names(stand_in))
        assert not first.done()
        assert not second.done()
        stand_in.faults.release()

        assert taken(first.result(WAIT_S)[0]) == [0]
        assert taken(second.result(WAIT_S)[0]) == list(range(11))

    assert events_by_person(stand_in)["ada"] == ["E0", "E1"]
    assert len(event_names(stand_in)) == 12


def test_an_e_mail_address_takes_one_lane_in_every_spelling(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Hang(), match=Match(contains='"E0"'))
    spellings = ["ADA@x.org", "Ada@X.org", "ada@x.ORG", "aDa@x.org", "adA@X.ORG"]

    with lanes_to(stand_in, lanes=64) as lanes, ThreadPoolExecutor(2) as bundles:
        first = bundles.submit(deliver, lanes, [event(0, {"email": "ada@x.org"})])
        assert stand_in.faults.wait_until_hanging(timeout_s=WAIT_S)
        later = [event(number, {"email": text}) for number, text in enumerate(spellings, 1)]
        bob = event(9, {"id": "bob"})
        second = bundles.submit(deliver, lanes, [*later, bob])
        assert stand_in.workspace.wait_until(arrived("E9"), WAIT_S)
        assert event_names(stand_in) == ["E9"]
        stand_in.faults.release()
        first.result(WAIT_S)
        second.result(WAIT_S)

    assert event_names(stand_in) == ["E9", "E0", "E1", "E2", "E3", "E4", "E5"]


def test_requests_are_under_way_together(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Hang(), times=None)
    people = [event(number, {"id": f"p{number}"}) for number in range(200)]

    with lanes_to(stand_in, lanes=8) as lanes, ThreadPoolExecutor(1) as bundle:
        delivered = bundle.submit(deliver, lanes, people)
        assert stand_in.faults.wait_until_hanging(8, WAIT_S)
        stand_in.faults.clear()
        stand_in.faults.release()
        assert len(delivered.result(WAIT_S)[0]) == 200

    assert stand_in.workspace.counters().requests == 8


def test_the_failure_of_one_lane_waits_for_the_others(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(unavailable(), times=None, match=Match(contains='"E0"'))
    stand_in.faults.next(Hang(), match=Match(contains='"E1"'))
    there_at_the_end: list[str] = []

    def bundle(lanes: Lanes) -> None:
        try:
            deliver(lanes, [*of("ada", 0), *of("bob", 1)])
        finally:
            there_at_the_end.extend(event_names(stand_in))

    with lanes_to(stand_in, retry_for_s=0.0) as lanes, ThreadPoolExecutor(1) as bundles:
        ended = bundles.submit(bundle, lanes)
        assert stand_in.faults.wait_until_hanging(timeout_s=WAIT_S)
        assert stand_in.workspace.wait_until(lambda seen: 503 in seen.answers(), WAIT_S)
        # The next bundle of ada fails as well, so the lane is through with the first.
        with pytest.raises(DeliveryError):
            deliver(lanes, of("ada", 0))
        assert not ended.done()
        stand_in.faults.release()
        with pytest.raises(DeliveryError, match="503"):
            ended.result(WAIT_S)

    assert there_at_the_end == ["E1"]


def test_a_lane_that_failed_serves_the_next_bundle(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Reset(apply=True))

    with lanes_to(stand_in, retry_for_s=0.0) as lanes:
        with pytest.raises(DeliveryError):
            deliver(lanes, of("ada", 0))
        receipts, _ = deliver(lanes, of("ada", 0))

    assert taken(receipts) == [0]
    assert event_names(stand_in) == ["E0"]


def test_lanes_share_one_budget(stand_in: CustomerIoStandIn) -> None:
    people = [event(number, {"id": f"p{number}"}) for number in range(200)]

    # A request a lane: all of them ask at once.
    with lanes_to(stand_in, requests_per_second=4.0, lanes=4) as lanes:
        begin = time.monotonic()
        _, counts = deliver(lanes, people)
        took_s = time.monotonic() - begin

    assert counts["requests"] == 4
    assert counts["throttled_ms"] > 0
    # The budget's burst is 0.05 s.
    assert took_s >= (counts["requests"] - 1) / 4 - 0.05
