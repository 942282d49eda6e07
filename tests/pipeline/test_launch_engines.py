"""Files on an engine of many workers: their names are shared out, and no bundle is given back."""

import json
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2 as api
from apache_beam.runners.runner import PipelineResult, PipelineRunner, PipelineState

from pipeline.launch import EXIT_OK, main
from pipeline.local.customerio import CustomerIoStandIn, Respond

pytestmark = pytest.mark.usefixtures("fresh_process")

SITE_ID, API_KEY = "site-of-the-tests", "key-of-the-tests"


class Ended(PipelineResult):
    """A job that is done already."""

    def __init__(self) -> None:
        """There is nothing to follow."""

    def wait_until_finish(self, duration: int | None = None) -> str:
        return str(PipelineState.DONE)


class Recorder(PipelineRunner):
    """An engine that keeps the graph and runs nothing."""

    submitted: list[api.Pipeline] = []  # noqa: RUF012 - Beam makes the instance by the class's name

    def run_pipeline(self, pipeline: beam.Pipeline, options: PipelineOptions) -> Ended:
        Recorder.submitted.append(pipeline.to_runner_api())
        return Ended()


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The flags of a job over two files: an event in each, and in one of them no record."""
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE_ID)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", API_KEY)
    for number, rest in ((1, "\nno record"), (2, "")):
        fields = {
            "event_type": "Song Played",
            "user_id": f"user-{number}",
            "event_time": "2024-01-02 03:04:05",
            "$insert_id": str(number),
        }
        (tmp_path / f"in-{number}.ndjson").write_text(json.dumps(fields) + rest)
    return [
        f"--input_files={tmp_path}/in-*.ndjson",
        f"--dead_letter_files={tmp_path}/dead",
        "--request_budget_processes=1",
        "--delivery_retry_for_s=1",
    ]


def test_the_names_of_files_are_shared_out(arguments: list[str]) -> None:
    runner = f"{Recorder.__module__}.{Recorder.__name__}"
    assert main([*arguments, f"--runner={runner}"]) == EXIT_OK
    transforms = Recorder.submitted.pop().components.transforms.values()
    [shuffle] = [
        each for each in transforms if each.spec.urn == common_urns.composites.RESHUFFLE.urn
    ]
    assert shuffle.unique_name.startswith("Read/Names/")


def test_an_outage_longer_than_an_attempt_is_waited_out(
    arguments: list[str], tmp_path: Path
) -> None:
    """This runner tries a bundle four times; one that was given back as often fails the job."""
    with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
        stand_in.faults.next(Respond(status=503, headers={"Retry-After": "1"}), times=8)
        where = f"--customerio_endpoint={stand_in.url}"
        assert main([*arguments, where, "--runner=BundleBasedDirectRunner"]) == EXIT_OK
        events = stand_in.workspace.events()
        assert sorted(event.identifiers["id"] for event in events) == ["user-1", "user-2"]
        assert stand_in.faults.pending() == 0
    [letters] = tmp_path.glob("dead-*.jsonl")
    assert len(letters.read_text().splitlines()) == 1
