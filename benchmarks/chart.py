"""A drawing of a run: what was reached of each target, latency by rate, and growth.

Takes matplotlib, which is in benchmarks/requirements.txt and not among the locked packages. The
ending of the file's name says the format (svg, png).
"""

import importlib
import importlib.util
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure
from benchmarks.report import number, verdict

_GREEN, _RED, _BLUE, _GREY = "#16a34a", "#dc2626", "#2563eb", "#6b7280"
_MOST = 3.0
"""The scale's end: what is so many times as good as it has to be is good enough."""
_LATENCY = re.compile(r"(\d+) records/s, (p\d+)")
_TIME = re.compile(r"([\d,]+) records, time of an event")


def require() -> None:
    """Raises SystemExit, with what to do, when matplotlib is not there."""
    if importlib.util.find_spec("matplotlib") is None:
        sys.exit("a plot takes matplotlib: pip install -r benchmarks/requirements.txt")


def goodness(figure: Figure, value: float) -> float:
    """A value as a multiple of what it has to reach: 1 is just enough, more is better.

    Raises ValueError for a figure without a target.
    """
    if figure.target is None:
        raise ValueError(f"{figure.name} has no target")
    if figure.target.more_is_better:
        return value / figure.target.at_least
    # Nothing can be better than nothing: what is zero or below counts as a tenth of the bound.
    return figure.target.at_least / max(value, figure.target.at_least / 10)


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Draws three panels, each of what there is."""
    require()
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("Agg")
    # Text as text, not as outlines: small files, and every page's own font.
    matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.size": 9})
    pyplot: Any = importlib.import_module("matplotlib.pyplot")
    judged = [figure for figure in figures if figure.target is not None]
    figure, (targets, latency, growth) = pyplot.subplots(
        3,
        1,
        figsize=(9, 4.5 + 0.3 * len(judged)),
        height_ratios=(max(1.0, 0.15 * len(judged)), 1, 0.8),
        layout="constrained",
    )
    _targets(targets, judged)
    _latency(latency, figures)
    _growth(growth, figures)
    for axes in (targets, latency, growth):
        axes.grid(color="#e5e7eb", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)
    pyplot.close(figure)


def _targets(axes: Any, judged: Sequence[Figure]) -> None:
    """A bar a target, its length the multiple of what it has to reach."""
    for place, each in enumerate(reversed(judged)):
        assert each.target is not None
        reached = sorted(goodness(each, value) for value in each.values)
        middle = min(_MOST, goodness(each, each.median))
        colour = _RED if verdict(each) == "no" else _GREEN
        axes.barh(place, middle, color=colour, height=0.6)
        if middle < _MOST:
            axes.plot([reached[0], reached[-1]], [place, place], color="black", linewidth=1)
        if each.target.aim is not None:
            aim = goodness(each, each.target.aim)
            axes.plot([aim, aim], [place - 0.4, place + 0.4], color=_BLUE, linewidth=2)
        axes.text(_MOST * 1.02, place, number(each.median, each.unit), va="center")
    axes.set_yticks(range(len(judged)), [f"{each.row}: {each.name}" for each in reversed(judged)])
    axes.axvline(1.0, color="black", linewidth=1)
    axes.set_xlim(0, _MOST)
    axes.set_xlabel(f"multiple of what has to be reached, up to {_MOST:g}; blue: the aim")


def _from_zero(axes: Any) -> None:
    axes.set_ylim(0, axes.get_ylim()[1] * 1.15)


def _latency(axes: Any, figures: Iterable[Figure]) -> None:
    lines: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    for figure in figures:
        found = _LATENCY.fullmatch(figure.name)
        if found:
            lines[found[2]].append((int(found[1]), figure.median * 1000))
    for (name, points), colour in zip(lines.items(), (_GREY, _BLUE, _RED), strict=False):
        axes.plot(*zip(*points, strict=True), marker="o", color=colour, label=name)
    axes.set_xscale("log")
    _from_zero(axes)
    axes.set_xlabel("records a second")
    axes.set_ylabel("ms, publish to accepted")
    if lines:
        axes.legend(frameon=False, ncols=3, loc="upper left")


def _growth(axes: Any, figures: Iterable[Figure]) -> None:
    points = [
        (int(found[1].replace(",", "")), figure.median)
        for figure in figures
        if (found := _TIME.fullmatch(figure.name))
    ]
    if points:
        axes.plot(*zip(*points, strict=True), marker="o", color=_BLUE)
    axes.set_xscale("log")
    _from_zero(axes)
    axes.set_xlabel("records")
    axes.set_ylabel("us an event, one core")
