"""Customer.io is away for a while, records keep coming, and then it is back.

    python -m tests.endurance.outage --minutes 10               # in real time
    python -m tests.endurance.outage --compressed 60            # an hour, in a few minutes

Real time: the program as it is, with the default settings. Customer.io's stand-in is away in one
of four ways (`--mode`, see `away.AWAY`; `all` one after the other) for so many minutes.

Compressed by F: one hour. Divided by F are `retry_for_s` and `request_timeout_s` (120 s and 10 s),
the pauses between the attempts of a request (0.25 to 30 s), the longest pause between generations
(30 s), the time between extensions of leases (5 s; 0.08 s at the least) and the minute in which an
alarm is logged once; see `hurried`. So a bundle makes about as many attempts before it fails, and
each failure is followed by a pause of the right proportion (the first six pauses of an outage grow
from 0.5 s on, and are longer than that). The outage lasts until as many bundles have failed as
would fail in an hour; building and ending a generation takes CPU time, which nothing can divide, so
that is more than 3600 / F seconds. The broker's clock runs four times as fast: a lease of 60 s ends
after 15 s. Not compressed: the rate of the records, so the backlog is that of minutes and not of an
hour, and the timers of the operating system, of gRPC and of Beam.

It proves what depends on the number of failures, attempts, generations and extensions: that
none of them keeps memory, threads or sockets, takes a message twice or loses one. It does not prove
what depends on the time itself or on the size of the backlog; the real-time run does.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from tests.endurance import delivered
from tests.endurance.away import AWAY
from tests.endurance.outage_plan import Plan, failures, failures_in
from tests.endurance.outage_report import report
from tests.endurance.sampler import Sampler
from tests.endurance.subject import Subject, WorldProcess
from tests.endurance.world import Order

_HOUR_S = 3_600.0
_DRAIN_S = 900.0
_LOOK_EVERY_S = 0.25
_SETTINGS = {"events": {"event_properties": "all"}}


def measure(plan: Plan, directory: Path, console: Console) -> bool:
    """Carries a plan out in a directory; True when everything was as it should be."""
    with closing(WorldProcess(f"--hurry={plan.hurry}")) as world:
        arguments = ["-m", "pipeline.main"]
        if plan.factor != 1:
            arguments = ["-m", "tests.endurance.hurried", str(plan.factor)]
        subject = Subject(directory, _SETTINGS, world.addresses, arguments)
        try:
            sampler = _observe(plan, world, subject, directory)
            code = subject.stop()
            state = world.state()
        finally:
            subject.stop()
    checks = delivered.checks(state, subject.ledger)
    return report(plan, sampler.samples, state, code, checks, subject.log, console)


def _observe(plan: Plan, world: WorldProcess, subject: Subject, directory: Path) -> Sampler:
    """From the start until everything is delivered."""

    def settled() -> bool:
        stats = world.state().broker
        return stats["undelivered"] == 0 and stats["outstanding"] <= max(100.0, 3 * plan.rate)

    def empty() -> bool:
        stats = world.state().broker
        return stats["undelivered"] + stats["outstanding"] == 0

    samples = directory / "samples.csv"
    with Sampler(subject.pid, subject.ledger, subject.log, world.state, samples) as sampler:
        sampler.phase = "warm"
        world.tell(Order(publish=plan.burst, rate=plan.rate))
        time.sleep(plan.warm_s)
        _wait(settled, subject, _DRAIN_S)
        sampler.phase = "before"
        time.sleep(plan.beside_s)
        sampler.phase = "away"
        world.tell(Order(away=plan.mode))
        time.sleep(plan.away_s)
        _wait(lambda: failures(subject.log) >= plan.failures, subject, _DRAIN_S)
        sampler.phase = "back"
        world.tell(Order(back=True))
        _wait(settled, subject, _DRAIN_S)
        sampler.phase = "after"
        time.sleep(plan.beside_s)
        sampler.phase = "end"
        world.tell(Order(rate=0))
        _wait(empty, subject, _DRAIN_S)
    return sampler


def _wait(done: Callable[[], bool], subject: Subject, at_most_s: float) -> None:
    give_up = time.monotonic() + at_most_s
    while not done():
        if subject.poll() is not None or time.monotonic() > give_up:
            raise RuntimeError(f"it does not come to an end; see {subject.log}")
        time.sleep(_LOOK_EVERY_S)


def plan_for(given: argparse.Namespace, mode: str) -> Plan:
    """The plan that the command line asks for."""
    if given.compressed:
        return Plan(
            mode=mode,
            rate=given.rate or 20.0,
            burst=5_000,
            warm_s=20.0,
            beside_s=60.0,
            failures=failures_in(_HOUR_S),
            factor=given.compressed,
            hurry=4.0,
        )
    return Plan(
        mode=mode,
        rate=given.rate or 100.0,
        burst=30_000,
        warm_s=60.0,
        beside_s=90.0,
        away_s=given.minutes * 60,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; 0 when everything was as it should be."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.endurance.outage",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--minutes", type=float, help="an outage of so many minutes")
    how.add_argument("--compressed", type=float, metavar="F", help="an hour, F times as fast")
    parser.add_argument("--mode", choices=[*AWAY, "all"], default="refuse")
    parser.add_argument("--rate", type=float, help="records a second (100; compressed: 20)")
    parser.add_argument("--out", type=Path, help="directory for log, ledger and samples")
    given = parser.parse_args(arguments)
    # So that the processes that were started end too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    console = Console(width=110)
    out = given.out or Path(tempfile.mkdtemp(prefix="outage-"))
    held = [
        measure(plan_for(given, mode), out / mode, console)
        for mode in (AWAY if given.mode == "all" else [given.mode])
    ]
    console.print(f"Log, ledger and samples: {out}")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
