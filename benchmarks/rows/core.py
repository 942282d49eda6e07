"""Row 1: the graph on one core, beside a bare loop over the same file."""

from collections.abc import Iterator

from benchmarks import floor
from benchmarks.bench import Bench, Delivered, core
from benchmarks.child import in_child
from benchmarks.figures import Figure, Target
from benchmarks.inputs import Portion
from benchmarks.run import Run

_ROW = "core"


def measure(bench: Bench) -> Iterator[Figure]:
    """Records a second of the graph and of the floor, and their ratio by pairs."""
    portion = bench.inputs.take(bench.sizes.core)
    floors: list[Run] = []
    cores: list[Delivered] = []
    for pair in range(bench.sizes.core_pairs):
        bench.say(f"pair {pair + 1} of {bench.sizes.core_pairs}")
        # Now the one first, now the other: what the machine does meanwhile hits both.
        if pair % 2:
            cores.append(core(bench, portion))
        floors.append(bare(bench, portion))
        if not pair % 2:
            cores.append(core(bench, portion))
    of_floor = [portion.records / run.seconds for run in floors]
    of_core = [each.records_per_s for each in cores]
    ratios = tuple(mine / bare for mine, bare in zip(of_core, of_floor, strict=True))
    yield Figure(_ROW, "core / floor, one core", "ratio", ratios, Target(0.6, 0.8))
    yield Figure(_ROW, "core", "events/s", tuple(of_core), Target(60_000, 100_000))
    yield Figure(_ROW, "floor", "events/s", tuple(of_floor))
    cpu = tuple(each.run.cpu_s / portion.records * 1e6 for each in cores)
    yield Figure(_ROW, "core, CPU time of an event", "us", cpu)
    shares = tuple(each.items_share for each in cores)
    yield Figure(_ROW, "core, items a request", "% of allowed", shares, Target(95, 99))


def bare(bench: Bench, portion: Portion) -> Run:
    """The floor over a portion, in a fresh process on one core."""
    warm = bench.inputs.warm(bench.sizes.warm)
    run: Run = in_child(floor.measured, warm, portion, when_warm=lambda _: None)
    return run
