"""A preview says what the job does: held against the pure functions, and against the real graph."""

from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import apache_beam as beam
import msgspec
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PBegin, PCollection
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline import graph, plan
from pipeline.deadletters import FileStore
from pipeline.generations import run_once
from pipeline.ledger import read_ledger
from pipeline.local.traffic import API_KEY, generate
from pipeline.local.traffic.scene import Scene
from pipeline.local.traffic.trouble import CASES
from pipeline.preview.explain import Explainer, explain
from pipeline.preview.explained import WOULD_BE_SENT, Explained
from pipeline.preview.json_lines import json_line
from pipeline.preview.summary import Summary
from pipeline.settings import Settings
from pipeline.sources.files import read_messages
from transforms.build import build_operations
from transforms.decode import decode_message
from transforms.filter import Filter, canonical_event_type
from transforms.groups import GroupRules, read_groups
from transforms.hashing import plain_sha256
from transforms.identify import select_person
from transforms.known import Known, Learned
from transforms.link import LinkRules, link
from transforms.project import project_event
from transforms.properties import PropertyPath
from transforms.reasons import DELIVERED, weightiest
from transforms.records import DeadLetter, Delivery, Message, Projected, Record, Settled
from transforms.resolve import resolve_identifier
from transforms.route import route
from transforms.shape import compile_rules, shape
from transforms.tally import PROCESS_LEDGER, Tally
from transforms.validate import validate

SAMPLES = Path(__file__).parents[1] / "samples"
NOW = 1777888867.0

SETTINGS = {
    "defaults": Settings(),
    "everything": Settings.model_validate(
        {
            "preset": "all_properties",
            "users": {"user_properties": "all", "trigger": "always"},
            "mappings": {"anonymous": "dead_letter"},
        }
    ),
    "trimmed": Settings.model_validate(
        {
            "preset": "all_properties",
            "users": {"user_properties": "all", "update_only": True},
            "limits": {"on_violation": "trim"},
        }
    ),
    "choosy": Settings.model_validate(
        {
            "mappings": {"user_identifier": "user_properties.email"},
            "events": {
                "exclude": ["[Amplitude] Start Session", "Internal Heartbeat"],
                "where": [{"property": "event_properties.plan", "op": "is_not", "values": ["e"]}],
                "event_properties": ["plan", "amount"],
                "user_properties": ["plan", "company"],
                "group_properties": ["tier"],
                "rename": {"[Amplitude] Revenue": "Paid", "Signed Up": "Joined"},
            },
            "users": {"user_properties": ["plan", "company", "email"], "trigger": "always"},
        }
    ),
    "shaped": Settings.model_validate(
        {
            "preset": "all_properties",
            "events": {
                "drop_empty": True,
                "unix_seconds": ["plan", "started_at"],
                "hash": ["company", "filters", "email"],
                "hash_salt": "none",
                "rename_properties": {"plan": "tier", "role": "company_role"},
            },
            "users": {
                "user_properties": "all",
                "trigger": "always",
                "drop_empty": True,
                "unix_seconds": ["role"],
                "hash": ["first_name", "plan"],
                "hash_salt": "none",
                "rename_properties": {"plan": "role", "company": "email", "role": "job"},
            },
        }
    ),
    "related": Settings.model_validate(
        {
            "events": {"exclude": ["Signed Up"]},
            "users": {"user_properties": ["plan"], "update_only": True},
            "groups": {
                "enabled": True,
                "object_types": {"plan": "1", "role": "2"},
                "group_properties": "all",
            },
            "mappings": {"anonymous": "send"},
        }
    ),
    "events-off": Settings.model_validate(
        {"events": {"enabled": False}, "users": {"user_properties": ["plan"], "trigger": "always"}}
    ),
}


def chain(record: Record, settings: Settings, tally: Tally) -> Delivery | Settled:
    """The job's functions one after the other, written down a second time."""
    events, users = settings.events, settings.users
    if settings.groups.enabled:
        groups = settings.groups
        rules = GroupRules(groups.object_types, groups.group_properties)
        grouped = read_groups(record, rules, tally)
        if isinstance(grouped, Settled):
            return grouped
        record = grouped
    routed = route(record, identify_events=plan.identify_events(settings))
    if isinstance(routed, Settled):
        return routed
    routed = Filter(plan.filter_rules(settings)).apply(routed)
    if isinstance(routed, Settled):
        return routed
    data = project_event(record, plan.event_selection(settings), tally) if routed.event else None
    projected = Projected(record, routed.update, data, routed.person, routed.filtered)
    selected = select_person(projected, users.user_properties, tally)
    if isinstance(selected, Settled):
        return selected
    path = PropertyPath(settings.mappings.user_identifier)
    identified = resolve_identifier(selected, path, settings.mappings.anonymous)
    if isinstance(identified, Settled):
        return identified
    shapes = plan.shape_rules(settings)
    if shapes:
        event = compile_rules(shapes.event, plain_sha256)
        person = compile_rules(shapes.person, plain_sha256)
        shaped = shape(identified, event, person, tally)
        if isinstance(shaped, Settled):
            return shaped
        identified = shaped
    names = {canonical_event_type(old): new for old, new in events.rename.items()}
    built = build_operations(identified, names, update_only=users.update_only)
    if isinstance(built, Settled):
        return built
    if settings.groups.enabled or settings.mappings.anonymous == "send":
        devices = settings.mappings.anonymous == "send"
        links = LinkRules("w", devices=devices, update_only=users.update_only)
        linked = link(built, links, Learned(Known()))
        if isinstance(linked, Settled):
            return linked
        built = linked
    return validate(built, settings.limits.on_violation, tally)


def outcome_of(end: Delivery | Settled) -> str:
    if isinstance(end, Settled):
        return end.outcome
    outcome = weightiest((*end.fallen, DELIVERED))
    return WOULD_BE_SENT if outcome == DELIVERED else outcome


names = st.sampled_from(
    [
        *("plan", "company", "email", "role", "_p", "id", "recipient", "groups", "tier"),
        *("initial_a", "n" * 151),
    ]
)
scalars = st.one_of(
    st.sampled_from(["EMPTY", "2026-05-04"]),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "e", "a@example.com", "cio_1", "\x1b[31m[red]", "x" * 1001]),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2)
)
properties = st.dictionaries(names, values, max_size=4)
operators = st.dictionaries(
    st.sampled_from(["$set", "$unset", "$add", "$setOnce", "$clearAll"]), properties, max_size=3
)
user_properties = st.one_of(
    properties, st.builds(lambda a, b: a | b, properties, operators), values
)
event_types = st.sampled_from(
    [
        "Signed Up",
        "session_start",
        "[Amplitude] Revenue",
        "$identify",
        "$groupidentify",
        " ",
        "é" * 51,
    ]
)
times = st.sampled_from([1777888867, 1777888867123, "2026-05-04 10:01:07", "never", 5, None])
records = st.fixed_dictionaries(
    {},
    optional={
        "event_type": st.one_of(event_types, scalars),
        "user_id": st.one_of(st.just("u-1"), values),
        "device_id": st.one_of(st.just("d-1"), values),
        "event_time": times,
        "event_properties": st.one_of(properties, values),
        "user_properties": user_properties,
        "group_properties": st.one_of(
            st.dictionaries(names, st.dictionaries(names, properties, max_size=2), max_size=2),
            values,
        ),
        "groups": st.one_of(st.dictionaries(names, values, max_size=3), values),
        "cohort_id": scalars,
        "in_cohort": st.booleans(),
        "$insert_id": scalars,
    },
)


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.lists(records, min_size=1, max_size=3), st.sampled_from(sorted(SETTINGS)))
def test_it_is_the_chain_of_the_jobs_functions(found: list[dict[str, Any]], name: str) -> None:
    settings = SETTINGS[name]
    message = Message(msgspec.json.encode(found), "f:1", None, {})
    explained = explain(message, settings)
    decoded = decode_message(message)
    assert len(explained) == len(decoded) == len(found)
    for each, record in zip(explained, decoded, strict=True):
        assert isinstance(record, Record)
        tally = Tally()
        end = chain(record, settings, tally)
        assert each.outcome == outcome_of(end)
        assert {note.name: note.count for note in each.notes} == tally.counts
        items = end.items if isinstance(end, Delivery) else ()
        assert [sending.operation for sending in each.sendings] == [i.operation for i in items]
        assert each.reason or each.outcome == WOULD_BE_SENT
        assert each.outcome != "dead_lettered.internal_error"
        read = msgspec.json.decode(json_line(each))
        bodies = [msgspec.json.decode(sending.body) for sending in each.sendings]
        assert [operation["body"] for operation in read["operations"]] == bodies


def given_messages(_: None) -> list[list[Message]]:
    return [all_messages()]


class Given(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """All messages. They are not carried in the graph: Beam would compress them, for seconds."""

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        messages: PCollection[list[Message]] = (
            input_or_inputs
            | "Once" >> beam.Create([None])
            | "Messages" >> beam.FlatMap(given_messages).with_output_types(list[Message])
        )
        return messages


class _KeepDoFn(beam.DoFn):
    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def start_bundle(self) -> None:
        self._tally = Tally()

    def process(self, element: list[Delivery]) -> Iterator[DeadLetter]:
        with self._path.open("ab") as file:
            for delivery in element:
                file.write(msgspec.json.encode(delivery) + b"\n")
                self._tally.add(weightiest((*delivery.fallen, DELIVERED)))
                yield from delivery.letters

    def finish_bundle(self) -> None:
        self._tally.report()


class Keep(beam.PTransform[PCollection[list[Delivery]], PCollection[DeadLetter]]):
    """Stands where deliveries leave: keeps them in a file, and counts them as delivered."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = str(path)

    def expand(self, input_or_inputs: PCollection[list[Delivery]]) -> PCollection[DeadLetter]:
        letters: PCollection[DeadLetter] = input_or_inputs | beam.ParDo(
            _KeepDoFn(self._path)
        ).with_output_types(DeadLetter)
        return letters


@cache
def all_messages() -> list[Message]:
    """Clean traffic, every kind of trouble but the one above 64 MiB, and the samples."""
    found = [each.data for each in generate(100, seed=3, now=NOW, trouble=0)]
    scene = Scene(3, NOW)
    found += [make(scene).data for label, make in CASES.items() if label != "too_large"]
    messages = [Message(data, f"made:{n}", None, {}) for n, data in enumerate(found)]
    for path in sorted(SAMPLES.glob("*json")):
        messages += read_messages(str(path), lambda: False)
    return messages


@pytest.mark.parametrize("name", ["trimmed", "choosy", "shaped"])
def test_it_is_what_the_graph_makes(name: str, tmp_path: Path) -> None:
    settings = SETTINGS[name]
    messages = all_messages()
    explainer = Explainer(settings)
    explained = [each for message in messages for each in explainer.records(message)]
    kept = tmp_path / "deliveries"

    def build(pipeline: beam.Pipeline) -> None:
        store = FileStore(str(tmp_path / "letters"))
        graph.build(pipeline, Given(), settings, Keep(kept), store)

    PROCESS_LEDGER.reset()
    try:
        run_once(build, PipelineOptions([]))
        ledger = read_ledger()
    finally:
        PROCESS_LEDGER.reset()

    lines = kept.read_bytes().splitlines()
    deliveries = [msgspec.json.decode(line, type=Delivery) for line in lines]
    assert len(deliveries) > 100
    assert Counter(
        (delivery.origin.message_id, msgspec.json.encode(item.operation))
        for delivery in deliveries
        for item in delivery.items
    ) == Counter(
        (each.message_id, msgspec.json.encode(sending.operation))
        for each in explained
        for sending in each.sendings
    )
    summary = summary_of(explained)
    ours = {name if name != WOULD_BE_SENT else DELIVERED: n for name, n in summary.outcomes()}
    assert ours == ledger.outcomes
    assert summary.records == ledger.received
    assert dict(summary.counted) == ledger.beside


def summary_of(explained: list[Explained]) -> Summary:
    summary = Summary()
    for each in explained:
        summary.add(each)
    return summary


def test_no_api_key_shows_up() -> None:
    messages = all_messages()
    assert any(API_KEY.encode() in message.data for message in messages)
    for message in messages:
        for each in explain(message, SETTINGS["everything"]):
            assert API_KEY not in json_line(each)
