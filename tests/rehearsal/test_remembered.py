"""A job that remembers people is submitted: what it stores, by what, and nothing else."""

import json
from pathlib import Path

from apache_beam.coders import Coder
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.runners.pipeline_context import PipelineContext
from google.cloud.dataflow_v1beta3.types import JobType

from tests.pipeline.test_graph import BY_KEY, BY_KEY_STEPS, downstream, leaves, materialises
from tests.rehearsal.image import Environment
from tests.rehearsal.launcher import AT_LEAST_ONCE
from tests.rehearsal.submission import Submission
from tests.rehearsal.test_submission import DATAFLOW, STORES_RECORDS, WORKER_PROGRAM
from tests.rehearsal.world import World
from tests.security.canaries import found_in

STATEFUL = common_urns.requirements.REQUIRES_STATEFUL_PROCESSING.urn


def of_people(submission: Submission) -> tuple[api.PTransform, api.ParDoPayload]:
    """The step that remembers people."""
    step = leaves(submission.pipeline)[BY_KEY]
    return step, api.ParDoPayload.FromString(step.spec.payload)


def test_it_is_a_streaming_job_in_the_templates_own_mode(remembered: Submission) -> None:
    assert remembered.job.type_ == JobType.JOB_TYPE_STREAMING
    assert remembered.options["users_state"] == "person"
    assert AT_LEAST_ONCE in remembered.environment["experiments"]


def test_its_steps_are_those_that_a_running_job_is_updated_by(remembered: Submission) -> None:
    behind = [step.unique_name for step in downstream(remembered.pipeline, DATAFLOW.reads)]
    ours = [name for name in behind if not name.startswith("Read/Read/")]
    assert sorted(ours) == sorted(DATAFLOW.unpacks + DATAFLOW.steps + BY_KEY_STEPS)
    assert set(leaves(remembered.pipeline)) == {DATAFLOW.reads, *behind}


def test_records_are_stored_by_person_and_nowhere_else(remembered: Submission) -> None:
    graph = remembered.pipeline
    behind = downstream(graph, DATAFLOW.reads)
    assert {step.unique_name: why for step in behind if (why := materialises(step))} == {
        BY_KEY: "state"
    }
    assert STORES_RECORDS.isdisjoint(step.spec.urn for step in graph.components.transforms.values())


def test_the_state_is_one_value_of_bytes_and_a_time_to_forget_it(remembered: Submission) -> None:
    _step, payload = of_people(remembered)
    [(name, state)] = payload.state_specs.items()
    assert name == "person"
    assert state.protocol.urn == common_urns.user_state.BAG.urn
    element = remembered.pipeline.components.coders[state.read_modify_write_spec.coder_id]
    assert element.spec.urn == common_urns.coders.BYTES.urn
    [timer] = payload.timer_family_specs.values()
    # One of processing time would hold the watermark back for as long as people are remembered.
    assert timer.time_domain == api.TimeDomain.EVENT_TIME
    assert STATEFUL in remembered.pipeline.requirements


def test_a_person_is_told_from_others_by_bytes_that_any_worker_makes(
    remembered: Submission,
) -> None:
    step, _payload = of_people(remembered)
    graph = remembered.pipeline
    [keyed] = step.inputs.values()
    pair = graph.components.coders[graph.components.pcollections[keyed].coder_id]
    assert pair.spec.urn == common_urns.coders.KV.urn
    key, value = pair.component_coder_ids
    assert graph.components.coders[key].spec.urn == common_urns.coders.BYTES.urn
    ours: Coder = PipelineContext(graph.components).coders.get_by_id(value)
    # Beam's own would pickle a record: five times as large, and tied to a version of our classes.
    assert type(ours).__module__ == "transforms.coders"


def test_a_job_without_a_memory_declares_none(by_launcher: Submission) -> None:
    assert by_launcher.options["users_state"] == "none"
    assert STATEFUL not in by_launcher.pipeline.requirements


def test_no_credential_leaves_the_submitting_machine(
    rehearsed: World, remembered: Submission
) -> None:
    places = {
        "document": remembered.document,
        "output": remembered.ran.said.encode(),
        **remembered.objects,
    }
    assert len(places) > 4
    assert {
        name: found for name in places if (found := found_in(places[name], rehearsed.secrets))
    } == {}


def test_the_image_is_all_that_its_workers_need(
    rehearsed: World, environment: Environment, remembered: Submission, tmp_path: Path
) -> None:
    graph = tmp_path / "remembered.pb"
    graph.write_bytes(remembered.staged["pipeline.pb"])
    ran = rehearsed.run(environment.python, "-I", WORKER_PROGRAM, graph, at=tmp_path)
    assert ran.code == 0, ran.said
    [origins] = json.loads(ran.said)
    assert set(origins) >= {*DATAFLOW.unpacks, *DATAFLOW.steps, *BY_KEY_STEPS}
    # Of a plain function's step the worker builds Beam's own wrapper.
    for name in BY_KEY_STEPS[1:]:
        assert Path(origins[name]).is_relative_to(environment.packages), name
