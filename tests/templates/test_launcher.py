"""A launch, as the Flex launcher does it: the image's file, a flag a parameter, and a job document
at the place that it names.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.portability.common_urns import environments

from pipeline.options import WORKER_IMAGE
from tests.security.fake_google import FakeGoogle
from tests.templates.dockerfile import ROOT
from tests.templates.test_deploy import RUN

IMAGE = "us-docker.pkg.dev/my-project/stream/amplitude-customerio:1"
PARAMETERS: dict[str, str] = RUN["--parameters"]
JOB = "staging/template_launches/1/job_object"
_PATIENCE_S = 240.0


def launch(google: FakeGoogle, directory: Path) -> subprocess.CompletedProcess[str]:
    """Starts the program alone in a directory, with what Dataflow adds to the parameters."""
    main = shutil.copy(ROOT / "pipeline" / "main.py", directory / "main.py")
    added = {
        "runner": "DataflowRunner",
        "project": "my-project",
        "region": "us-central1",
        "job_name": "amplitude-customerio",
        "template_location": f"gs://my-bucket/{JOB}",
        "staging_location": RUN["--staging-location"],
        "temp_location": RUN["--temp-location"],
        "service_account_email": RUN["--service-account-email"],
        "max_num_workers": str(RUN["--max-workers"]),
        "worker_machine_type": RUN["--worker-machine-type"],
        "experiments": RUN["--additional-experiments"][0],
        "labels": '{"goog-dataflow-provided-template-type":"flex"}',
        # Beside what the launcher gives: the stand-in instead of Google.
        "dataflow_endpoint": google.url,
    }
    flags = [f"--{name}={value}" for name, value in (PARAMETERS | added).items()]
    return subprocess.run(
        [sys.executable, main, *flags, "--no_auth"],
        cwd=directory,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "PYTHONPATH": str(ROOT),
            "STORAGE_EMULATOR_HOST": google.url,
            "NO_GCE_CHECK": "true",
            WORKER_IMAGE: IMAGE,
        },
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )


def test_a_launch_leaves_a_job_with_its_settings_and_the_launchers_image(tmp_path: Path) -> None:
    with FakeGoogle() as google:
        done = launch(google, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert google.jobs == [], "the launcher starts the job, not the program"
    job: dict[str, Any] = json.loads(google.files[JOB])
    options = job["environment"]["sdkPipelineOptions"]["options"]
    assert {name: options[name] for name in PARAMETERS} == PARAMETERS
    assert options["streaming"] is True
    assert options["save_main_session"] is False
    [pool] = job["environment"]["workerPools"]
    assert pool["machineType"] == RUN["--worker-machine-type"]
    assert "streaming_mode_at_least_once" in str(job["environment"]["experiments"])
    [graph] = [content for name, content in google.files.items() if name.endswith("pipeline.pb")]
    proto = beam_runner_api_pb2.Pipeline.FromString(graph)
    images = {
        beam_runner_api_pb2.DockerPayload.FromString(each.payload).container_image
        for each in proto.components.environments.values()
        if each.urn == environments.DOCKER.urn
    }
    assert images == {IMAGE}
    # Nothing is staged that the workers would have to install.
    staged = {Path(name).name for name in google.files} - {"pipeline.pb", "job_object"}
    assert staged <= {"submission_environment_dependencies.txt"}
