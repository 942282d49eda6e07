"""Row 2: from publishing to acceptance through the Pub/Sub protocol, everything on two cores."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from benchmarks.accept import Acceptor, Seen, accepting
from benchmarks.balance import UnbalancedError, balanced, quiet, wait_for
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Target
from benchmarks.inputs import Portion
from benchmarks.program import Program, running, wait_until_settled
from benchmarks.pubsub import Publisher, emulator, publisher, requests

_ROW = "streaming"
_PROCESSES = 2
_WARM_PIECES = 40
_WARM_PAUSE_S = 0.5


class Streamed(NamedTuple):
    """A portion that was streamed."""

    records_per_s: float
    """From the first publish to the last acceptance."""
    seen: Seen
    peak_mib: float
    """Of the pipeline's process, the largest if there are several."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Records a second of the product and of Beam's own source, and their ratio by pairs."""
    ours: list[Streamed] = []
    doubled: list[Streamed] = []
    theirs: list[Streamed] = []
    for number in range(bench.sizes.streaming_runs):
        bench.say(f"run {number + 1} of {bench.sizes.streaming_runs}")
        ours.append(product(bench, bench.inputs.take(bench.sizes.streaming)))
        bench.say(f"run {number + 1} of {bench.sizes.streaming_runs}, two processes")
        doubled.append(
            product(bench, bench.inputs.take(bench.sizes.streaming), processes=_PROCESSES)
        )
        bench.say(f"run {number + 1} of {bench.sizes.streaming_runs}, Beam's own source")
        theirs.append(beams_own(bench, bench.inputs.take(bench.sizes.streaming_beam)))
    of_ours = tuple(each.records_per_s for each in ours)
    of_theirs = tuple(each.records_per_s for each in theirs)
    ratios = tuple(mine / beams for mine, beams in zip(of_ours, of_theirs, strict=True))
    yield Figure(_ROW, "streaming / Beam's own source", "ratio", ratios, Target(30, 60))
    of_both = tuple(each.records_per_s for each in doubled)
    yield Figure(_ROW, "streaming, two processes", "events/s", of_both, Target(15_000, 30_000))
    yield Figure(_ROW, "streaming, one process", "events/s", of_ours)
    yield Figure(_ROW, "Beam's own source, DirectRunner", "events/s", of_theirs)
    for name, runs in (("two processes", doubled), ("one process", ours)):
        shares = tuple(each.seen.items / each.seen.requests for each in runs)
        yield Figure(_ROW, f"{name}, items a request", "% of allowed", shares, Target(95, 99))


def product(bench: Bench, portion: Portion, processes: int = 1) -> Streamed:
    """Streams a portion with `python -m pipeline.main`, so many of them on one subscription.

    Raises UnbalancedError.
    """
    with (
        emulator() as pubsub,
        publisher(pubsub) as publishing,
        accepting() as acceptor,
        ExitStack() as stack,
    ):
        programs = [stack.enter_context(running(pubsub, acceptor.url)) for _ in range(processes)]
        return streamed(bench, publishing, acceptor, programs, portion)


def beams_own(bench: Bench, portion: Portion) -> Streamed:
    """Streams a portion with Beam's own source. Raises UnbalancedError."""
    with emulator() as pubsub, publisher(pubsub) as publishing, accepting() as acceptor:
        words = [sys.executable, "-m", "benchmarks.beam_source", f"--endpoint={acceptor.url}"]
        words.append(f"--directory={bench.directory}")
        program = Program(words, bench.directory / "beam_source.txt", pubsub)
        try:
            return streamed(bench, publishing, acceptor, [program], portion, stops=False, warm=100)
        finally:
            program.kill()


def streamed(
    bench: Bench,
    publishing: Publisher,
    acceptor: Acceptor,
    programs: Sequence[Program],
    portion: Portion,
    *,
    stops: bool = True,
    warm: int | None = None,
) -> Streamed:
    """Warms up and streams a portion. `stops`: they end when asked to. Raises UnbalancedError."""
    warming_up(acceptor, publishing, programs, bench.inputs.warm(warm or bench.sizes.warm))

    def alive() -> None:
        for program in programs:
            program.alive()

    prepared = list(requests(portion.lines()))
    began = time.time()
    publishing.publish(prepared)
    wait_for(acceptor, portion, alive)
    peak_mib = max(program.peak_mib() for program in programs)
    if stops:
        for program in programs:
            program.stop()
    else:
        quiet(acceptor)
    seen = balanced(acceptor.seen(), portion)
    return Streamed(portion.records / (seen.accepted_at[-1] - began), seen, peak_mib)


def warming_up(
    acceptor: Acceptor, publishing: Publisher, programs: Sequence[Program], portion: Portion
) -> None:
    """Streams other records to their end, some of them through each of the programs, and lets the
    acceptor forget them.
    """
    if len(programs) > 1:
        while not all(program.is_up() for program in programs):
            for program in programs:
                program.alive()
            time.sleep(_WARM_PAUSE_S)
    waiting = requests(portion.lines(), portion.records // _WARM_PIECES)
    for piece in waiting:
        publishing.publish([piece])
        if len(programs) == 1 or all(program.received() for program in programs):
            break
        # A program that is up takes all there is: the others need something left when they are.
        time.sleep(_WARM_PAUSE_S)
    publishing.publish(waiting)
    for program in programs:
        wait_for(acceptor, portion, program.alive)
        if len(programs) > 1 and not program.received():
            raise UnbalancedError("one of the programs got nothing of the warm-up")
    # Updates of one person may come twice: all may be there, and one of them be still on its way.
    if all(program.has_ledger for program in programs):
        wait_until_settled(programs, portion.records)
    else:
        quiet(acceptor)
    balanced(acceptor.seen(), portion)
    acceptor.reset()
