"""The one list of metrics, held to what Beam shows of the real graph."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.typehints import List

from pipeline import graph, plan
from pipeline.deadletters import FileStore
from pipeline.local.customerio import CustomerIoStandIn, ItemErrors, Match, Respond, rate_limited
from pipeline.local.traffic import generate
from pipeline.settings import parse_settings
from tests.end_to_end.harness import API_KEY, SITE_ID
from transforms.metrics import METRICS
from transforms.reasons import OUTCOMES, RECEIVED
from transforms.records import Message
from transforms.sink.sink import DeliverToCustomerIo
from transforms.tally import NAMESPACE, PROCESS_LEDGER

MOST_UPDATES = 200
"""In a person's journal."""
RECORDS, SEED, NOW = 600, 11, 1_795_372_845.0

SETTINGS = {
    "everything": """
        preset: all_properties
        users: {user_properties: all, trigger: always}
        mappings: {anonymous: dead_letter}
        """,
    "trim": """
        preset: all_properties
        users: {user_properties: all}
        limits: {on_violation: trim}
        """,
    "filters": """
        events:
          exclude: [Internal Heartbeat]
          where: [{property: event_properties.environment, op: is_not, values: [staging]}]
          event_properties: [plan]
        users: {user_properties: [plan]}
        """,
    "no events": """
        preset: all_properties
        events: {enabled: false}
        users: {user_properties: all}
        """,
    "shaped": """
        preset: all_properties
        events:
          drop_empty: true
          unix_seconds: [plan]
          hash: [filters]
          hash_salt: none
        """,
    "remembered": """
        events: {exclude: [Internal Heartbeat]}
        users: {user_properties: all, trigger: changed, state: person, settle_s: 0}
        """,
    "groups": "groups: {enabled: true, object_types: {company: '1'}}",
    "no users": "{preset: all_properties, users: {enabled: false}}",
}

FAULTS: dict[str, tuple[Respond | ItemErrors, ...]] = {
    "everything": (
        Respond(401),
        Respond(404),
        rate_limited(1),
        *[ItemErrors(tuple(range(20)))] * 3,
    ),
}
"""What Customer.io answers first."""

NOT_TO_BE_HAD = {
    "dead_lettered.internal_error": "a bug of ours that nobody knows of",
    "filtered.time": "a backfill with a range; tests/history sees it",
}
"""Metric -> what it would take to see it."""


class Give(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """Gives messages as one batch."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__()
        self._messages = messages

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        batch: PCollection[list[Message]] = input_or_inputs | beam.Create(
            [self._messages], reshuffle=False
        ).with_output_types(List[Message])
        return batch


def messages() -> list[Message]:
    """Every kind of trouble between clean records."""
    return [
        Message(sample.data, f"m{number}", NOW, sample.attributes)
        for number, sample in enumerate(generate(RECORDS, seed=SEED, now=NOW, trouble=0.5))
    ]


def of_a_busy_person() -> list[Message]:
    """More updates of one moment than a memory holds in order, and a copy."""
    update = b"""{"event_type":"$identify","user_id":"busy","event_time":1777888867,
        "$insert_id":"%d","user_properties":{"$add":{"seats":1}}}"""
    numbers = [*range(MOST_UPDATES + 1), MOST_UPDATES]
    return [Message(update % number, f"b{number}", NOW, {}) for number in numbers]


def metrics_of(name: str, stand_in: CustomerIoStandIn, directory: Path) -> Any:
    """What Beam shows of a run under one of the SETTINGS, its own metrics left out."""
    settings = parse_settings(SETTINGS[name])
    customerio = settings.customerio.model_copy(update={"endpoint": stand_in.url})
    settings = settings.model_copy(update={"customerio": customerio})
    policy = plan.delivery_policy(settings, 1, hold=True, one_bundle_at_a_time=True)
    for fault in FAULTS.get(name, ()):
        # Only a batch has errors of single items.
        stand_in.faults.next(fault, match=Match(path="/api/v2/batch"))
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    sink = DeliverToCustomerIo(policy, settings.customerio.credentials)
    store = FileStore(str(directory / "dead"))
    given = messages() + (of_a_busy_person() if settings.users.state == "person" else [])
    graph.build(pipeline, Give(given), settings, sink, store)
    result = pipeline.run()
    result.wait_until_finish()
    return result.metrics().query(MetricsFilter().with_namespace(NAMESPACE))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Mapping[str, Any]]]:
    """Settings -> what Beam showed: kind -> name -> value (of a distribution, its count)."""
    found: dict[str, dict[str, Counter[str]]] = {}
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("CUSTOMERIO_SITE_ID", SITE_ID)
        environment.setenv("CUSTOMERIO_API_KEY", API_KEY)
        for name in SETTINGS:
            with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
                results = metrics_of(name, stand_in, tmp_path_factory.mktemp("run"))
            of_run: dict[str, Counter[str]] = {kind: Counter() for kind in results}
            for kind, values in results.items():
                for each in values:
                    value = each.committed if kind == "counters" else each.committed.count
                    of_run[kind][each.key.metric.name] += value
            found[name] = of_run
    yield found
    PROCESS_LEDGER.reset()


def test_every_metric_that_the_graph_shows_is_in_the_list_and_the_other_way_round(
    shown: Mapping[str, Mapping[str, Any]],
) -> None:
    seen = {
        (kind.removesuffix("s"), name)
        for of_run in shown.values()
        for kind, values in of_run.items()
        for name, value in values.items()
        if value
    }
    listed = {(metric.kind, metric.name) for metric in METRICS}
    assert seen <= listed
    assert {name for _kind, name in listed - seen} == set(NOT_TO_BE_HAD)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_counters_balance_as_the_ledger_does(
    name: str, shown: Mapping[str, Mapping[str, Any]]
) -> None:
    counters = shown[name]["counters"]
    assert counters[RECEIVED] >= RECORDS
    assert counters[RECEIVED] == sum(counters[outcome] for outcome in OUTCOMES)


def test_every_latency_is_either_late_or_not(shown: Mapping[str, Mapping[str, Any]]) -> None:
    of_run = shown["everything"]
    assert 0 < of_run["counters"]["late"] <= of_run["distributions"]["latency_ms"]


def test_names_are_listed_once() -> None:
    names = [metric.name for metric in METRICS]
    assert len(names) == len(set(names))


def test_cloud_monitoring_takes_so_many_metrics() -> None:
    """A project has room for 100 user-defined Dataflow metrics; a distribution is four of them.

    https://cloud.google.com/dataflow/docs/guides/using-cloud-monitoring
    """
    exported = sum(4 if metric.kind == "distribution" else 1 for metric in METRICS)
    assert exported <= 100
