"""What a Dataflow job is told: its document, options and staged files hold no credential."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.security.canaries import unpacked
from tests.security.fake_google import FakeGoogle
from tests.security.watched import Place, WatchedProgram, leaks

PROJECT = "project-of-tests"
SECRET = f"secret://projects/{PROJECT}/secrets/{{}}/versions/1"
SETTINGS = {
    "preset": "all_properties",
    "customerio": {"site_id": SECRET.format("site"), "api_key": SECRET.format("key")},
}


@pytest.fixture(autouse=True)
def _end_programs() -> Iterator[None]:
    yield
    WatchedProgram.end_all()


@pytest.mark.parametrize(
    "loud", [pytest.param(False, id="as it comes"), pytest.param(True, id="all loggers at DEBUG")]
)
def test_a_job_knows_where_the_credentials_are_and_not_what_they_are(
    loud: bool, tmp_path: Path
) -> None:
    """They are in the environment of the machine that submits, as they may well be."""
    with FakeGoogle() as google:
        program = WatchedProgram(
            tmp_path / "run",
            SETTINGS,
            "--runner=DataflowRunner",
            "--max_num_workers=2",
            f"--project={PROJECT}",
            "--region=us-central1",
            "--temp_location=gs://bucket/temp",
            "--staging_location=gs://bucket/staging",
            f"--dataflow_endpoint={google.url}",
            "--no_auth",
            f"--input_subscription=projects/{PROJECT}/subscriptions/stream",
            f"--dead_letter_topic=projects/{PROJECT}/topics/letters",
            loud=loud,
            environment={"STORAGE_EMULATOR_HOST": google.url, "NO_GCE_CHECK": "true"},
        )
        assert program.wait() == 0, program.said()[-3000:]
    [job] = google.jobs
    told = [
        Place("the job", json.dumps(job).encode()),
        *(Place(f"the staged file {name}", content) for name, content in google.files.items()),
        *(Place(f"the call {path}", path.encode() + b" " + body) for path, body in google.calls),
    ]
    assert leaks(told) == []
    assert leaks(program.places()) == []
    # The references are there: else the search would have looked at nothing.
    graph = google.files[next(name for name in google.files if name.endswith("pipeline.pb"))]
    for name in ("site", "key"):
        assert any(SECRET.format(name).encode() in plain for plain in unpacked(graph))
