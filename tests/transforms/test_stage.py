"""The Beam shell: each transform alone on a runner, its two outputs, its counters."""

import json
import pickle
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_pipeline import TestPipeline as BeamPipeline
from apache_beam.transforms.window import GlobalWindows

from tests.transforms.make import (
    built,
    event,
    event_operation,
    identified,
    letter_of,
    message,
    projected,
    record,
    routed,
    selected,
    update,
)
from transforms import coders
from transforms.build import BuildOperations
from transforms.conditions import Clause
from transforms.decode import Decode
from transforms.filter import FilterRecords, FilterRules
from transforms.identify import IdentifyPeople
from transforms.project import EventSelection, ProjectEvents
from transforms.records import (
    Built,
    DeadLetter,
    Delivery,
    Identified,
    Message,
    Projected,
    Record,
    Routed,
    Selected,
    Settled,
)
from transforms.resolve import ResolveIdentifier
from transforms.route import Route
from transforms.shape import PropertyRules, ShapeProperties, ShapeRules
from transforms.stage import Stage, StageDoFn, StageOutput, internal_error
from transforms.tally import NAMESPACE, PROCESS_LEDGER, Tally
from transforms.validate import ValidateSizes

_found: dict[str, list[Any]] = {}
"""By output; the runner works in this process, and pickles this module by its name."""


def _keep(element: Any, output: str) -> None:
    _found[output].append(element)


class Case(NamedTuple):
    """A transform, what it is given, and what it must give and count."""

    make: Callable[[], Stage]
    given: Sequence[Any]
    gives: type
    passed: int
    letters: list[str]
    counts: dict[str, int]


CASES = {
    "decode": Case(
        Decode,
        [message(b"[{},NaN]"), message(b'{"a":1}'), message(b"")],
        Record,
        2,
        ["malformed_json", "malformed_json"],
        {"received": 4, "dead_lettered.malformed_json": 2},
    ),
    "route": Case(
        lambda: Route(identify_events=True),
        [event(), update(a=1), record(), record(event_type="$groupidentify")],
        Routed,
        2,
        ["unknown_record"],
        {"dead_lettered.unknown_record": 1, "skipped.group_type": 1},
    ),
    "filter": Case(
        lambda: FilterRecords(
            FilterRules(exclude=("X",), where=(Clause("user_id", "glob", ("a*",)),))
        ),
        [routed(event()), routed(event(event_type="X")), routed(event(user_id="bob"))],
        Routed,
        1,
        [],
        {"filtered.event_type": 1, "filtered.where": 1},
    ),
    "project": Case(
        lambda: ProjectEvents(EventSelection("all", ("a",))),
        [
            routed(event(event_properties={"a": 1, "recipient": 2}, user_properties={"a": 3})),
            routed(update(a=1), update=True, event=False, person=True),
        ],
        Projected,
        2,
        [],
        {"clash.property": 1, "dropped.reserved_property": 1},
    ),
    "identify": Case(
        lambda: IdentifyPeople(("a", "b")),
        [projected(update(a=1, **{"$add": {"b": 1}})), projected(update(c=1))],
        Selected,
        1,
        [],
        {"skipped.no_selected_property": 1, "unapplied.operator": 1},
    ),
    "resolve": Case(
        lambda: ResolveIdentifier("user_id", "dead_letter"),
        [selected(event(), event={}), selected(event(user_id=None), event={})],
        Identified,
        1,
        ["no_identifier"],
        {"dead_lettered.no_identifier": 1},
    ),
    "shape": Case(
        lambda: ShapeProperties(
            ShapeRules(PropertyRules(hash=("a",)), PropertyRules(drop_empty=True))
        ),
        [
            identified(event(), event={"a": {}, "b": 1}, person={"c": 1}),
            identified(update(), person={"initial_c": "EMPTY"}),
        ],
        Identified,
        1,
        [],
        {
            "dropped.unhashable_property": 1,
            "dropped.empty_property": 1,
            "skipped.no_selected_property": 1,
        },
    ),
    "build": Case(
        lambda: BuildOperations({"A": "B"}, update_only=True),
        [identified(event(), event={}), identified(event(time="never"), event={})],
        Built,
        1,
        ["invalid_time"],
        {"dead_lettered.invalid_time": 1},
    ),
    "build, nothing set": Case(
        BuildOperations,
        [identified(event(), event={}, person={"a": 1})],
        Built,
        1,
        [],
        {},
    ),
    "validate": Case(
        lambda: ValidateSizes("trim"),
        [built(event_operation("x" * 101)), built(event_operation(a=1))],
        Delivery,
        2,
        [],
        {"trimmed.event_name_too_long": 1},
    ),
}


@pytest.fixture(autouse=True)
def _ledger_at_zero() -> Iterator[None]:
    coders.register()
    PROCESS_LEDGER.reset()
    yield
    PROCESS_LEDGER.reset()


def run(stage: Stage, given: Sequence[Any]) -> tuple[list[Any], list[DeadLetter], dict[str, int]]:
    """What a transform gives on a runner: elements, dead letters, counters."""
    _found.update(passed=[], letters=[])
    pipeline = BeamPipeline(runner="FnApiRunner", options=PipelineOptions([]))
    outputs: StageOutput = pipeline | beam.Create(given) | "Stage" >> stage
    outputs.passed | "Keep passed" >> beam.Map(_keep, "passed")
    outputs.dead_letters | "Keep letters" >> beam.Map(_keep, "letters")
    result = pipeline.run()
    result.wait_until_finish()
    counters = {
        counter.key.metric.name: counter.committed
        for counter in result.metrics().query()["counters"]
        if counter.key.metric.namespace == NAMESPACE
    }
    return _found["passed"], _found["letters"], counters


@pytest.mark.parametrize("name", CASES)
def test_a_transform_alone_on_a_runner(name: str) -> None:
    case = CASES[name]
    # As a worker gets it.
    stage = pickler.loads(pickler.dumps(case.make()))
    passed, letters, counts = run(stage, case.given)
    assert [type(element) for element in passed] == [case.gives] * case.passed
    assert [(letter.stage, letter.reason) for letter in letters] == [
        (name.partition(",")[0], reason) for reason in case.letters
    ]
    assert counts == case.counts
    assert PROCESS_LEDGER.snapshot(with_open=True)[0] == case.counts


@pytest.mark.parametrize("name", CASES)
def test_outputs_say_their_type(name: str) -> None:
    outputs: StageOutput = (
        beam.Pipeline(options=PipelineOptions([]))
        | beam.Create(CASES[name].given)
        | CASES[name].make()
    )
    assert outputs.passed.element_type is CASES[name].gives
    assert outputs.dead_letters.element_type is DeadLetter
    for output in outputs:
        assert isinstance(output.windowing.windowfn, GlobalWindows)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("module", [pickle, pickler], ids=["pickle", "Beam's pickler"])
def test_a_transform_survives_pickling(name: str, module: Any) -> None:
    module.loads(module.dumps(CASES[name].make()))


class _Fails(StageDoFn[Any, Record]):
    def __init__(self) -> None:
        self.stage = "failing"

    def bind(self, tally: Tally) -> Callable[[Any], Record | Settled]:
        return _fail_unless_good


def _fail_unless_good(element: Any) -> Record | Settled:
    fields = element.fields if isinstance(element, Record) else {}
    if fields.get("event_type") == "good":
        assert isinstance(element, Record)
        return element
    raise ValueError(f"SECRET in {element!r}")


class _FailingStage(Stage):
    def __init__(self) -> None:
        super().__init__(_Fails(), Record, Record)


def test_a_step_that_raises_takes_one_record_with_it() -> None:
    good = event(event_type="good")
    passed, letters, counts = run(_FailingStage(), [good, event(user_id="SECRET"), good])
    assert passed == [good, good]
    assert counts == {"dead_lettered.internal_error": 1}
    [letter] = letters
    assert (letter.reason, letter.stage, letter.kind) == ("internal_error", "failing", "record")
    assert re.match(
        r"ValueError at test_stage\.py:\d+ _fail_unless_good < stage\.py:\d+ steps", letter.detail
    )
    assert "SECRET" not in letter.detail
    assert json.loads(letter.record or "") == event(user_id="SECRET").fields


def test_nothing_is_renamed_or_update_only_unless_it_is_said() -> None:
    [built_one], _, _ = run(BuildOperations(), CASES["build, nothing set"].given)
    sent_event, sent_identify = built_one.operations
    assert sent_event.name == "Signed Up"
    assert sent_identify.attributes == {"a": 1}


ELEMENTS = [
    message(b'{"api_key":"SECRET","a":1}'),
    event(a="SECRET"),
    routed(event(a="SECRET")),
    projected(event(a="SECRET")),
    selected(event(a="SECRET")),
    identified(event(a="SECRET")),
    built(event_operation(a="SECRET")),
]


@pytest.mark.parametrize("element", ELEMENTS, ids=lambda element: type(element).__name__)
def test_every_element_can_be_set_aside(element: Any) -> None:
    fn = _Fails()
    fn.start_bundle()
    [output] = fn.process(element)
    letter: DeadLetter = output.value
    assert "SECRET" not in letter.detail
    assert letter.record
    if isinstance(element, Message):
        assert letter.record == '{"api_key":"","a":1}'
    fn.finish_bundle()


def test_the_detail_of_a_bug_names_places_and_no_data() -> None:
    def inner() -> None:
        raise KeyError("SECRET")

    try:
        inner()
    except KeyError as error:
        letter = letter_of(internal_error(error, event(), stage="s"))
    assert re.fullmatch(
        r"KeyError at test_stage\.py:\d+ inner < test_stage\.py:\d+ test_the_detail\w+",
        letter.detail,
    )


def test_the_detail_of_an_endless_recursion_is_short() -> None:
    def endless() -> None:
        endless()

    try:
        endless()
    except RecursionError as error:
        letter = letter_of(internal_error(error, event(), stage="s"))
    places = letter.detail.split(" < ")
    assert len(places) == 26
    assert places[20] == "…"
    assert "test_the_detail_of_an_endless_recursion_is_short" in places[-1]


def test_decode_counts_what_it_could_not_take_apart() -> None:
    PROCESS_LEDGER.reset()
    passed, letters, counts = run(Decode(), [message(b"[{}]"), message(b"\xff"), message(b"[]")])
    assert (len(passed), len(letters)) == (1, 1)
    assert counts == {"received": 2, "dead_lettered.not_utf8": 1}
