"""A job is submitted, by hand and by the Flex Template launcher, to an API of this machine."""

import gzip
import io
import json
import tarfile
from importlib import metadata
from pathlib import Path, PurePosixPath

import apache_beam
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as api
from google.cloud.dataflow_v1beta3.types import JobType
from packaging.requirements import Requirement

from tests.pipeline.test_graph import VARIANTS, downstream, leaves, materialises
from tests.rehearsal.image import Environment
from tests.rehearsal.launcher import AT_LEAST_ONCE, IMAGE, LABELS, MACHINE, MAX_WORKERS, WORKER
from tests.rehearsal.metadata import SECRET
from tests.rehearsal.submission import Submission
from tests.rehearsal.world import World
from tests.security.canaries import found_in, unpacked

WORKER_PROGRAM = Path(__file__).parent / "worker.py"
DATAFLOW = VARIANTS["dataflow"]
STORES_RECORDS = {
    common_urns.primitives.GROUP_BY_KEY.urn,
    common_urns.primitives.FLATTEN.urn,
    common_urns.composites.COMBINE_PER_KEY.urn,
    common_urns.composites.RESHUFFLE.urn,
}
PACKAGE = "amplitude-customerio-stream"
FOLDERS = {"pipeline", "transforms", "amplitude_customerio_stream.egg-info"}


def test_it_is_a_streaming_job(submission: Submission) -> None:
    assert submission.job.type_ == JobType.JOB_TYPE_STREAMING
    assert submission.options["streaming"] is True
    assert submission.environment["version"]["job_type"] == "FNAPI_STREAMING"


def test_it_runs_on_streaming_engine_and_the_runner_of_today(submission: Submission) -> None:
    experiments = set(submission.environment["experiments"])
    assert experiments >= {"use_runner_v2", "enable_streaming_engine", "enable_windmill_service"}


def test_at_least_once_is_asked_for_in_either_way(
    by_hand: Submission, by_launcher: Submission
) -> None:
    assert by_hand.environment["serviceOptions"] == [AT_LEAST_ONCE]
    assert AT_LEAST_ONCE in by_launcher.environment["experiments"]


def test_labels_reach_the_job(submission: Submission) -> None:
    assert dict(submission.job.labels) == LABELS


def test_workers_are_as_asked_for(submission: Submission) -> None:
    [pool] = submission.environment["workerPools"]
    assert pool["machineType"] == MACHINE
    assert pool["numWorkers"] == 1
    assert pool["autoscalingSettings"] == {"maxNumWorkers": MAX_WORKERS}
    assert pool["ipConfiguration"] == "WORKER_IP_PRIVATE"
    assert pool["subnetwork"] == "regions/europe-west1/subnetworks/private"
    # Beam's own choice: as many as the graph needs.
    assert "numThreadsPerWorker" not in pool
    assert submission.environment["serviceAccountEmail"] == WORKER


def test_workers_run_the_images_that_they_should(
    by_hand: Submission, by_launcher: Submission
) -> None:
    [ours] = by_launcher.environment["workerPools"]
    assert ours["kind"] == "harness"
    assert ours["workerHarnessContainerImage"] == IMAGE
    assert [each["containerImage"] for each in ours["sdkHarnessContainerImages"]] == [IMAGE]
    [beams] = by_hand.environment["workerPools"]
    assert beams["workerHarnessContainerImage"].endswith(f":{apache_beam.__version__}")


def test_it_says_which_beam_made_it(submission: Submission) -> None:
    agent = submission.environment["userAgent"]
    assert agent["version"] == apache_beam.__version__
    assert agent["name"].startswith("Apache Beam Python 3.")


def test_its_steps_are_those_that_a_running_job_is_updated_by(submission: Submission) -> None:
    behind = [step.unique_name for step in downstream(submission.pipeline, DATAFLOW.reads)]
    ours = [name for name in behind if not name.startswith("Read/Read/")]
    assert sorted(ours) == sorted(DATAFLOW.unpacks + DATAFLOW.steps)
    assert set(leaves(submission.pipeline)) == {DATAFLOW.reads, *behind}


def test_nothing_makes_dataflow_store_records_on_their_way(submission: Submission) -> None:
    graph = submission.pipeline
    assert {materialises(step) for step in downstream(graph, DATAFLOW.reads)} == {None}
    assert STORES_RECORDS.isdisjoint(step.spec.urn for step in graph.components.transforms.values())


def test_it_is_dataflow_that_reads_pub_sub(
    submission: Submission, parameters: dict[str, str]
) -> None:
    read = leaves(submission.pipeline)[DATAFLOW.reads]
    assert read.spec.urn == common_urns.composites.PUBSUB_READ.urn
    payload = api.PubSubReadPayload.FromString(read.spec.payload)
    assert payload.subscription == parameters["input_subscription"]
    assert payload.with_attributes
    # Dataflow would drop what shares an id within ten minutes, on its own judgement.
    assert payload.id_attribute == ""


def test_every_parameter_of_the_form_travels_with_the_job(
    submission: Submission, parameters: dict[str, str]
) -> None:
    assert parameters
    assert [name for name in parameters if name not in submission.options] == []


def test_only_what_workers_need_is_staged(by_hand: Submission, by_launcher: Submission) -> None:
    needed = {"pipeline.pb", "submission_environment_dependencies.txt"}
    assert set(by_launcher.staged) == needed
    assert set(by_hand.staged) == needed | {"workflow.tar.gz"}


def test_what_the_job_names_is_there(submission: Submission) -> None:
    [pool] = submission.environment["workerPools"]
    assert {package["name"] for package in pool["packages"]} | {"pipeline.pb"} == set(
        submission.staged
    )


def test_no_credential_leaves_the_submitting_machine(
    rehearsed: World, by_hand: Submission, by_launcher: Submission
) -> None:
    places = {
        call.path.encode() + b" " + call.body: f"{call.method} {call.path}"
        for call in rehearsed.storage.calls + rehearsed.dataflow.calls
    }
    for each in (by_hand, by_launcher):
        places[each.document] = f"the document of {each.job.name}"
        places[each.ran.said.encode()] = f"the output of {each.job.name}"
        places.update({content: name for name, content in each.objects.items()})
    leaks = {place: found_in(content, rehearsed.secrets) for content, place in places.items()}
    assert len(leaks) > 10
    assert {place: found for place, found in leaks.items() if found} == {}


def test_the_search_would_find_each_of_them(rehearsed: World) -> None:
    assert len(rehearsed.secrets) == 5
    for secret in rehearsed.secrets:
        packed = gzip.compress(json.dumps({"found": secret.value}).encode())
        assert found_in(packed, rehearsed.secrets) == [secret]


def test_where_the_credentials_are_does_travel(submission: Submission) -> None:
    """Else the search for what they are would have looked at nothing."""
    texts = list(unpacked(submission.staged["pipeline.pb"]))
    for name in ("site", "key"):
        assert any(SECRET.format(name).encode() in text for text in texts)


def test_nothing_but_our_packages_is_staged(by_hand: Submission) -> None:
    with tarfile.open(fileobj=io.BytesIO(by_hand.staged["workflow.tar.gz"])) as package:
        paths = [PurePosixPath(*PurePosixPath(name).parts[1:]) for name in package.getnames()]
    assert {path.parts[0] for path in paths if len(path.parts) > 1} == FOLDERS
    assert PurePosixPath("pipeline/local/customerio/page.html") in paths
    assert [str(path) for path in paths if path.name.endswith((".env", ".yaml", ".pyc"))] == []


def test_the_staged_package_is_all_that_a_worker_needs(
    rehearsed: World,
    environment: Environment,
    by_hand: Submission,
    by_launcher: Submission,
    tmp_path: Path,
) -> None:
    graphs = [tmp_path / "by_hand.pb", tmp_path / "by_launcher.pb"]
    for graph, submission in zip(graphs, (by_hand, by_launcher), strict=True):
        graph.write_bytes(submission.staged["pipeline.pb"])
    ran = rehearsed.run(environment.python, "-I", WORKER_PROGRAM, *graphs, at=tmp_path)
    assert ran.code == 0, ran.said
    ours = {"pipeline.main", *DATAFLOW.unpacks, *DATAFLOW.steps}
    for origins in json.loads(ran.said):
        assert set(origins) >= ours
        tops = {Path(origins[name]).relative_to(environment.packages).parts[0] for name in ours}
        assert tops == {"pipeline", "transforms"}


def test_the_package_asks_for_nothing_that_is_not_locked(environment: Environment) -> None:
    """The environment of the tests is made from the lock."""
    [package] = metadata.distributions(name=PACKAGE, path=[str(environment.packages)])
    wanted = [Requirement(line) for line in package.requires or ()]
    needed = [each for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})]
    assert len(needed) > 5
    wrong = [str(each) for each in needed if metadata.version(each.name) not in each.specifier]
    assert wrong == []
