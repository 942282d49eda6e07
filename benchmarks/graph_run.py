"""The product's graph over a file of records, on FnApiRunner in this process."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from msgspec import Struct

from benchmarks.child import Pause
from benchmarks.inputs import Portion
from benchmarks.machine import peak_mib
from benchmarks.run import Run
from benchmarks.settings import API_KEY, SITE_ID, settings
from pipeline import graph, plan
from pipeline.deadletters import FileStore
from pipeline.memory import collect_rarely, share_arenas
from pipeline.sources.batches import batches
from transforms.records import Message
from transforms.sink.sink import DeliverToCustomerIo

Element = list[Message]
"""What a source gives to the graph."""


def handed_over(messages: Iterable[Message]) -> Iterable[Element]:
    """Messages as a source gives them to the graph. The one place that knows how."""
    return batches(messages)


class FixedCredentials(Struct, frozen=True):
    """Credentials that the acceptor does not look at."""

    def __call__(self) -> tuple[str, str]:
        """Site id and API key."""
        return SITE_ID, API_KEY


_began: list[tuple[float, float]] = []
"""When the records of each run were first asked for: wall clock and CPU time, seconds. FnApiRunner
works in the process that it is called from."""


def _read(_impulse: bytes, path: str, count: int) -> Iterable[Element]:
    _began.append((time.perf_counter(), time.process_time()))
    return handed_over(_messages(path, count))


def _messages(path: str, count: int) -> Iterator[Message]:
    with Path(path).open("rb") as file:
        for number, line in zip(range(count), file, strict=False):
            yield Message(line, str(number), 1_777_888_867.0, {})


class ReadRecords(beam.PTransform[PBegin, PCollection[Element]]):
    """The first records of a file, a message each."""

    def __init__(self, portion: Portion) -> None:
        super().__init__()
        self._portion = portion

    def expand(self, input_or_inputs: PBegin) -> PCollection[Element]:
        """Reads when the pipeline runs."""
        read: PCollection[Element] = (
            input_or_inputs
            | beam.Impulse()
            | beam.FlatMap(_read, str(self._portion.path), self._portion.records).with_output_types(
                Element
            )
        )
        return read


def build(
    pipeline: beam.Pipeline, source: graph.Source, url: str, directory: str, **delivery: float
) -> None:
    """The product's graph in front of a server; dead letters go to files in `directory`."""
    page = settings(url, **delivery)
    policy = plan.delivery_policy(page, 1, hold=False, one_bundle_at_a_time=True)
    sink = DeliverToCustomerIo(policy, FixedCredentials())
    graph.build(pipeline, source, page, sink, FileStore(f"{directory}/dead"))


def deliver(portion: Portion, url: str, directory: str) -> None:
    """Delivers records to the end."""
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    build(pipeline, ReadRecords(portion), url, directory)
    pipeline.run().wait_until_finish()


def measured(pause: Pause, warm: Portion, portion: Portion, url: str, directory: str) -> Run:
    """Warms up and delivers records; the work of a child process."""
    # As the program does.
    share_arenas()
    collect_rarely()
    deliver(warm, url, directory)
    pause()
    deliver(portion, url, directory)
    ended, cpu = time.perf_counter(), time.process_time()
    began, began_cpu = _began[-1]
    return Run(ended - began, cpu - began_cpu, peak_mib())
