"""As much of the Dataflow API as a submission takes, and Google's sign-in beside it.

It refuses what the service is documented to refuse, so that a document that it takes is one that
Dataflow can read: https://cloud.google.com/dataflow/docs/reference/rest/v1b3/projects.locations.jobs
What only the service can know (quota, images, roles) it does not judge.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from google.cloud.dataflow_v1beta3.types import Job, JobState, JobType
from google.protobuf import json_format

from tests.rehearsal.http_edge import ACCESS_TOKEN, Call, may_come_in, serving, take_body

_JOBS = re.compile(r"/v1b3/projects/(?P<project>[^/?]+)/locations/(?P<location>[^/?]+)/jobs(\?.*)?")
_LOCATION = re.compile(r"[a-z]+-[a-z]+[0-9]+")
# The three below stand in the API's own description of a job.
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,1022}[a-z0-9])?")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")


class RefusedError(Exception):
    """The service would answer 400 INVALID_ARGUMENT; the text says why."""


def read_job(document: bytes) -> Job:
    """The job of a document, read as strictly as the API reads it. Raises RefusedError."""
    message = Job.pb()()
    try:
        json_format.Parse(document, message, ignore_unknown_fields=False)
    except json_format.ParseError as error:
        raise RefusedError(f"the document is no job: {error}") from error
    job: Job = Job.wrap(message)
    if not _NAME.fullmatch(job.name):
        raise RefusedError(f"name: found {job.name!r}")
    if job.type_ not in (JobType.JOB_TYPE_STREAMING, JobType.JOB_TYPE_BATCH):
        raise RefusedError(f"type: found {job.type_!r}")
    if len(job.labels) > 64:
        raise RefusedError(f"labels: found {len(job.labels)}; at most 64")
    for key, value in job.labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise RefusedError(f"labels: found {key!r}: {value!r}")
    return job


class FakeDataflow:
    """`jobs`: what was created, by name. `calls`: all requests up to now. `url`: its address."""

    def __init__(self) -> None:
        self.url = ""
        self.jobs: dict[str, Job] = {}
        self.calls: list[Call] = []

    @property
    def token_uri(self) -> str:
        """Where a service account's key is exchanged for an access token."""
        return f"{self.url}/token"

    def create(self, project: str, location: str, document: bytes) -> Job:
        """Creates a job, or gives the active one of that name. Raises RefusedError."""
        if not _LOCATION.fullmatch(location):
            raise RefusedError(f"location: found {location!r}")
        job = read_job(document)
        for field, asked in (("project_id", project), ("location", location)):
            if getattr(job, field) not in ("", asked):
                raise RefusedError(f"{field}: found {getattr(job, field)!r}, asked for {asked!r}")
        created = self.jobs.setdefault(job.name, job)
        if created is job:
            job.id = f"2026-01-01_00_00_00-{len(self.jobs)}"
            job.current_state = JobState(JobState.JOB_STATE_PENDING)
        return created


class _Handler(BaseHTTPRequestHandler):
    def __init__(self, fake: FakeDataflow, *arguments: Any) -> None:
        self._fake = fake
        super().__init__(*arguments)

    def do_POST(self) -> None:
        call = take_body(self)
        self._fake.calls.append(call)
        asked = _JOBS.fullmatch(call.path)
        if call.path == "/token":
            self._say(200, json.dumps({"access_token": ACCESS_TOKEN.value, "expires_in": 3600}))
        elif not may_come_in(self):
            self._refuse(401, "UNAUTHENTICATED", "no access token, or another one")
        elif asked is None:
            self._refuse(404, "NOT_FOUND", f"no such method: {call.path}")
        else:
            try:
                job = self._fake.create(asked["project"], asked["location"], call.body)
            except RefusedError as error:
                self._refuse(400, "INVALID_ARGUMENT", str(error))
            else:
                self._say(200, json_format.MessageToJson(Job.pb(job)))

    def _refuse(self, code: int, status: str, message: str) -> None:
        error = {"code": code, "status": status, "message": message}
        self._say(code, json.dumps({"error": error}))

    def _say(self, code: int, body: str) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
        """Says nothing: `calls` holds it all."""


@contextmanager
def fake_dataflow() -> Iterator[FakeDataflow]:
    """A Dataflow that runs and has no job."""
    fake = FakeDataflow()
    with serving(HTTPServer(("127.0.0.1", 0), partial(_Handler, fake))) as url:
        fake.url = url
        yield fake
