"""The command lines: the Flex Template launcher's, and the one of a person who submits by hand.

The launcher starts the template's Python file with --name=value for each parameter, then with
options of its own; with --template_location the program writes the job's document there and ends,
and the launcher submits it:
https://cloud.google.com/dataflow/docs/guides/templates/configuring-flex-templates
"""

import json
from collections.abc import Mapping
from typing import NamedTuple

from tests.rehearsal.fake_storage import BUCKET
from tests.rehearsal.world import PROJECT, REGION

WORKER = f"worker@{PROJECT}.iam.gserviceaccount.com"
IMAGE = f"{REGION}-docker.pkg.dev/{PROJECT}/templates/amplitude-customerio-stream:1"
MACHINE = "n2-standard-4"
MAX_WORKERS = 3
AT_LEAST_ONCE = "streaming_mode_at_least_once"
"""https://cloud.google.com/dataflow/docs/guides/streaming-modes"""
LABELS = {
    "goog-dataflow-provided-template-name": "amplitude-customerio-stream",
    "goog-dataflow-provided-template-type": "flex",
    "team": "growth",
}


class Launch(NamedTuple):
    """A job that is to be launched: a name that is free, and what the template takes."""

    name: str
    parameters: Mapping[str, str]

    @property
    def prefix(self) -> str:
        """Of the names of all objects that belong to it."""
        return f"{self.name}/"

    @property
    def job_object(self) -> str:
        """Name of the object that holds the job's document."""
        return f"{self.prefix}staging/template_launches/{self.name}/job_object"

    def by_launcher(self) -> list[str]:
        """The arguments, as the launcher makes them."""
        return [
            *self._parameters(),
            *self._common(),
            f"--template_location=gs://{BUCKET}/{self.job_object}",
            f"--labels={json.dumps(LABELS)}",
            f"--experiments={AT_LEAST_ONCE}",
            f"--sdk_container_image={IMAGE}",
        ]

    def by_hand(self, endpoint: str) -> list[str]:
        """The arguments of somebody who submits from a clone, to an API at `endpoint`."""
        return [
            *self._parameters(),
            *self._common(),
            *(f"--labels={key}={value}" for key, value in LABELS.items()),
            f"--dataflow_service_options={AT_LEAST_ONCE}",
            "--setup_file=./setup.py",
            f"--dataflow_endpoint={endpoint}",
        ]

    def _parameters(self) -> list[str]:
        return [f"--{name}={value}" for name, value in self.parameters.items()]

    def _common(self) -> list[str]:
        return [
            "--runner=DataflowRunner",
            f"--project={PROJECT}",
            f"--region={REGION}",
            f"--job_name={self.name}",
            f"--staging_location=gs://{BUCKET}/{self.prefix}staging",
            f"--temp_location=gs://{BUCKET}/{self.prefix}temp",
            f"--service_account_email={WORKER}",
            f"--worker_machine_type={MACHINE}",
            f"--max_num_workers={MAX_WORKERS}",
            "--num_workers=1",
            "--subnetwork=regions/europe-west1/subnetworks/private",
            "--no_use_public_ips",
        ]
