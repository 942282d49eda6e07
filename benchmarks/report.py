"""Figures as text: a table for the terminal, the same one for a page, JSON with all values."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from rich.table import Table

from benchmarks.figures import Figure, Target
from benchmarks.machine import Machine

_BLOCK = re.compile(r"(<!-- measured -->\n).*?(<!-- end -->)", re.DOTALL)
_HEAD = ("row", "what", "median", "lowest … highest", "at least", "aim", "met")
_MET, _MISSED, _AIMED = "yes", "no", "aim"


class Result(Struct, frozen=True):
    """A run of the command."""

    machine: Machine
    began_at: str
    """ISO 8601, UTC."""
    seconds: float
    quick: bool
    figures: list[Figure]
    failed: dict[str, str]
    """Row -> why it has no figures."""


def number(value: float, unit: str) -> str:
    """A value with as many digits as mean something, and its unit where that is short."""
    if unit in ("events/s", "MiB", "requests"):
        return f"{value:,.0f}"
    if unit == "ratio":
        return f"{value:.2f}" if value < 10 else f"{value:,.0f}"
    if unit == "s":
        return f"{value * 1000:,.0f} ms" if value < 1 else f"{value:.2f} s"
    if unit == "us":
        return f"{value:.1f} us"
    return f"{value:.1f} %"


def verdict(figure: Figure) -> str:
    """Whether the median reaches what it has to, or even the aim; empty without a target."""
    if figure.target is None:
        return ""
    if figure.target.aimed(figure.median):
        return _AIMED
    return _MET if figure.target.met(figure.median) else _MISSED


def _bound(target: Target | None, value: float | None, unit: str) -> str:
    if target is None or value is None:
        return ""
    return f"{'≥' if target.more_is_better else '≤'} {number(value, unit)}"


def lines(figures: Sequence[Figure]) -> Iterator[tuple[str, ...]]:
    """The cells of the table, a line a figure."""
    for figure in figures:
        unit, target = figure.unit, figure.target
        spread = f"{number(min(figure.values), unit)} … {number(max(figure.values), unit)}"
        suffix = {"events/s": ", events/s", "MiB": ", MiB"}.get(unit, "")
        yield (
            figure.row,
            f"{figure.name}{suffix}" + (f" ({figure.note})" if figure.note else ""),
            number(figure.median, unit),
            spread if len(figure.values) > 1 else "",
            _bound(target, target.at_least if target else None, unit),
            _bound(target, target.aim if target else None, unit),
            verdict(figure),
        )


def table(figures: Sequence[Figure]) -> Table:
    """The table for a terminal."""
    rows = Table(title=None, header_style="bold")
    for index, name in enumerate(_HEAD):
        rows.add_column(name, justify="left" if index < 2 else "right")
    colours = {_MISSED: "red", _MET: "green", _AIMED: "bold green"}
    before = ""
    for cells in lines(figures):
        if before and cells[0] != before:
            rows.add_section()
        name = "" if cells[0] == before else cells[0]
        before = cells[0]
        colour = colours.get(cells[-1])
        last = f"[{colour}]{cells[-1]}[/]" if colour else cells[-1]
        rows.add_row(name, *cells[1:-1], last)
    return rows


def markdown(result: Result) -> str:
    """The table for a page, and what it was measured on."""
    kind = "quick run" if result.quick else "run"
    text = [f"One {kind} of {result.seconds / 60:.0f} minutes, {result.began_at[:10]}: "]
    text[0] += f"{result.machine.line()}."
    text += ["", f"| {' | '.join(_HEAD)} |", "| --- | --- | ---: | ---: | ---: | ---: | --- |"]
    text += [f"| {' | '.join(cells)} |" for cells in lines(result.figures)]
    text += [f"| {row} | failed | | | | | |" for row in result.failed]
    return "\n".join(text)


def into_page(page: str, result: Result) -> str:
    """A page with its measured block filled. Raises ValueError when it has none."""
    filled, count = _BLOCK.subn(lambda found: f"{found[1]}{markdown(result)}\n{found[2]}", page)
    if count != 1:
        raise ValueError("the page needs one block: <!-- measured --> … <!-- end -->")
    return filled


def to_json(result: Result) -> bytes:
    """Everything, with all single values and what the table says of them."""
    content: dict[str, Any] = msgspec.to_builtins(result)
    content["figures"] = [
        {**each, "median": figure.median, "met": _truth(figure)}
        for each, figure in zip(content["figures"], result.figures, strict=True)
    ]
    return msgspec.json.format(msgspec.json.encode(content))


def _truth(figure: Figure) -> bool | None:
    return None if figure.target is None else figure.target.met(figure.median)
