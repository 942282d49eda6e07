"""The search of a run: a marked value that is planted in any place of it is found there."""

import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.metrics.metric import Metrics
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from tests.security.canaries import CANARIES, Canary, Kind
from tests.security.watched import LOGS, STDERR, leaks, places_in, places_of_process
from transforms.records import Delivery
from transforms.sink.lanes import DeliveryPolicy
from transforms.sink.sink import DeliverToCustomerIo

Plant = Callable[[Path, str], None]
"""Puts a text somewhere in the directory of a run."""


def in_file(name: str) -> Plant:
    def plant(run: Path, text: str) -> None:
        path = run / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"2024 INFO before {text} after\n")

    return plant


def in_log(logger: str, level: int, *, carried: bool = False) -> Plant:
    def plant(run: Path, text: str) -> None:
        path = run / LOGS
        path.parent.mkdir(parents=True)
        said = ["nothing", f"{{'request': '{text}'}}"] if carried else [f"about {text}", "{}"]
        lines = [["a.library", logging.INFO, "fine", "{}"], [logger, level, *said]]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    return plant


def in_name(run: Path, text: str) -> None:
    (run / text.replace("/", "%2F")).mkdir(parents=True)


class _Credentials:
    """What must not be done: a pair that travels with the job."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __call__(self) -> tuple[str, str]:
        return self._text, self._text


def in_graph(run: Path, text: str) -> None:
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    nothing = pipeline | beam.Create([], reshuffle=False).with_output_types(Delivery)
    sink = DeliverToCustomerIo(DeliveryPolicy("https://host"), _Credentials(text))
    _ = nothing | sink
    proto = pipeline.to_runner_api()
    (run / "graph.pb").write_bytes(proto.SerializeToString())


def in_options(run: Path, text: str) -> None:
    options = PipelineOptions(["--job_name", text])
    (run / "options.pickle").write_bytes(pickle.dumps(options))


def in_metrics(run: Path, text: str) -> None:
    with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
        _ = pipeline | beam.Create([text]) | beam.Map(lambda name: Metrics.counter("x", name).inc())
    (run / "metrics.txt").write_text(repr(pipeline.result.metrics().query()))


NOBODY_MAY: dict[str, Plant] = {
    **{
        name: in_file(name)
        for name in (
            *("stdout.txt", "stderr.txt", "settings.json", "ledger.json", "tmp/tmp8x/staged"),
            *("home/.cache/x", "here/core"),
        )
    },
    "the name of a file": in_name,
    "a log of ours at DEBUG": in_log("pipeline.launch", logging.DEBUG),
    "a log of the transforms at DEBUG": in_log("transforms.sink.lane", logging.DEBUG),
    "a log of a library at INFO": in_log("apache_beam.runners", logging.INFO),
    "what a record of ours carries": in_log("pipeline.x", logging.DEBUG, carried=True),
    "a graph": in_graph,
    "the options of a graph": in_options,
    "metrics": in_metrics,
}
PEOPLE_MAY: dict[str, Plant] = {
    "a dead letter": in_file("letters/bad-1.jsonl"),
    "a log of a library at DEBUG": in_log("urllib3.connectionpool", logging.DEBUG),
    "what a record of a library carries": in_log("google.x", logging.DEBUG, carried=True),
}

canaries = pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)


@canaries
@pytest.mark.parametrize("plant", NOBODY_MAY.values(), ids=NOBODY_MAY)
def test_found_where_nobody_may_be(plant: Plant, canary: Canary, tmp_path: Path) -> None:
    plant(tmp_path, canary.value)
    [leak] = leaks(places_in(tmp_path))
    assert leak.startswith(f"{canary.name} in ")


@canaries
@pytest.mark.parametrize("plant", PEOPLE_MAY.values(), ids=PEOPLE_MAY)
def test_only_credentials_are_a_leak_where_people_may_be(
    plant: Plant, canary: Canary, tmp_path: Path
) -> None:
    plant(tmp_path, canary.value)
    assert len(leaks(places_in(tmp_path))) == (canary.kind is Kind.CREDENTIAL)


@canaries
def test_stderr_may_name_people_only_when_every_library_talks(
    canary: Canary, tmp_path: Path
) -> None:
    in_file(STDERR)(tmp_path, canary.value)
    assert len(leaks(places_in(tmp_path))) == 1
    assert len(leaks(places_in(tmp_path, loud=True))) == (canary.kind is Kind.CREDENTIAL)


def test_found_on_the_command_line_and_in_the_environment() -> None:
    first, second, third = CANARIES[:3]
    given = {"GIVEN": second.value}
    process = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", first.value],
        env=given | {"ADDED": third.value},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        found = leaks(places_of_process(process.pid, given))
        process.kill()
    assert found == [
        f"{first.name} in the command line",
        f"{third.name} in the environment",
    ]
