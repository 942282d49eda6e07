"""Draws the samples of a run: `python -m tests.endurance.plot samples.csv soak.svg`.

Takes matplotlib, which is in tests/endurance/requirements.txt and not among the locked packages.
The ending of the file's name says the format (svg, png).
"""

import csv
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.endurance.sampler import Sample
from tests.endurance.trend import median

_BLUE, _RED, _GREY = "#2563eb", "#dc2626", "#6b7280"
_RATE_OVER_S = 10.0


def require() -> None:
    """Raises SystemExit, with what to do, when matplotlib is not there."""
    if importlib.util.find_spec("matplotlib") is None:
        sys.exit("a plot takes matplotlib: pip install -r tests/endurance/requirements.txt")


def read(path: Path) -> list[Sample]:
    """The samples of a CSV file."""
    with path.open(newline="") as file:
        kinds = Sample.__annotations__
        return [
            Sample(**{name: kinds[name](value) for name, value in row.items()})
            for row in csv.DictReader(file)
        ]


def draw(samples: Sequence[Sample], path: Path) -> None:
    """Draws memory, threads with sockets, and rates, one above the other."""
    require()
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    # Text as text, not as outlines: small files, and every page's own font.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "soak", "font.size": 9})
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    figure, (memory, counts, rates) = pyplot.subplots(
        3, 1, figsize=(9, 7), sharex=True, height_ratios=(2, 1.2, 1.5), layout="constrained"
    )
    minutes = [sample.at_s / 60 for sample in samples]
    _memory(memory, samples, minutes)
    counts.plot(minutes, [sample.threads for sample in samples], color=_BLUE, label="threads")
    counts.plot(minutes, [sample.sockets for sample in samples], color=_RED, label="open sockets")
    counts.set_ylim(bottom=0)
    _rates(rates, samples)
    rates.set_xlabel("minutes")
    for axes in (memory, counts, rates):
        axes.grid(color="#e5e7eb", linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 0.97), frameon=False, ncols=4, borderaxespad=0
        )
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)
    pyplot.close(figure)


def _memory(axes: Any, samples: Sequence[Sample], minutes: Sequence[float]) -> None:
    axes.plot(
        minutes,
        [sample.rss_mib for sample in samples],
        color=_BLUE,
        linewidth=0.9,
        label="resident memory, MiB",
    )
    steady = [sample.rss_mib for sample in samples if sample.phase == "steady"]
    if steady:
        level = median(steady)
        axes.axhline(level, color=_GREY, linewidth=0.8, linestyle="--", label=f"median {level:.0f}")
    axes.set_ylim(bottom=0)


def _rates(axes: Any, samples: Sequence[Sample]) -> None:
    for name, color in (("published", _GREY), ("settled", _BLUE)):
        at, rate = _rate(samples, name)
        axes.plot(at, rate, color=color, linewidth=0.9, label=f"records/s {name}")
    axes.plot(
        [sample.at_s / 60 for sample in samples],
        [sample.outstanding + sample.undelivered for sample in samples],
        color=_RED,
        linewidth=0.7,
        label="messages not acknowledged",
    )
    axes.set_ylim(bottom=0)


def _rate(samples: Sequence[Sample], name: str) -> tuple[list[float], list[float]]:
    """Change a second of a total, over ten seconds each; times in minutes."""
    at, rates, begin = [], [], samples[0]
    for sample in samples:
        passed = sample.at_s - begin.at_s
        if passed >= _RATE_OVER_S:
            at.append(sample.at_s / 60)
            rates.append((getattr(sample, name) - getattr(begin, name)) / passed)
            begin = sample
    return at, rates


if __name__ == "__main__":
    draw(read(Path(sys.argv[1])), Path(sys.argv[2]))
