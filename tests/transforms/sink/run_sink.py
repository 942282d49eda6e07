"""One bundle through the sink, on the runner that one machine uses."""

import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.transforms.window import FixedWindows, IntervalWindow, TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from pipeline.local.customerio import CustomerIoStandIn
from tests.transforms.sink.lane_under_test import PATIENT_S
from tests.transforms.sink.operations import BASE_S, item, time_ms
from transforms.coders import register
from transforms.reasons import OUTCOMES
from transforms.records import DeadLetter, Delivery, Operation, Origin
from transforms.sink.lanes import DeliveryPolicy
from transforms.sink.sink import DeliverToCustomerIo
from transforms.tally import LATENCY, NAMESPACE

SITE_ID_VARIABLE, API_KEY_VARIABLE = "SINK_TEST_SITE_ID", "SINK_TEST_API_KEY"
WINDOW_S = 60


class Found(NamedTuple):
    """A dead letter as it left the sink."""

    letter: DeadLetter
    timestamp: Timestamp
    window: IntervalWindow


class Outcome(NamedTuple):
    """What a bundle came to. `counts`: Beam's counters; `accepted`: the latencies noted."""

    found: list[Found]
    counts: dict[str, int]
    accepted: int

    def settled(self) -> dict[str, int]:
        """The part of the counts that is the ledger: what became of each record."""
        return {name: count for name, count in self.counts.items() if name in OUTCOMES and count}


def from_environment() -> tuple[str, str]:
    """The credentials, read where the sink runs."""
    return os.environ[SITE_ID_VARIABLE], os.environ[API_KEY_VARIABLE]


def delivery(
    number: int,
    *operations: Operation,
    fallen: tuple[str, ...] = (),
    letters: tuple[DeadLetter, ...] = (),
) -> Delivery:
    """The record of the `number`-th message, as the stage before the sink hands it on."""
    return Delivery(
        Origin(f"m{number}", BASE_S + 0.5, {"source": str(number)}),
        time_ms(operations[0]),
        tuple(map(item, operations)),
        fallen,
        letters,
    )


def deliveries(operations: Iterable[Operation]) -> list[Delivery]:
    """A record an operation."""
    return [delivery(number, operation) for number, operation in enumerate(operations)]


def run_sink(
    stand_in: CustomerIoStandIn,
    records: Sequence[Delivery] | Callable[[], Iterable[Delivery]],
    **policy: Any,
) -> Outcome:
    """Sends records in one bundle, each at its own time and in the window of its minute.

    Many records are best made by a function: what is given goes through Beam's pickler.
    """
    register()
    _found.clear()
    make = records if callable(records) else lambda: records
    with TestPipeline(runner="FnApiRunner", options=PipelineOptions([])) as pipeline:
        _ = (
            pipeline
            | beam.Impulse()
            | beam.FlatMap(lambda _: make())
            | beam.Map(_at_its_own_time)
            | beam.WindowInto(FixedWindows(WINDOW_S))
            | sink(stand_in, **policy)
            | beam.Map(_keep)
        )
    metrics = pipeline.result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))
    return Outcome(
        list(_found),
        {each.key.metric.name: each.committed for each in metrics["counters"]},
        sum(
            each.committed.count
            for each in metrics["distributions"]
            if each.key.metric.name == LATENCY
        ),
    )


def sink(stand_in: CustomerIoStandIn, **policy: Any) -> DeliverToCustomerIo:
    """The transform, without a limit of requests unless `policy` has one."""
    settings = {"requests_per_second": 0, "request_timeout_s": PATIENT_S, **policy}
    return DeliverToCustomerIo(DeliveryPolicy(stand_in.url, **settings), from_environment)


_found: list[Found] = []


def _at_its_own_time(record: Delivery) -> TimestampedValue[Delivery]:
    return TimestampedValue(record, record.time_ms / 1000)


def _keep(
    letter: DeadLetter,
    timestamp: Any = beam.DoFn.TimestampParam,
    window: Any = beam.DoFn.WindowParam,
) -> None:
    _found.append(Found(letter, timestamp, window))
