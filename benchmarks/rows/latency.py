"""Row 4: how long an event takes from being published to being accepted, at four rates."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from benchmarks import open_loop
from benchmarks.accept import Acceptor, Seen, accepting
from benchmarks.balance import balanced, wait_for
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Target, percentile
from benchmarks.inputs import STEP, Portion
from benchmarks.open_loop import Schedule
from benchmarks.program import Program, running, wait_until_settled
from benchmarks.pubsub import Publisher, emulator, publisher
from benchmarks.records import USER_UPDATE, Shape, time_ms
from benchmarks.rows.streaming import warming_up
from transforms.ulid import event_ulid

_ROW = "latency"
_SHARES = {"p50": 0.50, "p95": 0.95, "p99": 0.99}
_JUDGED = (400, "p95")
_TARGET = Target(1.0, 0.25, more_is_better=False)


def measure(bench: Bench) -> Iterator[Figure]:
    """Percentiles of the latency in seconds, at each rate, in one life of the program."""
    warm = bench.inputs.warm(bench.sizes.warm)
    with (
        emulator() as pubsub,
        publisher(pubsub) as publishing,
        accepting(arrivals=True) as acceptor,
        running(pubsub, acceptor.url) as program,
    ):
        warming_up(acceptor, publishing, [program], warm)
        records = warm.records
        for rate in bench.sizes.latency_rates:
            bench.say(f"{rate} records/s for {bench.sizes.latency_s:g} s")
            count = max(STEP, int(rate * bench.sizes.latency_s) // STEP * STEP)
            records += count
            portion = bench.inputs.take(count, Shape(seed=10 + rate))
            schedule, seen = _at_rate(rate, portion, publishing, acceptor, program, records)
            yield from _figures(rate, portion, schedule, seen)
        program.stop()


def _at_rate(
    rate: int,
    portion: Portion,
    publishing: Publisher,
    acceptor: Acceptor,
    program: Program,
    records: int,
) -> tuple[Schedule, Seen]:
    """Publishes a portion. `records`: what the program is done with then, since its start."""
    lines = [line.rstrip() for line in portion.lines()]
    schedule = open_loop.publish(publishing, lines, rate)
    wait_for(acceptor, portion, program.alive)
    wait_until_settled([program], records)
    seen = balanced(acceptor.seen(), portion)
    acceptor.reset()
    return schedule, seen


def _figures(rate: int, portion: Portion, schedule: Schedule, seen: Seen) -> Iterator[Figure]:
    lines = [line.rstrip() for line in portion.lines()]
    waits = latencies(lines, schedule.due_at, seen.arrivals)
    note = f"{len(waits)} events; the publisher was at most {schedule.latest_s * 1000:.0f} ms late"
    for name, share in _SHARES.items():
        target = _TARGET if (rate, name) == _JUDGED else None
        label = f"{rate} records/s, {name}"
        yield Figure(_ROW, label, "s", (percentile(waits, share),), target, note)
        note = ""


def latencies(
    lines: Sequence[bytes], due_at: Sequence[float], arrivals: Mapping[str, float]
) -> list[float]:
    """Seconds from when each event was due to when it was accepted, in the events' order.

    The records have to be the first ones of a shape. Raises KeyError for an event that is missing.
    """
    waits = []
    for serial, (line, due) in enumerate(zip(lines, due_at, strict=True)):
        fields = msgspec.json.decode(line)
        if fields["event_type"] != USER_UPDATE:
            waits.append(arrivals[event_ulid(fields, time_ms(serial))] - due)
    return waits
