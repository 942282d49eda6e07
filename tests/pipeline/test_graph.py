"""The shape of the job: what may not be between source and sink, and what it is called."""

from collections.abc import Callable, Iterator, Set
from functools import cache
from typing import Any, NamedTuple

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.internal.cloudpickle import cloudpickle
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.pvalue import AsList, PCollection
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import EmbeddedPythonEnvironment
from apache_beam.transforms.userstate import BagStateSpec
from apache_beam.typehints import List

from pipeline import graph, plan
from pipeline.deadletters import FileStore, Store, TopicStore
from pipeline.people.process import people_of_process
from pipeline.replay.choice import Choice
from pipeline.replay.from_files import read_letters
from pipeline.settings import Settings, parse_settings
from pipeline.sources.dataflow import ReadOnDataflow
from pipeline.sources.files import ReadFromFiles
from pipeline.sources.portable import ReadOnWorkers
from pipeline.sources.subscription import ReadFromSubscription
from transforms.records import Message
from transforms.sink.sink import DeliverToCustomerIo

PARDO = common_urns.primitives.PAR_DO.urn
IMPULSE = common_urns.primitives.IMPULSE.urn
PUBSUB_READ = common_urns.composites.PUBSUB_READ.urn
# beam.Create keeps a step of this name also when it does not reshuffle: it is the identity.
NO_RESHUFFLE = "MaybeReshuffle"

SETTINGS = parse_settings(
    "preset: all_properties\nusers: {user_properties: all, trigger: always}\n"
)
REMEMBERED = parse_settings(
    "preset: all_properties\nusers: {user_properties: all, trigger: changed, state: person}\n"
)
SUBSCRIPTION = "projects/project/subscriptions/stream"


# The identity of a running job. Dataflow updates a job by the names of its steps: a step that is
# renamed is a new one, and the job cannot be updated, only drained. The names of our DoFns' classes
# are parts of them. Do not change this list without saying so in the release notes.
STEPS = [
    "Decode/Apply/ParDo(_DecodeDoFn)",
    "Route/Apply/ParDo(_RouteDoFn)",
    "Filter/Apply/ParDo(_FilterDoFn)",
    "Project/Apply/ParDo(_ProjectDoFn)",
    "Identify/Apply/ParDo(_IdentifyDoFn)",
    "Resolve/Apply/ParDo(_ResolveDoFn)",
    "Build/Apply/ParDo(_BuildDoFn)",
    "Validate/Apply/ParDo(_ValidateDoFn)",
    "Deliver/Send/ParDo(_DeliverDoFn)",
    "Dead letters of decode/Write",
    "Dead letters of route/Write",
    "Dead letters of filter/Write",
    "Dead letters of project/Write",
    "Dead letters of identify/Write",
    "Dead letters of resolve/Write",
    "Dead letters of build/Write",
    "Dead letters of validate/Write",
    "Dead letters of deliver/Write",
]


# What a replay has besides; it is no job that is updated.
REPLAY_STEPS = [
    "Open/Apply/ParDo(_OpenDoFn)",
    "Deliver again/Send/ParDo(_DeliverDoFn)",
    "Dead letters of deliver again/Write",
]


# With users.state: person, people in a file of this process: one stage more, and it stores nothing.
IN_PLACE_STEPS = [
    "Remember/Apply/ParDo(_RememberInPlaceDoFn)",
    "Dead letters of remember/Write",
]


BY_KEY = "Remember/Person/ParDo(_RememberByKeyDoFn)"


# With users.state: person, people with the runner: records of people are stored by person, once.
BY_KEY_STEPS = [
    "Remember/Split/FlatMap(split)",
    BY_KEY,
    "Build remembered/Apply/ParDo(_BuildDoFn)",
    "Validate remembered/Apply/ParDo(_ValidateDoFn)",
    "Deliver remembered/Send/ParDo(_DeliverDoFn)",
    "Dead letters of remember/Write",
    "Dead letters of build remembered/Write",
    "Dead letters of validate remembered/Write",
    "Dead letters of deliver remembered/Write",
]


class Variant(NamedTuple):
    """A way to read, and what is built on it."""

    source: Callable[[], graph.Source]
    reads: str
    """The step that reads, of Beam's naming."""
    unpacks: list[str]
    """Our own steps behind it that belong to the source. Part of the identity, too."""
    store: Store
    build: Callable[..., None] = graph.build
    steps: list[str] = STEPS
    settings: Settings = SETTINGS
    extras: graph.Extras = graph.Extras()
    stores: Set[str] = frozenset()
    """What may store elements before the step that reads: names of files, and no record."""


VARIANTS = {
    "dataflow": Variant(
        lambda: ReadOnDataflow(SUBSCRIPTION),
        "Read/Read/Read",
        ["Read/To message"],
        TopicStore("projects/project/topics/letters"),
    ),
    "subscription": Variant(
        lambda: ReadFromSubscription(SUBSCRIPTION),
        "Read/Pull/ReadUnbounded",
        ["Read/Unpack"],
        FileStore("/data/letters"),
    ),
    "subscription of many workers": Variant(
        lambda: ReadOnWorkers(SUBSCRIPTION, 2),
        "Read/Pull",
        ["Read/Unpack"],
        FileStore("/data/letters"),
    ),
    "files": Variant(
        lambda: ReadFromFiles(["/data/a.json"]), "Read/Lines", [], FileStore("gs://b/x")
    ),
    "files of many workers": Variant(
        lambda: ReadFromFiles(["/data/a.json", "/data/b.json"], spread=True),
        "Read/Lines",
        [],
        FileStore("gs://b/x"),
        stores={common_urns.primitives.GROUP_BY_KEY.urn},
    ),
    "subscription, with a memory": Variant(
        lambda: ReadFromSubscription(SUBSCRIPTION),
        "Read/Pull/ReadUnbounded",
        ["Read/Unpack"],
        FileStore("/data/letters"),
        steps=STEPS + IN_PLACE_STEPS,
        settings=REMEMBERED,
        extras=graph.Extras(people=people_of_process),
    ),
    "replay of a subscription": Variant(
        lambda: ReadFromSubscription(SUBSCRIPTION, 10.0),
        "Read/Pull/ReadUnbounded",
        ["Read/Unpack"],
        TopicStore("projects/project/topics/letters"),
        graph.build_replay,
        STEPS + REPLAY_STEPS,
    ),
    "replay of files": Variant(
        lambda: read_letters(["/data/dead-1.jsonl"], Choice(frozenset({"rejected"}))),
        "Read/Lines",
        [],
        FileStore("/data/again"),
        graph.build_replay,
        STEPS + REPLAY_STEPS,
    ),
}
every_variant = pytest.mark.parametrize("name", VARIANTS)


def proto_of(build: Callable[[beam.Pipeline], None]) -> api.Pipeline:
    """The pipeline as a runner gets it."""
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(["--streaming"]))
    build(pipeline)
    proto: api.Pipeline = pipeline.to_runner_api(
        default_environment=EmbeddedPythonEnvironment.default()
    )
    return proto


@cache
def job(name: str) -> api.Pipeline:
    """The job, put together once."""
    return new_job(name)


def new_job(name: str) -> api.Pipeline:
    variant = VARIANTS[name]

    def build(pipeline: beam.Pipeline) -> None:
        policy = plan.delivery_policy(SETTINGS, 4, hold=False)
        sink = DeliverToCustomerIo(policy, SETTINGS.customerio.credentials)
        source, settings = variant.source(), variant.settings
        variant.build(pipeline, source, settings, sink, variant.store, variant.extras)

    return proto_of(build)


def leaves(proto: api.Pipeline) -> dict[str, api.PTransform]:
    """The steps that do something, by name."""
    return {
        transform.unique_name: transform
        for transform in proto.components.transforms.values()
        if not transform.subtransforms
    }


def downstream(proto: api.Pipeline, name: str) -> Iterator[api.PTransform]:
    """The steps behind one, the nearest first."""
    steps = leaves(proto)
    seen, waiting = {name}, [steps[name]]
    while waiting:
        made = set(waiting.pop(0).outputs.values())
        for other, step in steps.items():
            if other not in seen and made & set(step.inputs.values()):
                seen.add(other)
                waiting.append(step)
                yield step


def materialises(step: api.PTransform) -> str | None:
    """Why a runner may store elements before this step; None when it has no reason to."""
    if step.spec.urn != PARDO:
        return str(step.spec.urn)
    payload = api.ParDoPayload.FromString(step.spec.payload)
    if payload.side_inputs:
        return "side input"
    if payload.state_specs or payload.timer_family_specs:
        return "state"
    if payload.restriction_coder_id:
        return "splittable"
    return None if len(step.inputs) == 1 else "several inputs"


@every_variant
def test_nothing_between_source_and_sink_makes_a_runner_store_records(name: str) -> None:
    behind = list(downstream(job(name), VARIANTS[name].reads))
    assert {materialises(step) for step in behind} == {None}
    # Beam's own steps may change with its version.
    ours = [step.unique_name for step in behind if not step.unique_name.startswith("Read/Read/")]
    assert sorted(ours) == sorted(VARIANTS[name].unpacks + VARIANTS[name].steps)


@every_variant
def test_no_other_step_stores_anything_either(name: str) -> None:
    urns = {
        step.spec.urn
        for step in leaves(job(name)).values()
        if not step.unique_name.endswith(NO_RESHUFFLE)
    }
    assert urns - VARIANTS[name].stores <= {PARDO, IMPULSE, PUBSUB_READ}
    assert urns >= VARIANTS[name].stores


def by_key_job() -> api.Pipeline:
    """The job on Dataflow, with people remembered."""

    def build(pipeline: beam.Pipeline) -> None:
        policy = plan.delivery_policy(REMEMBERED, 4, hold=False)
        sink = DeliverToCustomerIo(policy, REMEMBERED.customerio.credentials)
        store = TopicStore("projects/project/topics/letters")
        graph.build(pipeline, ReadOnDataflow(SUBSCRIPTION), REMEMBERED, sink, store)

    return proto_of(build)


def test_with_a_memory_by_key_only_what_needs_it_is_stored_once() -> None:
    proto = by_key_job()
    behind = list(downstream(proto, "Read/Read/Read"))
    ours = [step.unique_name for step in behind if not step.unique_name.startswith("Read/Read/")]
    assert sorted(ours) == sorted(["Read/To message", *STEPS, *BY_KEY_STEPS])
    stores = {step.unique_name: why for step in behind if (why := materialises(step))}
    assert stores == {BY_KEY: "state"}
    # Nothing of the other way comes behind it.
    remembered = [step.unique_name for step in downstream(proto, BY_KEY)]
    assert sorted(remembered) == sorted(BY_KEY_STEPS[2:])


def test_the_key_of_a_memory_is_encoded_the_same_way_everywhere() -> None:
    proto = by_key_job()
    [step] = [step for name, step in leaves(proto).items() if name == BY_KEY]
    [keyed] = step.inputs.values()
    coder = proto.components.coders[proto.components.pcollections[keyed].coder_id]
    assert coder.spec.urn == common_urns.coders.KV.urn
    key = proto.components.coders[coder.component_coder_ids[0]]
    assert key.spec.urn == common_urns.coders.BYTES.urn


_BAG = beam.DoFn.StateParam(BagStateSpec("bag", beam.coders.BytesCoder()))


class Stateful(beam.DoFn):
    """Asks for a bag."""

    def __init__(self) -> None:
        """Keeps nothing itself."""

    def process(self, element: Any, _bag: Any = _BAG, **_kwargs: Any) -> Any:
        yield element


def flattened(messages: PCollection[Any]) -> Any:
    return (messages, messages | "Same" >> beam.Map(lambda same: same)) | beam.Flatten()


def with_side_input(messages: PCollection[Any]) -> Any:
    return messages | "Side" >> beam.Map(lambda one, _all: one, AsList(messages))


def grouped(messages: PCollection[Any]) -> Any:
    return messages | beam.WithKeys(1) | beam.GroupByKey()


def stateful(messages: PCollection[Any]) -> Any:
    return messages | beam.WithKeys(1) | "State" >> beam.ParDo(Stateful())


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (flattened, common_urns.primitives.FLATTEN.urn),
        (with_side_input, "side input"),
        (grouped, common_urns.primitives.GROUP_BY_KEY.urn),
        (lambda messages: messages | beam.Reshuffle(), common_urns.primitives.GROUP_BY_KEY.urn),
        (stateful, "state"),
    ],
    ids=["flatten", "side input", "group by key", "reshuffle", "state"],
)
def test_this_test_would_see_it(bad: Callable[[PCollection[Any]], Any], reason: str) -> None:
    def build(pipeline: beam.Pipeline) -> None:
        _ = (
            pipeline
            | "Read" >> ReadFromFiles(["/data/a.json"])
            | "Bad" >> beam.ptransform_fn(bad)()
        )

    reasons = {materialises(step) for step in downstream(proto_of(build), "Read/Lines")}
    assert reason in reasons


@every_variant
def test_source_and_sink_are_one_fused_stage(name: str) -> None:
    _context, stages = FnApiRunner().create_stages(job(name))
    reads = VARIANTS[name].reads
    # The reading of a splittable step; its other parts only say where to begin.
    process = {reads, f"{reads}/Process"}
    [together] = [
        names for stage in stages if process & (names := {t.unique_name for t in stage.transforms})
    ]
    assert together >= set(VARIANTS[name].steps) - {reads}


@pytest.mark.parametrize(
    "steps",
    [STEPS, STEPS + REPLAY_STEPS[1:], STEPS + IN_PLACE_STEPS, STEPS + BY_KEY_STEPS],
    ids=["job", "replay", "memory in place", "memory by key"],
)
def test_the_stages_of_the_graph_are_known_by_their_dead_letters(steps: list[str]) -> None:
    stages = dict.fromkeys(step.split("/")[0] for step in steps if "Dead letters" not in step)
    letters = [step.split("/")[0] for step in steps if "Dead letters" in step]
    assert letters == [f"Dead letters of {stage.lower()}" for stage in stages]


def functions(proto: api.Pipeline) -> dict[str, Any]:
    """The function of every step with all that it carries, as a worker unpickles it."""
    return {
        name: pickler.loads(api.ParDoPayload.FromString(step.spec.payload).do_fn.payload)
        for name, step in leaves(proto).items()
        if step.spec.urn == PARDO
    }


@every_variant
def test_every_function_pickles_and_pickles_again(name: str) -> None:
    unpickled = functions(job(name))
    assert set(unpickled) >= set(VARIANTS[name].steps)
    for function in unpickled.values():
        pickler.loads(pickler.dumps(function))


@every_variant
def test_no_credential_travels_with_the_job(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"CUSTOMERIO_SITE_ID": "marked-site-id", "CUSTOMERIO_API_KEY": "marked-api-key"}
    for variable, value in values.items():
        monkeypatch.setenv(variable, value)
    SETTINGS.customerio.credentials.resolve()
    proto = new_job(name)
    # Beam compresses what it pickles: only the pickle made anew can be searched.
    everything = proto.SerializeToString() + cloudpickle.dumps(functions(proto))
    for variable, value in values.items():
        assert variable.encode() in everything, "the reference does travel"
        assert value.encode() not in everything


@every_variant
def test_batches_are_known_as_such_also_without_beams_type_checks(name: str) -> None:
    options = PipelineOptions(["--streaming", "--no_pipeline_type_check"])
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=options)
    policy = plan.delivery_policy(SETTINGS, 1, hold=False)
    sink = DeliverToCustomerIo(policy, SETTINGS.customerio.credentials)
    variant = VARIANTS[name]
    source, settings = variant.source(), variant.settings
    variant.build(pipeline, source, settings, sink, variant.store, variant.extras)

    fns = [
        pickler.loads(api.ParDoPayload.FromString(step.spec.payload).do_fn.payload)[0]
        for step in leaves(pipeline.to_runner_api()).values()
        if step.spec.urn == PARDO
    ]
    batched = [fn.batched for fn in fns if hasattr(fn, "batched")]
    assert len(batched) >= 9
    assert all(batched)


@every_variant
def test_elements_have_the_types_that_the_coders_know(name: str) -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions(["--streaming"]))
    messages = pipeline | "Read" >> VARIANTS[name].source()
    assert messages.element_type == List[Message]
