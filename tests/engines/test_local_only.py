"""What an engine is started with: nothing of it may listen on another address than 127.0.0.1."""

import argparse
from pathlib import Path

from apache_beam.portability.api import beam_provision_api_pb2 as provision

from engines.boot import variables
from engines.flink import configuration

ADDRESSES = (
    "jobmanager.rpc.address",
    "jobmanager.bind-host",
    "rest.address",
    "rest.bind-address",
    "taskmanager.host",
    "taskmanager.bind-host",
)
GIVEN = argparse.Namespace(id="1-1", logging_endpoint="", control_endpoint="127.0.0.1:4")


def test_flink_listens_on_this_machine_alone(tmp_path: Path) -> None:
    made = configuration(tmp_path, 1, 2)
    assert {key for key in made if made[key] == "127.0.0.1"} == set(ADDRESSES)


def test_a_worker_gets_what_the_engine_says_and_else_what_it_was_called_with() -> None:
    info = provision.ProvisionInfo(runner_capabilities=["a", "b"])
    info.pipeline_options["beam:option:streaming:v1"] = True
    info.logging_endpoint.url = "127.0.0.1:3"
    made = variables(info, GIVEN)
    assert made["WORKER_ID"] == "1-1"
    assert made["RUNNER_CAPABILITIES"] == "a b"
    assert '"beam:option:streaming:v1": true' in made["PIPELINE_OPTIONS"]
    assert made["LOGGING_API_SERVICE_DESCRIPTOR"] == 'url: "127.0.0.1:3"\n'
    assert made["CONTROL_API_SERVICE_DESCRIPTOR"] == 'url: "127.0.0.1:4"\n'


def test_what_the_engine_says_wins() -> None:
    info = provision.ProvisionInfo()
    info.control_endpoint.url = "127.0.0.1:5"
    assert variables(info, GIVEN)["CONTROL_API_SERVICE_DESCRIPTOR"] == 'url: "127.0.0.1:5"\n'
