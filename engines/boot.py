"""``python -m engines.boot``: what an engine starts a Python worker with (environment PROCESS).

Beam's containers do the same with a program in Go. An engine calls the command with the addresses
of its own services (https://s.apache.org/beam-fn-api-container-contract); the worker takes them
from its environment. It replaces this process, so that the engine ends the worker itself.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import grpc
from apache_beam.portability.api import beam_provision_api_pb2 as provision
from apache_beam.portability.api import beam_provision_api_pb2_grpc as provision_grpc
from google.protobuf import json_format, text_format

_TIMEOUT_S = 30.0
_WORKER = "apache_beam.runners.worker.sdk_worker_main"


def provision_info(address: str, worker_id: str) -> Any:
    """What the engine says of the job: its options and its services. Raises grpc.RpcError."""
    with grpc.insecure_channel(address, [("grpc.enable_http_proxy", 0)]) as channel:
        stub = provision_grpc.ProvisionServiceStub(channel)
        answer = stub.GetProvisionInfo(
            provision.GetProvisionInfoRequest(),
            metadata=(("worker_id", worker_id),),
            timeout=_TIMEOUT_S,
        )
    return answer.info


def variables(info: Any, given: argparse.Namespace) -> Mapping[str, str]:
    """The worker's environment, from what the engine says and what it called us with."""
    logging, control = info.logging_endpoint, info.control_endpoint
    if not logging.url:
        logging.url = given.logging_endpoint
    if not control.url:
        control.url = given.control_endpoint
    return {
        "WORKER_ID": given.id,
        "PIPELINE_OPTIONS": json_format.MessageToJson(info.pipeline_options),
        "LOGGING_API_SERVICE_DESCRIPTOR": text_format.MessageToString(logging),
        "CONTROL_API_SERVICE_DESCRIPTOR": text_format.MessageToString(control),
        "RUNNER_CAPABILITIES": " ".join(info.runner_capabilities),
    }


def main(argv: Sequence[str] | None = None) -> None:
    """Becomes the worker."""
    parser = argparse.ArgumentParser(prog="python -m engines.boot")
    parser.add_argument("--id", required=True, help="the worker's name")
    for service in ("provision", "control", "logging"):
        parser.add_argument(f"--{service}_endpoint", default="", help="HOST:PORT")
    given, _others = parser.parse_known_args(argv)
    info = provision_info(given.provision_endpoint, given.id)
    os.execve(
        sys.executable,
        [sys.executable, "-m", _WORKER],
        {**os.environ, **variables(info, given)},
    )


if __name__ == "__main__":
    main()
