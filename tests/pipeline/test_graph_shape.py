"""The stage that shapes properties: where it stands in the graph, and what travels with it."""

from collections.abc import Callable
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.internal.cloudpickle import cloudpickle
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from pipeline import graph, plan
from pipeline.deadletters import FileStore
from pipeline.settings import Settings, parse_settings
from pipeline.sources.files import ReadFromFiles
from tests.pipeline.test_graph import (
    STEPS,
    downstream,
    functions,
    job,
    leaves,
    materialises,
    proto_of,
)
from tests.transforms.make import event, identified
from transforms.sink.sink import DeliverToCustomerIo

SHAPED = parse_settings("users: {user_properties: all, hash: [a], hash_salt: '${GRAPH_SALT}'}")
SHAPE = "Shape/Apply/ParDo(_ShapeDoFn)"
LETTERS = "Dead letters of shape/Write"
AFTER_RESOLVE = STEPS.index("Build/Apply/ParDo(_BuildDoFn)")


def shaped_job(settings: Settings = SHAPED) -> api.Pipeline:
    def build(pipeline: beam.Pipeline) -> None:
        policy = plan.delivery_policy(settings, 1, hold=False)
        sink = DeliverToCustomerIo(policy, settings.customerio.credentials)
        store = FileStore("/data/letters")
        graph.build(pipeline, ReadFromFiles(["/data/a.json"]), settings, sink, store)

    return proto_of(build)


def test_it_is_one_more_step_behind_resolve_and_nothing_else_changes() -> None:
    behind = list(downstream(shaped_job(), "Read/Lines"))
    assert {materialises(step) for step in behind} == {None}
    assert sorted(step.unique_name for step in behind) == sorted([*STEPS, SHAPE, LETTERS])
    steps = leaves(shaped_job())
    [resolved] = set(steps[SHAPE].inputs.values())
    assert resolved in steps["Resolve/Apply/ParDo(_ResolveDoFn)"].outputs.values()
    assert set(steps[STEPS[AFTER_RESOLVE]].inputs.values()) <= set(steps[SHAPE].outputs.values())


def test_it_is_part_of_the_one_fused_stage() -> None:
    _context, stages = FnApiRunner().create_stages(shaped_job())
    [together] = [
        names
        for stage in stages
        if SHAPE in (names := {transform.unique_name for transform in stage.transforms})
    ]
    assert together >= {*STEPS, LETTERS, "Read/Lines"}


def test_without_a_rule_it_is_not_there() -> None:
    assert SHAPE not in leaves(job("files"))


@pytest.mark.parametrize(
    "rule",
    [
        "drop_empty: true",
        "unix_seconds: [a]",
        "rename_properties: {a: b}",
        "{hash: [a], hash_salt: none}",
    ],
)
@pytest.mark.parametrize("section", ["events", "users"])
def test_every_rule_of_either_section_asks_for_it(section: str, rule: str) -> None:
    rules = rule.strip("{}") if rule.startswith("{") else rule
    settings = parse_settings(f"{section}: {{user_properties: [a, initial_a], {rules}}}")
    assert SHAPE in leaves(shaped_job(settings))


def started(proto: api.Pipeline) -> Any:
    """The function of the stage as a worker has it after its set-up."""
    fn = functions(proto)[SHAPE][0]
    fn.setup()
    fn.start_bundle()
    return fn


def test_the_salt_is_read_by_the_worker_and_travels_neither_there_nor_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GRAPH_SALT", "marked-salt")
    salt = plan.shape_rules(SHAPED).person.salt
    assert salt is not None
    assert salt() == "marked-salt"
    proto = shaped_job()
    # Beam compresses what it pickles: only the pickle made anew can be searched.
    everything = proto.SerializeToString() + cloudpickle.dumps(functions(proto))
    assert b"GRAPH_SALT" in everything, "the reference does travel"
    assert b"marked-salt" not in everything

    fn = started(proto)
    [[hashed]] = fn.process([identified(event(), person={"a": "1"})])
    assert len(hashed.person["a"]) == 64
    for dumps in _DUMPS:
        with pytest.raises(TypeError, match="cannot pickle"):
            dumps(fn)


_DUMPS: tuple[Callable[[Any], Any], ...] = (pickler.dumps, cloudpickle.dumps)
