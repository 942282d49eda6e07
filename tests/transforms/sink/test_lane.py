"""A lane and Customer.io: what is taken, what is refused, and which words come back."""

from typing import Any, Literal

import pytest

from pipeline.local.customerio import CustomerIoStandIn, ItemErrors, Match, Respond
from tests.transforms.sink.lane_under_test import (
    LaneUnderTest,
    event_names,
    refuse_requests_with,
    refused,
    statuses,
    taken,
)
from tests.transforms.sink.operations import BASE_S, LARGE, event, identify

REFUSED = "400 something in it is wrong"


def others(number: int, *bad: int) -> list[int]:
    return [position for position in range(number) if position not in bad]


def test_everything_is_taken(stand_in: CustomerIoStandIn, lane: LaneUnderTest) -> None:
    receipts, counts = lane.deliver(event(number) for number in range(250))

    assert [receipt.pending.owner for receipt in receipts] == list(range(250))
    assert refused(receipts) == {}
    assert {receipt.at_ms for receipt in receipts} == {int(lane.time.now * 1000)}
    assert event_names(stand_in) == [f"E{number}" for number in range(250)]
    lines = stand_in.workspace.requests()
    assert [(line.path, line.items) for line in lines] == [
        ("/api/v2/batch", 100),
        ("/api/v2/batch", 100),
        ("/api/v2/batch", 50),
    ]
    assert +counts == {
        "requests": 3,
        "batch_items": 250,
        "request_bytes": sum(line.bytes for line in lines),
        "first_attempt": 250,
    }
    assert lane.time.slept == []


def test_nothing_to_deliver(stand_in: CustomerIoStandIn, lane: LaneUnderTest) -> None:
    receipts, counts = lane.deliver([])

    assert (receipts, +counts) == ([], {})
    assert statuses(stand_in) == []


def test_a_207_refuses_its_items_and_takes_the_others(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    # Customer.io may have rules that we do not know.
    stand_in.faults.next(ItemErrors((1, 3), 207, "invalid", "attributes.bio", "is not nice"))

    receipts, counts = lane.deliver(event(number) for number in range(5))

    words = "invalid: attributes.bio: is not nice"
    assert refused(receipts) == {1: words, 3: words}
    assert taken(receipts) == [0, 2, 4]
    assert event_names(stand_in) == ["E0", "E2", "E4"]
    assert statuses(stand_in) == [207]
    assert (counts["first_attempt"], counts["after_retry"]) == (3, 0)


def test_errors_inside_a_200_are_refusals_too(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    stand_in.faults.next(ItemErrors((0, 2), 200))

    receipts, _ = lane.deliver(event(number) for number in range(3))

    words = "invalid: attributes: refused by a scripted fault"
    assert refused(receipts) == {0: words, 2: words}
    assert event_names(stand_in) == ["E1"]


def test_customer_ios_own_rules(stand_in: CustomerIoStandIn, lane: LaneUnderTest) -> None:
    receipts, _ = lane.deliver([event(0), event(1, {"id": "x" * 151}), event(2)])

    assert refused(receipts) == {1: "invalid: identifiers.id: cannot be longer than 150 bytes"}
    assert event_names(stand_in) == ["E0", "E2"]


@pytest.mark.parametrize("status", [200, 207])
@pytest.mark.parametrize("index", [2, 10**12, -1])
def test_an_index_out_of_range_loses_nothing_and_doubles_nothing(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest, index: int, status: Literal[200, 207]
) -> None:
    stand_in.faults.next(ItemErrors((index,), status))

    receipts, counts = lane.deliver([event(0), event(1)])

    assert refused(receipts) == {}
    assert event_names(stand_in) == ["E0", "E1"]
    assert stand_in.workspace.counters().duplicate_events == 2
    assert (counts["first_attempt"], counts["after_retry"]) == (0, 2)


# Large events


@pytest.mark.parametrize(
    "identifiers",
    [
        pytest.param({"id": "ada"}, id="plain"),
        pytest.param({"id": "a/../b//c?d#e"}, id="slashes"),
        pytest.param({"id": "50% %2F+%"}, id="percent signs"),
        pytest.param({"id": ".."}, id="two dots"),
        pytest.param({"id": "Zoë 雪"}, id="unicode"),
        pytest.param({"email": "a+b/c@x.org"}, id="e-mail"),
    ],
)
def test_a_large_event_arrives_at_its_person(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest, identifiers: dict[str, str]
) -> None:
    operations = [event(1, identifiers, words=LARGE), event(2, identifiers)]

    receipts, _ = lane.deliver(operations)

    assert taken(receipts) == [0, 1]
    [large, small] = stand_in.workspace.events()
    assert large.identifiers == small.identifiers == identifiers
    assert large.cio_id == small.cio_id
    assert (large.name, large.data, large.timestamp) == ("E1", {"words": LARGE}, BASE_S + 1)
    assert large.id == event(1).id


def test_a_large_event_of_a_cio_id_arrives_at_its_person(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    lane.deliver([event(0)])
    [first] = stand_in.workspace.people()

    lane.deliver([event(1, {"cio_id": first.cio_id}, words=LARGE)])

    assert [each.cio_id for each in stand_in.workspace.events()] == [first.cio_id] * 2


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, '{"meta":{"errors":["data is bad"]}}', "400 data is bad"),
        (400, '{"meta":{"error":"data is bad"}}', "400 data is bad"),
        (413, "", "413"),
    ],
)
def test_a_large_event_that_is_refused(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest, status: int, body: str, words: str
) -> None:
    stand_in.faults.next(Respond(status, body=body), match=Match(path="/api/v1/*"))

    receipts, _ = lane.deliver([event(1), event(2, words=LARGE), event(3)])

    assert refused(receipts) == {1: words}
    assert event_names(stand_in) == ["E1", "E3"]


# Identifies that were made one


def test_two_identifies_that_were_made_one(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    receipts, counts = lane.deliver([identify(0, a=1, b=1), event(1), identify(2, b=2)])

    [ada] = stand_in.workspace.people()
    assert ada.attributes == {"a": 1, "b": 2}
    assert [len(receipt.pending.parts) for receipt in receipts] == [2, 0]
    assert (counts["first_attempt"], counts["batch_items"]) == (3, 2)


@pytest.mark.parametrize("status", [207, 400])
@pytest.mark.parametrize("bad", [0, 1, 2])
def test_a_bad_identify_does_not_take_those_that_it_was_made_one_with(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest, bad: int, status: int
) -> None:
    operations = [identify(0, a0=0), identify(1, a1=1), identify(2, a2=2)]
    if status == 207:
        stand_in.faults.next(ItemErrors((0,), 207))
    refuse_requests_with(stand_in, [f'"a{bad}"'])

    receipts, counts = lane.deliver([*operations, event(9)])

    assert list(refused(receipts)) == [bad]
    assert taken(receipts) == [position for position in range(4) if position != bad]
    [ada] = stand_in.workspace.people()
    assert ada.attributes == {f"a{number}": number for number in range(3) if number != bad}
    assert event_names(stand_in) == ["E9"]
    assert all(receipt.pending.parts == () for receipt in receipts)
    # The event was taken along with the refused identify when the answer named the items.
    first = 1 if status == 207 else 0
    assert (counts["first_attempt"], counts["after_retry"]) == (first, 3 - first)


def test_what_is_sent_again_one_by_one_undoes_nothing(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    """Of one time, as what a memory sends; with two devices, which are never made one."""
    stand_in.faults.next(ItemErrors((0,), 207))
    said: list[dict[str, Any]] = [
        {"plan": "free", "anonymous_id": "d1"},
        {"seats": 1},
        {"plan": "pro", "anonymous_id": "d2"},
    ]

    receipts, _ = lane.deliver(identify(**attributes) for attributes in said)

    assert refused(receipts) == {}
    assert sorted(taken(receipts)) == [0, 1, 2]
    person = stand_in.workspace.person(id="ada")
    assert person is not None
    assert person.attributes["plan"] == "pro"
    assert person.attributes["seats"] == 1
