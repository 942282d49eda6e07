"""A job that was submitted: what the fakes were told."""

import shutil
import sys
from pathlib import Path
from typing import Any, NamedTuple

from apache_beam.portability.api import beam_runner_api_pb2 as api
from google.cloud.dataflow_v1beta3.types import Job
from google.protobuf.json_format import MessageToDict

from tests.rehearsal.fake_storage import BUCKET
from tests.rehearsal.image import Environment
from tests.rehearsal.launcher import Launch
from tests.rehearsal.world import PROJECT, REGION, Ran, World


class Submission(NamedTuple):
    """What is left of a submission."""

    ran: Ran
    document: bytes
    """JSON of the job, as the program made it."""
    job: Job
    """The job as Dataflow has it."""
    objects: dict[str, bytes]
    """All that lies in the bucket for this job: name -> content."""

    @property
    def options(self) -> dict[str, Any]:
        """The pipeline options that travel with the job."""
        options: dict[str, Any] = self.environment["sdkPipelineOptions"]["options"]
        return options

    @property
    def environment(self) -> dict[str, Any]:
        """The job's environment, as JSON has it."""
        environment: dict[str, Any] = MessageToDict(Job.pb(self.job))["environment"]
        return environment

    @property
    def staged(self) -> dict[str, bytes]:
        """What was staged for the workers: name -> content."""
        folder = self.options["pipelineUrl"].removesuffix("pipeline.pb")
        urls = {f"gs://{BUCKET}/{name}": content for name, content in self.objects.items()}
        return {
            url.removeprefix(folder): content
            for url, content in urls.items()
            if url.startswith(folder)
        }

    @property
    def pipeline(self) -> api.Pipeline:
        """The graph that workers are going to run."""
        pipeline: api.Pipeline = api.Pipeline.FromString(self.staged["pipeline.pb"])
        return pipeline


def submitted_by_hand(world: World, source: Path, launch: Launch) -> Submission:
    """Runs the program as somebody does who submits from a clone."""
    arguments = launch.by_hand(world.dataflow.url)
    ran = world.run(sys.executable, "-m", "pipeline.main", *arguments, at=source)
    assert ran.code == 0, ran.said
    [document] = [call.body for call in world.dataflow.calls if launch.name.encode() in call.body]
    return _submission(world, launch, ran, document)


def submitted_by_launcher(
    world: World, environment: Environment, source: Path, launch: Launch
) -> Submission:
    """Runs the template's file as the launcher does, and then submits what it wrote.

    The file stands alone, as in the image: all else is from the package that is installed there.
    """
    main = Path(shutil.copy(source / "pipeline" / "main.py", world.home))
    ran = world.run(environment.python, main, *launch.by_launcher(), at=world.home)
    assert ran.code == 0, ran.said
    assert launch.name not in world.dataflow.jobs, "only the launcher may submit"
    document = world.storage.objects(launch.prefix)[launch.job_object]
    world.dataflow.create(PROJECT, REGION, document)
    return _submission(world, launch, ran, document)


def _submission(world: World, launch: Launch, ran: Ran, document: bytes) -> Submission:
    objects = world.storage.objects(launch.prefix)
    return Submission(ran, document, world.dataflow.jobs[launch.name], objects)
