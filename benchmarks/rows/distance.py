"""Row 3: the server answers after 100 ms, as one on another continent does."""

from collections.abc import Iterator

from benchmarks.bench import Bench, core
from benchmarks.figures import Figure, Target

DELAY_S = 0.1
_ROW = "distance"


def measure(bench: Bench) -> Iterator[Figure]:
    """Records a second of one process with 16 lanes; 16 x 100 items / 100 ms is the limit."""
    portion = bench.inputs.take(bench.sizes.distance)
    runs = []
    for number in range(bench.sizes.distance_runs):
        bench.say(f"run {number + 1} of {bench.sizes.distance_runs}")
        runs.append(core(bench, portion, DELAY_S))
    rates = tuple(run.records_per_s for run in runs)
    yield Figure(_ROW, "answers after 100 ms", "events/s", rates, Target(12_000, 15_500))
    shares = tuple(run.items_share for run in runs)
    yield Figure(_ROW, "items a request", "% of allowed", shares, Target(95, 99))
