"""The sink as a transform: what is counted, what is set aside, what a failing bundle leaves."""

import time
from collections.abc import Iterator
from itertools import repeat

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_pipeline import TestPipeline as BeamPipeline
from apache_beam.transforms.window import IntervalWindow

from pipeline.local.customerio import (
    CustomerIoStandIn,
    ItemErrors,
    Match,
    Respond,
    rate_limited,
)
from tests.transforms.sink.lane_under_test import event_names, statuses
from tests.transforms.sink.operations import BASE_S, LARGE, event, identify
from tests.transforms.sink.run_sink import (
    WINDOW_S,
    deliveries,
    delivery,
    run_sink,
    sink,
)
from transforms import tally
from transforms.coders import register
from transforms.reasons import DELIVERED
from transforms.records import DeadLetter, Delivery
from transforms.tally import ProcessLedger

REFUSED = "invalid: attributes: refused by a scripted fault"


pytestmark = pytest.mark.usefixtures("ledger", "credentials_of_the_sink")


def letter(reason: str) -> DeadLetter:
    """The dead letter of a part of a record that an earlier stage has set aside."""
    return DeadLetter(
        reason=reason,
        detail="over",
        stage="validate",
        kind="record",
        message_id="m0",
        publish_time=None,
        attributes={},
        record="{}",
    )


def test_everything_is_delivered_and_counted(
    stand_in: CustomerIoStandIn, ledger: ProcessLedger
) -> None:
    records = deliveries([*map(event, range(5)), event(5, words=LARGE)])

    outcome = run_sink(stand_in, records, lanes=1)

    assert outcome.found == []
    lines = stand_in.workspace.requests()
    expected = {
        DELIVERED: 6,
        "requests": 2,
        "batch_items": 6,
        "request_bytes": sum(line.bytes for line in lines),
        "first_attempt": 6,
        "late": 6,
    }
    took_ms = outcome.counts.pop("delivering_ms")
    assert {name: count for name, count in outcome.counts.items() if count} == expected
    assert outcome.accepted == 6
    # The source commits the bundle; until then its counts are open.
    assert +ledger.snapshot()[0] == {}
    counts, latencies = ledger.snapshot(with_open=True)
    assert counts.pop("delivering_ms") == took_ms
    assert +counts == expected
    assert latencies.total() == 6


def test_no_record(stand_in: CustomerIoStandIn) -> None:
    outcome = run_sink(stand_in, [])

    assert (outcome.found, outcome.counts, statuses(stand_in)) == ([], {}, [])


def test_a_refused_operation_becomes_a_dead_letter_at_its_own_time_in_its_own_window(
    stand_in: CustomerIoStandIn,
) -> None:
    stand_in.faults.next(ItemErrors((1, 2), 207))
    operations = [event(0), event(50), event(150)]

    outcome = run_sink(stand_in, deliveries(operations), lanes=1)

    assert outcome.settled() == {DELIVERED: 1, "dead_lettered.rejected": 2}
    assert [found.letter for found in outcome.found] == [
        DeadLetter(
            reason="rejected",
            detail=REFUSED,
            stage="deliver",
            kind="operation",
            message_id=f"m{number}",
            publish_time=BASE_S + 0.5,
            attributes={"source": str(number)},
            operation=operations[number],
        )
        for number in (1, 2)
    ]
    for found, second in zip(outcome.found, (50, 150), strict=True):
        assert found.timestamp == BASE_S + second
        begin = (BASE_S + second) // WINDOW_S * WINDOW_S
        assert found.window == IntervalWindow(begin, begin + WINDOW_S)
    first, second_window = (found.window for found in outcome.found)
    assert first != second_window


@pytest.mark.parametrize(
    ("refused", "fallen", "counted_as"),
    [
        pytest.param((), (), {DELIVERED: 1}, id="both taken"),
        pytest.param((0,), (), {"dead_lettered.rejected": 1}, id="event refused"),
        pytest.param((1,), (), {"dead_lettered.rejected": 1}, id="identify refused"),
        pytest.param((0, 1), (), {"dead_lettered.rejected": 1}, id="both refused"),
        pytest.param((), ("filtered.where",), {DELIVERED: 1}, id="delivered over filtered"),
        pytest.param(
            (0,), ("filtered.where",), {"dead_lettered.rejected": 1}, id="refused over filtered"
        ),
    ],
)
def test_a_record_of_two_operations_counts_once(
    stand_in: CustomerIoStandIn,
    refused: tuple[int, ...],
    fallen: tuple[str, ...],
    counted_as: dict[str, int],
) -> None:
    if refused:
        stand_in.faults.next(ItemErrors(refused, 207))

    outcome = run_sink(stand_in, [delivery(0, event(1), identify(1, a=1), fallen=fallen)])

    assert outcome.settled() == counted_as
    assert len(outcome.found) == len(refused)
    assert outcome.counts["batch_items"] == 2
    assert outcome.accepted == 2 - len(refused)


def test_what_an_earlier_stage_set_aside_is_handed_on_and_outweighs_the_delivery(
    stand_in: CustomerIoStandIn,
) -> None:
    reason = "attribute_value_too_long"
    record = delivery(0, event(70), fallen=(f"dead_lettered.{reason}",), letters=(letter(reason),))

    outcome = run_sink(stand_in, [record])

    assert outcome.settled() == {f"dead_lettered.{reason}": 1}
    [found] = outcome.found
    assert found.letter == letter(reason)
    assert found.timestamp == BASE_S + 70
    assert event_names(stand_in) == ["E70"]


def test_identifies_that_were_made_one_are_coalesced(stand_in: CustomerIoStandIn) -> None:
    records = [
        delivery(0, identify(0, a=0, b=0)),
        delivery(1, event(1), identify(1, a=1)),
        delivery(2, identify(2, a=2)),
        delivery(3, identify(3, {"id": "bob"}, a=3)),
    ]

    outcome = run_sink(stand_in, records, lanes=1)

    # The second has its event besides, and a delivery outweighs; the third is the one that left.
    assert outcome.settled() == {DELIVERED: 3, "coalesced.identify": 1}
    assert outcome.counts["batch_items"] == 3
    assert outcome.counts["first_attempt"] == 5
    people = {person.id: person.attributes for person in stand_in.workspace.people()}
    assert people == {"ada": {"a": 2, "b": 0}, "bob": {"a": 3}}


def test_a_refused_identify_is_set_aside_alone_out_of_those_that_were_made_one(
    stand_in: CustomerIoStandIn,
) -> None:
    stand_in.faults.next(Respond(400), times=None, match=Match(contains='"bad"'))
    operations = [identify(0, a=0), identify(70, bad=1), identify(140, a=2)]

    outcome = run_sink(stand_in, deliveries(operations))

    assert outcome.settled() == {DELIVERED: 2, "dead_lettered.rejected": 1}
    [found] = outcome.found
    assert found.letter.operation == operations[1]
    assert found.letter.message_id == "m1"
    assert found.timestamp == BASE_S + 70
    [ada] = stand_in.workspace.people()
    assert ada.attributes == {"a": 2}


def test_every_record_is_settled_once(stand_in: CustomerIoStandIn) -> None:
    bad = (3, 17, 29)
    for number in bad:
        stand_in.faults.next(Respond(400), times=None, match=Match(contains=f'"E{number}"'))
    records = [
        delivery(n, event(n, {"id": f"p{n % 5}"}), identify(n, {"id": f"p{n % 5}"}, n=n))
        for n in range(40)
    ] + [delivery(n, identify(n, {"id": f"p{n % 5}"}, n=n)) for n in range(40, 60)]

    outcome = run_sink(stand_in, records, max_batch_items=7)

    counts = outcome.settled()
    assert sum(counts.values()) == 60
    assert counts["dead_lettered.rejected"] == len(bad) == len(outcome.found)
    assert sorted(event_names(stand_in)) == sorted(f"E{n}" for n in range(40) if n not in bad)
    people = {person.id: person.attributes for person in stand_in.workspace.people()}
    assert people == {f"p{n}": {"n": 55 + n} for n in range(5)}


def test_an_operation_is_late_when_its_time_is_over_a_minute_ago(
    stand_in: CustomerIoStandIn,
) -> None:
    age_s = int(time.time()) - BASE_S
    records = deliveries([event(0), event(age_s - 300), event(age_s + 300)])

    outcome = run_sink(stand_in, records)

    assert (outcome.counts["late"], outcome.counts["first_attempt"]) == (2, 3)


def test_the_time_waited_for_customer_io_is_reported_to_the_runner(
    stand_in: CustomerIoStandIn,
) -> None:
    stand_in.faults.next(rate_limited(1))

    outcome = run_sink(stand_in, deliveries([event(0)]))

    assert 1000 <= outcome.counts["throttled_ms"] <= 1300
    assert outcome.counts["delivering_ms"] >= outcome.counts["throttled_ms"]
    assert outcome.counts["cumulativeThrottlingSeconds"] == 1
    assert outcome.counts["after_retry"] == 1


@pytest.mark.parametrize(
    ("records", "size"),
    [pytest.param(10_000, 1, id="many records"), pytest.param(600, 31_000, id="many bytes")],
)
def test_a_large_bundle_goes_out_in_parts(
    stand_in: CustomerIoStandIn, records: int, size: int
) -> None:
    def bundle() -> Iterator[Delivery]:
        late, early = delivery(1, event(1, words="x" * size)), delivery(0, event(0))
        yield from repeat(late, records)
        # Of one person: it would be the first to leave if all were held back.
        yield early

    outcome = run_sink(stand_in, bundle, lanes=1)

    assert outcome.settled() == {DELIVERED: records + 1}
    assert event_names(stand_in) == ["E1", "E0"]


def delivered_so_far() -> int:
    return tally.PROCESS_LEDGER.snapshot(with_open=True)[0][DELIVERED]


def test_a_bundle_of_parts_never_shows_more_settled_than_received(
    stand_in: CustomerIoStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("transforms.sink.sink.PART_ITEMS", 10)

    def bundle() -> Iterator[Delivery]:
        before = delivered_so_far()
        for number in range(100):
            yield delivery(number, event(number))
        # Most parts are delivered by now, and the stages before have reported nothing yet.
        assert delivered_so_far() == before

    outcome = run_sink(stand_in, bundle, lanes=1, max_batch_items=5)

    assert outcome.settled() == {DELIVERED: 100}


def test_a_large_batch_goes_out_in_parts(stand_in: CustomerIoStandIn) -> None:
    def batch(_: bytes) -> list[list[Delivery]]:
        late, early = delivery(1, event(1, words="x" * 31_000)), delivery(0, event(0))
        return [[*repeat(late, 600), early]]

    register()
    with BeamPipeline(runner="FnApiRunner", options=PipelineOptions([])) as pipeline:
        batches = pipeline | beam.Impulse() | beam.FlatMap(batch).with_output_types(list[Delivery])
        _ = batches | sink(stand_in, lanes=1)

    assert event_names(stand_in) == ["E1", "E0"]
