"""Row 2: from publishing to acceptance through the Pub/Sub protocol, everything on two cores."""

import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks.accept import Acceptor, Seen, accepting
from benchmarks.balance import balanced, quiet, wait_for
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Target
from benchmarks.inputs import Portion
from benchmarks.program import Program, running
from benchmarks.pubsub import Publisher, emulator, publisher, requests

_ROW = "streaming"


class Streamed(NamedTuple):
    """A portion that was streamed."""

    records_per_s: float
    """From the first publish to the last acceptance."""
    seen: Seen
    peak_mib: float
    """Of the pipeline's process."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Records a second of the product and of Beam's own source, and their ratio by pairs."""
    ours: list[Streamed] = []
    theirs: list[Streamed] = []
    for number in range(bench.sizes.streaming_runs):
        bench.say(f"run {number + 1} of {bench.sizes.streaming_runs}")
        ours.append(product(bench, bench.inputs.take(bench.sizes.streaming)))
        bench.say(f"run {number + 1} of {bench.sizes.streaming_runs}, Beam's own source")
        theirs.append(beams_own(bench, bench.inputs.take(bench.sizes.streaming_beam)))
    of_ours = tuple(each.records_per_s for each in ours)
    of_theirs = tuple(each.records_per_s for each in theirs)
    ratios = tuple(mine / beams for mine, beams in zip(of_ours, of_theirs, strict=True))
    yield Figure(_ROW, "streaming / Beam's own source", "ratio", ratios, Target(30, 60))
    yield Figure(_ROW, "streaming, two cores", "events/s", of_ours, Target(15_000, 30_000))
    yield Figure(_ROW, "Beam's own source, DirectRunner", "events/s", of_theirs)
    shares = tuple(each.seen.items / each.seen.requests for each in ours)
    yield Figure(_ROW, "streaming, items a request", "% of allowed", shares, Target(95, 99))


def product(bench: Bench, portion: Portion) -> Streamed:
    """Streams a portion with `python -m pipeline.main`. Raises UnbalancedError."""
    with (
        emulator() as pubsub,
        publisher(pubsub) as publishing,
        accepting() as acceptor,
        running(pubsub, acceptor.url) as program,
    ):
        return streamed(bench, publishing, acceptor, program, portion)


def beams_own(bench: Bench, portion: Portion) -> Streamed:
    """Streams a portion with Beam's own source. Raises UnbalancedError."""
    with emulator() as pubsub, publisher(pubsub) as publishing, accepting() as acceptor:
        words = [sys.executable, "-m", "benchmarks.beam_source", f"--endpoint={acceptor.url}"]
        words.append(f"--directory={bench.directory}")
        program = Program(words, bench.directory / "beam_source.txt", pubsub)
        try:
            return streamed(bench, publishing, acceptor, program, portion, stops=False, warm=100)
        finally:
            program.kill()


def streamed(
    bench: Bench,
    publishing: Publisher,
    acceptor: Acceptor,
    program: Program,
    portion: Portion,
    *,
    stops: bool = True,
    warm: int | None = None,
) -> Streamed:
    """Warms up and streams a portion. `stops`: it ends when asked to. Raises UnbalancedError."""
    warming_up(acceptor, publishing, program, bench.inputs.warm(warm or bench.sizes.warm))
    prepared = list(requests(portion.lines()))
    began = time.time()
    publishing.publish(prepared)
    wait_for(acceptor, portion, program.alive)
    peak_mib = program.peak_mib()
    if stops:
        program.stop()
    else:
        quiet(acceptor)
    seen = balanced(acceptor.seen(), portion)
    return Streamed(portion.records / (seen.accepted_at[-1] - began), seen, peak_mib)


def warming_up(
    acceptor: Acceptor, publishing: Publisher, program: Program, portion: Portion
) -> None:
    """Streams other records to their end, and lets the acceptor forget them."""
    publishing.publish_all(portion)
    wait_for(acceptor, portion, program.alive)
    quiet(acceptor)
    balanced(acceptor.seen(), portion)
    acceptor.reset()
