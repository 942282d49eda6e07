"""The fake refuses what Dataflow refuses: else what it takes would prove nothing."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import requests

from tests.rehearsal.fake_dataflow import FakeDataflow, fake_dataflow
from tests.rehearsal.http_edge import ACCESS_TOKEN

JOB: dict[str, Any] = {"name": "stream", "type": "JOB_TYPE_STREAMING", "labels": {"team": "growth"}}
JOBS = "/v1b3/projects/some-project/locations/europe-west1/jobs"
TOKEN = f"Bearer {ACCESS_TOKEN.value}"


@pytest.fixture(scope="module")
def dataflow() -> Iterator[FakeDataflow]:
    """One for all of them: what is refused leaves nothing behind."""
    with fake_dataflow() as fake:
        yield fake


def create(
    dataflow: FakeDataflow, job: dict[str, Any], path: str = JOBS, token: str = TOKEN
) -> requests.Response:
    body = msgspec.json.encode(job)
    headers = {"Authorization": token}
    return requests.post(dataflow.url + path, body, headers=headers, timeout=60)


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        pytest.param(JOB | {"streaming": True}, "streaming", id="a field that no job has"),
        pytest.param(JOB | {"type": "STREAM"}, "STREAM", id="a type that is none"),
        pytest.param(JOB | {"type": "JOB_TYPE_UNKNOWN"}, "type: found", id="no type"),
        pytest.param(JOB | {"name": "My_Stream"}, "name: found 'My_Stream'", id="a name"),
        pytest.param(JOB | {"labels": {"Team": "x"}}, "labels: found 'Team'", id="a label's key"),
        pytest.param(JOB | {"labels": {"a": "b c"}}, "labels: found 'a': 'b c'", id="its value"),
        pytest.param(
            JOB | {"labels": {f"a{n}": "" for n in range(65)}}, "found 65", id="too many labels"
        ),
        pytest.param(JOB | {"projectId": "other"}, "project_id: found 'other'", id="a project"),
        pytest.param(JOB | {"location": "us-east1"}, "location: found 'us-east1'", id="a region"),
        pytest.param(
            JOB | {"environment": {"workerPools": [{"numWorkers": "many"}]}},
            "numWorkers",
            id="a text for a number",
        ),
    ],
)
def test_a_document_that_is_no_job_is_refused(
    job: dict[str, Any], reason: str, dataflow: FakeDataflow
) -> None:
    answer = create(dataflow, job)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]["message"]
    assert dataflow.jobs == {}


@pytest.mark.parametrize(
    ("path", "token", "code"),
    [
        pytest.param(JOBS, "", 401, id="no token"),
        pytest.param(JOBS, "Bearer another", 401, id="another token"),
        pytest.param(JOBS.replace("jobs", "job"), TOKEN, 404, id="no method of the API"),
        pytest.param(JOBS.replace("europe-west1", "eu"), TOKEN, 400, id="no region"),
    ],
)
def test_whoever_asks_for_it_wrongly_is_refused(
    path: str, token: str, code: int, dataflow: FakeDataflow
) -> None:
    assert create(dataflow, JOB, path, token).status_code == code
    assert dataflow.jobs == {}


def test_a_name_that_is_taken_gives_the_job_that_has_it() -> None:
    with fake_dataflow() as dataflow:
        first = create(dataflow, JOB | {"clientRequestId": "1"})
        second = create(dataflow, JOB | {"clientRequestId": "2"})
        other = create(dataflow, JOB | {"name": "other"})
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.json() == first.json()
    assert other.json()["id"] != first.json()["id"]
