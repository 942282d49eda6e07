"""A lane in bad weather: what is sent again, when, and when it gives up."""

import math

import pytest

from pipeline.local.customerio import (
    CustomerIoStandIn,
    Fault,
    Hang,
    Match,
    Reset,
    Respond,
    html_page,
    rate_limited,
    unavailable,
)
from pipeline.local.customerio.faults import Action
from tests.transforms.sink.lane_under_test import (
    TWO,
    LaneUnderTest,
    assert_two_arrived_once,
    event_names,
    lane_to,
    refused,
    taken,
)
from tests.transforms.sink.operations import BASE_S, LARGE, event
from transforms.sink.lane import DeliveryError


@pytest.mark.parametrize(
    "fault",
    [
        *[
            pytest.param(unavailable(status), id=str(status))
            for status in (408, 425, 500, 502, 503, 504, 522)
        ],
        pytest.param(rate_limited(None), id="429"),
        pytest.param(html_page(200), id="a page with 200"),
        pytest.param(Respond(200, body='{"errors":[', apply=True), id="truncated, applied"),
        pytest.param(Respond(503, apply=True), id="503, applied"),
        pytest.param(Reset(), id="reset before"),
        pytest.param(Reset(apply=True), id="reset after"),
    ],
)
def test_what_did_not_get_through_is_sent_again_as_it_was(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest, fault: Respond | Reset
) -> None:
    stand_in.faults.next(fault, times=2)

    receipts, counts = lane.deliver(TWO)

    assert (taken(receipts), refused(receipts)) == ([0, 1], {})
    assert_two_arrived_once(stand_in)
    assert stand_in.workspace.counters().duplicate_events == (2 if fault.apply else 0)
    assert len({(line.bytes, line.items or 2) for line in stand_in.workspace.requests()}) == 1
    assert (counts["first_attempt"], counts["after_retry"], counts["requests"]) == (0, 2, 3)
    first, second = lane.time.slept
    assert 0 <= first <= 0.25
    assert 0 <= second <= 0.5


def test_a_large_event_is_sent_again_too(stand_in: CustomerIoStandIn, lane: LaneUnderTest) -> None:
    stand_in.faults.next(Reset(apply=True))

    lane.deliver([event(0, words=LARGE)])

    assert event_names(stand_in) == ["E0"]
    assert stand_in.workspace.counters().duplicate_events == 1


def test_no_answer_in_time(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Hang(apply_first=True))

    # However often a slow machine gives an answer too late.
    with lane_to(stand_in.url, timeout_s=0.1, retry_for_s=math.inf) as lane:
        receipts, _ = lane.deliver(TWO)

    assert taken(receipts) == [0, 1]
    assert_two_arrived_once(stand_in)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("headers", "least_s"),
    [
        pytest.param({"Retry-After": "7"}, 7.0, id="seconds"),
        pytest.param(
            {
                "Retry-After": "Sun, 06 Nov 1994 08:49:44 GMT",
                "Date": "Sun, 06 Nov 1994 08:49:37 GMT",
            },
            7.0,
            id="date",
        ),
        pytest.param({"Retry-After": "soon"}, 0.0, id="garbage"),
    ],
)
def test_the_time_that_the_server_asks_for_is_waited(
    stand_in: CustomerIoStandIn,
    lane: LaneUnderTest,
    status: int,
    headers: dict[str, str],
    least_s: float,
) -> None:
    stand_in.faults.next(Respond(status, headers))

    receipts, counts = lane.deliver(TWO)

    assert taken(receipts) == [0, 1]
    assert least_s <= sum(lane.time.slept) <= least_s + 0.25
    if status == 429:
        assert counts["throttled_ms"] == int(sum(lane.time.slept) * 1000)
    else:
        assert counts["throttled_ms"] == 0


def test_a_429_stops_the_other_lanes_too(stand_in: CustomerIoStandIn, lane: LaneUnderTest) -> None:
    stand_in.faults.next(rate_limited(7))
    waits: list[float] = []
    # While this lane waits, another one asks the same budget.
    lane.time.when_asleep = lambda: None if waits else waits.append(_other_lane(lane))

    lane.deliver(TWO)

    [wait] = waits
    assert 7 <= wait <= 7.25


def _other_lane(lane: LaneUnderTest) -> float:
    before, lane.time.when_asleep = lane.time.now, lambda: None
    waited = lane.lane.budget.acquire()
    lane.time.now = before
    return waited


def test_backoff_starts_anew_with_the_next_request(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    for number in range(40):
        stand_in.faults.next(Reset(), match=Match(contains=f'"E{number}"'))

    lane.deliver((event(number) for number in range(40)), max_items=1)

    assert len(lane.time.slept) == 40
    assert max(lane.time.slept) <= 0.25


# Giving up


@pytest.mark.parametrize("retry_for_s", [0.0, 1.0, 120.0])
@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(unavailable(), id="503"),
        pytest.param(rate_limited(7), id="429"),
        pytest.param(rate_limited(10_000), id="429 for hours"),
        pytest.param(Reset(), id="reset"),
        pytest.param(html_page(200), id="a page with 200"),
    ],
)
def test_after_retry_for_s_the_bundle_has_to_be_tried_again(
    stand_in: CustomerIoStandIn, fault: Respond | Reset, retry_for_s: float
) -> None:
    stand_in.faults.next(fault, times=None)

    with lane_to(stand_in.url, retry_for_s=retry_for_s) as lane:
        with pytest.raises(DeliveryError, match=f"not delivered within {retry_for_s:g} s"):
            lane.deliver(TWO)
        assert sum(lane.time.slept) == pytest.approx(retry_for_s)

    assert stand_in.workspace.counters().applied == 0


def test_a_run_that_nobody_would_try_again_never_gives_up(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(unavailable(), times=60)

    with lane_to(stand_in.url, retry_for_s=math.inf) as lane:
        receipts, _ = lane.deliver(TWO)

    assert taken(receipts) == [0, 1]
    assert len(lane.time.slept) == 60
    assert max(lane.time.slept) <= 30


def test_what_was_taken_before_the_end_counts_once_when_it_comes_again(
    stand_in: CustomerIoStandIn,
) -> None:
    operations = [event(number) for number in range(6)]
    stand_in.faults.next(unavailable(), times=None, match=Match(contains='"E4"'))
    with lane_to(stand_in.url, retry_for_s=5.0) as lane:
        with pytest.raises(DeliveryError):
            lane.deliver(operations, max_items=2)
        assert event_names(stand_in) == ["E0", "E1", "E2", "E3"]
        stand_in.faults.clear()

        receipts, _ = lane.deliver(operations, max_items=2)

    assert taken(receipts) == list(range(6))
    assert event_names(stand_in) == [f"E{number}" for number in range(6)]
    assert stand_in.workspace.counters().duplicate_events == 4


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (unavailable(), "503"),
        (Respond(500, body='{"meta":{"error":"ada@x.org made trouble"}}'), "500"),
        (Respond(200, body="[]"), "200"),
        (Reset(), "no answer: ProtocolError"),
    ],
)
def test_the_error_says_what_came_last_but_quotes_nobody(
    stand_in: CustomerIoStandIn, fault: Respond | Reset, said: str
) -> None:
    stand_in.faults.next(fault, times=None)

    with lane_to(stand_in.url, retry_for_s=0) as lane, pytest.raises(DeliveryError) as raised:
        lane.deliver(TWO)

    assert str(raised.value) == f"not delivered within 0 s; last answer: {said}"


def test_all_kinds_of_trouble_in_a_row_lose_nothing_and_double_nothing(
    stand_in: CustomerIoStandIn, lane: LaneUnderTest
) -> None:
    trouble: list[Action] = [
        Reset(),
        Reset(apply=True),
        unavailable(),
        Respond(500, apply=True),
        rate_limited(3),
        html_page(200),
    ]
    spurious = Respond(400, apply=True)
    unclear = Respond(207, body='{"errors":[{"batch_index":99}]}', apply=True)
    script = [*trouble, spurious, *trouble, unclear, *trouble]
    stand_in.faults.add(*[Fault(action) for action in script])

    receipts, _ = lane.deliver((event(number) for number in range(100)), max_items=10)

    assert taken(receipts) == list(range(100))
    assert sorted(event_names(stand_in)) == sorted(f"E{number}" for number in range(100))
    assert {each.timestamp for each in stand_in.workspace.events()} == {
        BASE_S + number for number in range(100)
    }
