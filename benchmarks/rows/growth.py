"""Row 5: what becomes of time and memory when there is more of everything."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence

from benchmarks.accept import accepting
from benchmarks.balance import balanced, wait_for
from benchmarks.bench import Bench, Delivered, core
from benchmarks.figures import Figure, Target, median
from benchmarks.machine import memory_kib
from benchmarks.program import running
from benchmarks.pubsub import emulator, publisher
from benchmarks.records import USUAL_BYTES, Shape

_ROW = "growth"
_LARGE, _SMALL = 1_000_000, 100_000
"""The two counts that are compared."""
_TARGET = Target(1.1, 1.0, more_is_better=False)
_HOT = 0.1
_KIB_A_WAITING_RECORD = 5
"""In the emulator, which holds a backlog in memory, and in the file of the input."""


def measure(bench: Bench) -> Iterator[Figure]:
    """Time and memory by the number of records, and rates by what the records are like."""
    runs: defaultdict[int, list[Delivered]] = defaultdict(list)
    yield from _by_count(bench, runs)
    yield from _by_backlog(bench)
    yield from _by_shape(bench, runs[bench.sizes.growth_usual])


def _by_count(bench: Bench, runs: defaultdict[int, list[Delivered]]) -> Iterator[Figure]:
    for number in range(bench.sizes.growth_runs):
        for count in bench.sizes.growth:
            bench.say(f"run {number + 1} of {bench.sizes.growth_runs}, {count:,} records")
            runs[count].append(core(bench, bench.inputs.take(count)))
    times = {count: tuple(1e6 / each.records_per_s for each in runs[count]) for count in runs}
    peaks = {count: tuple(each.run.peak_mib for each in runs[count]) for count in runs}
    for count in runs:
        yield Figure(_ROW, f"{count:,} records, time of an event", "us", times[count])
    for count in runs:
        yield Figure(_ROW, f"{count:,} records, peak memory", "MiB", peaks[count])
    if _LARGE in runs:
        yield Figure(_ROW, "time of an event, 10^6 / 10^5", "ratio", _ratios(times), _TARGET)
        yield Figure(_ROW, "peak memory, 10^6 / 10^5", "ratio", _ratios(peaks), _TARGET)


def _ratios(values: dict[int, tuple[float, ...]]) -> tuple[float, ...]:
    pairs = zip(values[_LARGE], values[_SMALL], strict=True)
    return tuple(large / small for large, small in pairs)


def _by_backlog(bench: Bench) -> Iterator[Figure]:
    peaks: dict[int, float] = {}
    for count in bench.sizes.growth_backlogs:
        name = f"{count:,} waiting in Pub/Sub"
        free = memory_kib("MemAvailable")
        if 0 < free < count * _KIB_A_WAITING_RECORD:
            bench.say(f"{name}: left out, {free // 1024:,} MiB of memory are not enough")
            continue
        bench.say(name)
        rate, peaks[count] = _backlog(bench, count)
        yield Figure(
            _ROW, f"{name}, streaming", "events/s", (rate,), note="from the first request on"
        )
        yield Figure(_ROW, f"{name}, peak memory", "MiB", (peaks[count],))
    if _LARGE in peaks and _SMALL in peaks:
        ratio = peaks[_LARGE] / peaks[_SMALL]
        yield Figure(_ROW, "peak memory, backlog 10^6 / 10^5", "ratio", (ratio,), _TARGET)


def _backlog(bench: Bench, count: int) -> tuple[float, float]:
    """Records a second, and peak memory in MiB, of a program that finds a backlog."""
    portion = bench.inputs.take(count)
    with emulator() as pubsub, publisher(pubsub) as publishing, accepting() as acceptor:
        publishing.publish_all(portion)
        began = time.time()
        with running(pubsub, acceptor.url) as program:
            wait_for(acceptor, portion, program.alive)
            peak_mib = program.peak_mib()
            program.stop()
        seen = balanced(acceptor.seen(), portion)
    return count / (seen.accepted_at[-1] - began), peak_mib


def _by_shape(bench: Bench, usual: Sequence[Delivered]) -> Iterator[Figure]:
    """`usual`: runs with the records that all rows take."""
    even = tuple(each.records_per_s for each in usual)
    bench.say("one hot person")
    portion = bench.inputs.take(bench.sizes.growth_usual, Shape(seed=3, hot=_HOT))
    uneven = core(bench, portion).records_per_s
    yield Figure(_ROW, "one person in 10 % of all records", "events/s", (uneven,))
    yield Figure(_ROW, "one person in 10 %, against evenly", "ratio", (uneven / median(even),))
    yield _of_size(USUAL_BYTES, usual)
    for size, count in bench.sizes.growth_bytes.items():
        bench.say(f"records of {size:,} bytes")
        portion = bench.inputs.take(count, Shape(seed=4, size=size))
        yield _of_size(size, [core(bench, portion)])


def _of_size(size: int, runs: Sequence[Delivered]) -> Figure:
    portion, seen = runs[0].portion, runs[0].seen
    mean_bytes = sum(map(len, portion.lines())) / portion.records
    rates = tuple(each.records_per_s for each in runs)
    note = (
        f"{median(rates) * mean_bytes / 1e6:.0f} MB/s, "
        f"{seen.items / seen.requests:.1f} items a request, "
        f"peak {runs[0].run.peak_mib:.0f} MiB"
    )
    return Figure(_ROW, f"records of {size:,} bytes", "events/s", rates, note=note)
