"""A steady stream with faults in it, for long enough to see what grows.

    python -m tests.endurance.soak --minutes 30 --rate 1000 --plot soak.svg

The program runs as it is, with the default settings but for `events.event_properties: all` and
`users.user_properties: all`. One record in a hundred comes from the catalogue of trouble (all but
the message of 64 MiB), and one request in a hundred gets a fault (see `world.FAULTS`). Pub/Sub,
the stand-in of Customer.io and the publisher are another process, which is not measured.

A curve is flat when its least-squares line, drawn through the samples after the warm-up (the first
tenth of the run, at least half a minute), rises by less than a share of its level from end to end:
5 % for resident memory, 2 % for open sockets and for threads. Memory goes up and down with the
generations of the pipeline, each of some hundred bundles; the line goes through many of them.

The plot takes matplotlib: `pip install -r tests/endurance/requirements.txt`. Samples are a CSV
file; `python -m tests.endurance.plot samples.csv soak.svg` draws it again.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from tests.endurance import delivered, plot
from tests.endurance.sampler import Sample, Sampler
from tests.endurance.soak_report import report
from tests.endurance.subject import Subject, WorldProcess
from tests.endurance.world import Order, State

_SETTINGS = {"events": {"event_properties": "all"}, "users": {"user_properties": "all"}}
_WARM_SHARE, _SHORTEST_WARM_S = 0.1, 30.0
_SETTLE_S = 600.0
_FIRST_REQUESTS = 100


def run(
    directory: Path, seconds: float, rate: float, fault_share: float, warm_s: float
) -> tuple[list[Sample], State, Subject]:
    """Streams for so many seconds and ends; the samples and how everything was at the end.

    The seconds run from the first hundred requests on.

    `rate`: records a second. `fault_share`: of the records, 0 to 1; 0 also stops faulty answers.
    """
    with closing(WorldProcess(f"--trouble={fault_share}")) as world:
        subject = Subject(directory, _SETTINGS, world.addresses)
        samples = directory / "samples.csv"
        try:
            with Sampler(subject.pid, subject.ledger, subject.log, world.state, samples) as sampler:
                sampler.phase = "warm"
                world.tell(Order(rate=rate, faults=fault_share > 0))
                _start(world, subject)
                _sleep(warm_s, subject)
                sampler.phase = "steady"
                _sleep(seconds - warm_s, subject)
                sampler.phase = "end"
                world.tell(Order(rate=0))
                _settle(world)
            subject.stop()
            return sampler.samples, world.state(), subject
        finally:
            subject.stop()


def _sleep(seconds: float, subject: Subject) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if subject.poll() is not None:
            raise RuntimeError(f"it has ended early; see {subject.log}")
        time.sleep(0.5)


def _start(world: WorldProcess, subject: Subject) -> None:
    """Waits until every lane has had something to do, most likely."""
    until = time.monotonic() + _SETTLE_S
    while time.monotonic() < until and world.state().customerio["requests"] < _FIRST_REQUESTS:
        _sleep(0.25, subject)


def _settle(world: WorldProcess) -> None:
    """Waits until nothing is left to deliver."""
    until = time.monotonic() + _SETTLE_S
    while time.monotonic() < until:
        stats = world.state().broker
        if stats["undelivered"] + stats["outstanding"] == 0:
            return
        time.sleep(0.25)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; 0 when all is flat and nothing is lost."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.endurance.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--rate", type=float, default=1_000, help="records a second")
    parser.add_argument("--faults", type=float, default=0.01, help="their share (0.01)")
    parser.add_argument("--plot", type=Path, help="draw the samples into this SVG")
    parser.add_argument("--out", type=Path, help="directory for log, ledger and samples")
    given = parser.parse_args(arguments)
    # So that the processes that were started end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if given.plot:
        plot.require()
    out = given.out or Path(tempfile.mkdtemp(prefix="soak-"))
    seconds = given.minutes * 60
    warm_s = max(_SHORTEST_WARM_S, seconds * _WARM_SHARE)
    samples, state, subject = run(out, seconds, given.rate, given.faults, warm_s)
    steady = [sample for sample in samples if sample.phase == "steady"]
    checks = delivered.checks(state, subject.ledger)
    held = report(steady, state, given.rate, checks, Console(width=110))
    if given.plot:
        plot.draw(samples, given.plot)
    print(f"Log, ledger and samples: {out}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
