"""A request that is refused as a whole is halved until the bad item stands alone."""

import math
from itertools import combinations

import pytest

from pipeline.local.customerio import CustomerIoStandIn, ItemErrors, Respond
from tests.transforms.sink.lane_under_test import (
    LaneUnderTest,
    event_names,
    refuse_requests_with,
    refused,
    statuses,
    taken,
)
from tests.transforms.sink.operations import event

REFUSED = "400 something in it is wrong"


def others(number: int, *bad: int) -> list[int]:
    return [position for position in range(number) if position not in bad]


@pytest.mark.parametrize("status", [400, 422, 413])
def test_the_one_bad_item_is_found(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest, status: int
) -> None:
    refuse_requests_with(stand_in, ['"E42"'], status)

    receipts, counts = lane.deliver(event(number) for number in range(100))

    assert refused(receipts) == {42: f"{status} something in it is wrong"}
    assert taken(receipts) == others(100, 42)
    assert sorted(event_names(stand_in)) == sorted(f"E{n}" for n in others(100, 42))
    assert stand_in.workspace.counters().duplicate_events == 0
    assert (counts["first_attempt"], counts["after_retry"]) == (0, 99)
    assert lane.time.slept == []


def test_one_bad_item_in_a_hundred_costs_few_requests_wherever_it_stands(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    for bad in range(100):
        stand_in.faults.clear()
        refuse_requests_with(stand_in, [f'"E{bad}"'])
        before = stand_in.workspace.counters().requests

        receipts, counts = lane.deliver(event(number) for number in range(100))

        assert refused(receipts) == {bad: REFUSED}
        assert taken(receipts) == others(100, bad)
        cost = stand_in.workspace.counters().requests - before
        assert cost == counts["requests"] <= 2 * math.log2(100) + 1
    assert stand_in.workspace.counters().applied == 100


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8])
def test_one_bad_item_at_every_place_of_a_small_request(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest, size: int
) -> None:
    for bad in range(size):
        stand_in.faults.clear()
        refuse_requests_with(stand_in, [f'"E{bad}"'])

        receipts, counts = lane.deliver(event(number) for number in range(size))

        assert refused(receipts) == {bad: REFUSED}
        assert taken(receipts) == others(size, bad)
        assert counts["requests"] <= 2 * math.log2(size) + 1


def test_two_bad_items_at_every_two_places(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    for bad in combinations(range(9), 2):
        stand_in.faults.clear()
        refuse_requests_with(stand_in, [f'"E{number}"' for number in bad])

        receipts, _ = lane.deliver(event(number) for number in range(9))

        assert refused(receipts) == dict.fromkeys(bad, REFUSED)
        assert taken(receipts) == others(9, *bad)


def test_after_a_half_that_was_taken_in_part_the_other_is_not_suspected(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    stand_in.faults.next(Respond(400))
    stand_in.faults.next(ItemErrors((1,), 207))

    receipts, _ = lane.deliver(event(number) for number in range(8))

    assert list(refused(receipts)) == [1]
    assert statuses(stand_in) == [400, 207, 200]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_all_bad_comes_to_an_end(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest, size: int
) -> None:
    stand_in.faults.next(Respond(400), times=None)

    receipts, counts = lane.deliver(event(number) for number in range(size))

    assert refused(receipts) == dict.fromkeys(range(size), "400")
    assert counts["requests"] <= 2 * size - 1
    assert counts["first_attempt"] == counts["after_retry"] == 0


def test_a_batch_without_a_valid_item(stand_in: CustomerIoStandIn, lane: LaneUnderTest) -> None:
    receipts, _ = lane.deliver([event(0, {"id": "x" * 151}), event(1, {"id": "y" * 151})])

    words = "invalid: identifiers.id: cannot be longer than 150 bytes"
    assert refused(receipts) == dict.fromkeys(range(2), f"400 {words}")
    assert statuses(stand_in) == [400, 400, 400]


def test_a_refusal_for_no_reason_refuses_nobody(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    stand_in.faults.next(Respond(400))

    receipts, _ = lane.deliver(event(number) for number in range(9))

    assert taken(receipts) == others(9)
    assert stand_in.workspace.counters().duplicate_events == 0


def test_a_request_too_large_for_customer_io_goes_in_parts(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    operations = [event(number, words="x" * 30_000) for number in range(20)]

    receipts, _ = lane.deliver(operations, max_bytes=10**6)

    assert taken(receipts) == others(20)
    assert statuses(stand_in)[:2] == [413, 200]
    assert stand_in.workspace.counters().duplicate_events == 0


def test_a_trouble_while_halving_is_sat_out(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    stand_in.faults.next(Respond(400))
    stand_in.faults.next(Respond(503), times=2)
    refuse_requests_with(stand_in, ['"E3"'])

    receipts, _ = lane.deliver(event(number) for number in range(8))

    assert refused(receipts) == {3: REFUSED}
    assert taken(receipts) == others(8, 3)
    assert len(lane.time.slept) == 2
