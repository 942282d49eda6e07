"""A bundle that goes out in parts: what they share, and what becomes of it when one fails."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from pipeline.local.customerio import CustomerIoStandIn, Hang, Match, rate_limited
from pipeline.local.customerio.actions import Respond
from tests.transforms.sink.lane_under_test import (
    PATIENT_S,
    credentials,
    event_names,
    lane_to,
    settled,
    taken,
)
from tests.transforms.sink.operations import event, identify, pending
from transforms.sink.batch import Pending
from transforms.sink.lane import DeliveryError
from transforms.sink.lanes import DeliveryPolicy, Lanes
from transforms.sink.shipment import Shipment

WAIT_S = 120.0


@contextmanager
def shipment_to(
    stand_in: CustomerIoStandIn, *, lanes: int = 1, max_items: int = 4, retry_for_s: float = 60.0
) -> Iterator[Shipment]:
    opened = Lanes(
        DeliveryPolicy(
            stand_in.url,
            max_batch_items=max_items,
            requests_per_second=0,
            lanes=lanes,
            request_timeout_s=PATIENT_S,
            retry_for_s=retry_for_s,
        ),
        credentials,
    )
    try:
        yield opened.begin()
    finally:
        stand_in.faults.clear()
        stand_in.faults.release()
        opened.close()


def events(*numbers: int) -> list[Pending]:
    """Events of one person each."""
    return [pending(event(number, {"id": f"p{number}"}), number) for number in numbers]


def sizes(stand_in: CustomerIoStandIn) -> list[int]:
    """The number of items of each request, in the order in which they came."""
    return [line.items for line in stand_in.workspace.requests()]


def test_what_fills_no_request_waits_for_the_next_part(stand_in: CustomerIoStandIn) -> None:
    with shipment_to(stand_in) as shipment:
        shipment.send(events(0, 1, 2, 3, 4, 5))
        shipment.send(events(6, 7, 8))
        shipment.send(events(9), last=True)

    assert sizes(stand_in) == [4, 4, 2]
    assert event_names(stand_in) == [f"E{number}" for number in range(10)]
    assert taken(settled(shipment.receipts())) == list(range(10))
    assert shipment.receipts() == []
    counts = shipment.counts()
    assert (counts["requests"], counts["first_attempt"], counts["throttled_ms"]) == (3, 10, 0)


def test_what_a_bundle_took_is_from_its_first_operation_to_its_last_answer(
    stand_in: CustomerIoStandIn,
) -> None:
    # On the clock of a lane under test, time passes only while the lane waits.
    with lane_to(stand_in.url) as under_test, ThreadPoolExecutor(max_workers=1) as thread:
        clock = under_test.time
        run = under_test.lane.begin(max_items=1, max_bytes=475_000)
        shipment = Shipment([run], [thread], clock=clock.clock)
        shipment.send([])
        clock.now += 100
        assert shipment.counts()["delivering_ms"] == 0
        stand_in.faults.next(rate_limited(7), times=2)
        shipment.send(events(0))
        shipment.send(events(1), last=True)

    assert len(clock.slept) == 2
    assert shipment.counts()["delivering_ms"] == pytest.approx(1000 * sum(clock.slept), abs=1)


def test_a_part_without_items_ends_a_shipment(stand_in: CustomerIoStandIn) -> None:
    with shipment_to(stand_in) as shipment:
        shipment.send(events(0))
        shipment.send([], last=True)

    assert sizes(stand_in) == [1]


def test_identifies_of_two_parts_that_share_a_request_become_one(
    stand_in: CustomerIoStandIn,
) -> None:
    with shipment_to(stand_in) as shipment:
        shipment.send([pending(identify(0, a=1, b=1), 0)])
        shipment.send([pending(identify(1, b=2), 1)], last=True)

    [ada] = stand_in.workspace.people()
    assert ada.attributes == {"a": 1, "b": 2}
    [receipt] = shipment.receipts()
    [one] = receipt.taken
    assert [part.owner for part in one.parts] == [0, 1]


def test_an_older_identify_of_the_next_part_replaces_nothing(stand_in: CustomerIoStandIn) -> None:
    with shipment_to(stand_in, max_items=10) as shipment:
        shipment.send([pending(identify(200, plan="pro"), 0)])
        shipment.send(
            [pending(identify(100, plan="free", a=1), 1), pending(identify(300, seats=3), 2)],
            last=True,
        )

    [ada] = stand_in.workspace.people()
    assert ada.attributes["plan"] == "pro"
    assert ada.attributes["seats"] == 3
    assert sizes(stand_in) == [2]


def test_the_next_part_is_made_while_one_is_under_way(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Hang(), match=Match(contains='"E0"'))

    with shipment_to(stand_in, max_items=1) as shipment, ThreadPoolExecutor(1) as bundle:
        shipment.send(events(0))
        shipment.send(events(1))
        assert stand_in.faults.wait_until_hanging(timeout_s=WAIT_S)
        # A third one would be kept in memory while nothing leaves.
        third = bundle.submit(shipment.send, events(2), last=True)
        assert not third.done()
        assert event_names(stand_in) == []
        stand_in.faults.release()
        third.result(WAIT_S)

    assert event_names(stand_in) == ["E0", "E1", "E2"]


def test_after_a_part_that_failed_nothing_more_is_sent(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Respond(503), times=None, match=Match(contains='"E0"'))

    with shipment_to(stand_in, max_items=1, retry_for_s=0.05) as shipment:
        shipment.send(events(0, 1))
        shipment.send(events(2))
        with pytest.raises(DeliveryError):
            shipment.send(events(3), last=True)

    # Not what was behind it in its own part, nor the part that was handed over already.
    assert event_names(stand_in) == []
    assert not list(shipment.receipts())


def test_the_rest_of_a_part_that_failed_is_not_sent_with_the_next_one(
    stand_in: CustomerIoStandIn,
) -> None:
    stand_in.faults.next(Respond(503), times=None, match=Match(contains='"E0"'))

    with shipment_to(stand_in, max_items=2, retry_for_s=0.05) as shipment:
        shipment.send(events(0, 1))
        with pytest.raises(DeliveryError):
            shipment.send(events(2), last=True)

    assert max(line.items for line in stand_in.workspace.requests()) <= 2
    assert event_names(stand_in) == []


class _Thread(ThreadPoolExecutor):
    """A lane's thread that knows what it was given."""

    def __init__(self) -> None:
        super().__init__(1)
        self.given: list[Future[Any]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        self.given.append(future)
        return future


def test_a_shipment_that_is_abandoned_waits_for_what_is_under_way(
    stand_in: CustomerIoStandIn,
) -> None:
    stand_in.faults.next(Hang(), match=Match(contains='"E0"'))

    with lane_to(stand_in.url) as under_test, _Thread() as thread:
        lane = under_test.lane
        shipment = Shipment([lane.begin(max_items=1, max_bytes=475_000)], [thread])
        shipment.send(events(0))
        shipment.send(events(1))
        assert stand_in.faults.wait_until_hanging(timeout_s=WAIT_S)
        first, second = thread.given
        second.add_done_callback(lambda _: stand_in.faults.release())
        shipment.abandon()

        assert (first.done(), first.cancelled(), second.cancelled()) == (True, False, True)
        assert event_names(stand_in) == ["E0"]
