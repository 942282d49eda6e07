"""Plots as SVG within the page. Every figure that is drawn can be read as text, too."""

from typing import Final
from xml.etree.ElementTree import Element

from pipeline.dryrun.document import Bar, Plot, Stack
from pipeline.dryrun.facts import moment
from pipeline.dryrun.numbers import share, whole
from pipeline.dryrun.tree import element, text

_WIDTH: Final = 720
_HEIGHT: Final = 120
_NICE: Final = (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10)


def meter(bar: Bar) -> Element:
    """A bar for a table's cell; what it says stands beside it."""
    svg = element("svg", viewBox="0 0 100 8", class_=f"meter {bar.tone.value}")
    svg.set("preserveAspectRatio", "none")
    svg.set("aria-hidden", "true")
    element("rect", svg, class_="track", width="100", height="8", rx="2")
    width = max(1.0, 100 * bar.share) if bar.share else 0.0
    element("rect", svg, class_="value", width=f"{width:.1f}", height="8", rx="2")
    return svg


def stack(stack: Stack) -> Element:
    """A whole in parts, with a legend."""
    made = element("figure", class_="stack")
    text("figcaption", stack.title, made)
    total = sum(part.records for part in stack.parts)
    svg = element("svg", made, viewBox="0 0 1000 24", role="img")
    svg.set("preserveAspectRatio", "none")
    svg.set("aria-label", ", ".join(f"{whole(p.records)} {p.label}" for p in stack.parts))
    at = 0.0
    for part in stack.parts:
        width = 1000 * part.records / total if total else 0.0
        if width:
            element(
                "rect",
                svg,
                class_=f"value {part.tone.value}",
                x=f"{at:.2f}",
                width=f"{max(width, 2.0):.2f}",
                height="24",
            )
        at += width
    legend = element("ul", made, class_="legend")
    for part in stack.parts:
        item = element("li", legend, class_=part.tone.value)
        text("b", share(part.records, total), item)
        text("span", f"{part.label} ({whole(part.records)})", item)
    return made


def bars(plot: Plot) -> Element:
    """Records over time."""
    made = element("figure", class_="plot")
    text("figcaption", plot.title, made)
    first, last = plot.spans[0][0], plot.spans[-1][0] + plot.width_s
    most = max(count for _begin, count in plot.spans)
    top = _round_up(most)
    chart = element("div", made, class_="chart")
    axis = element("div", chart, class_="axis")
    text("span", whole(top), axis)
    text("span", "0", axis)
    svg = element("svg", chart, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img")
    svg.set("preserveAspectRatio", "none")
    svg.set("aria-label", f"{plot.title}: at most {whole(most)} in a bar")
    for height in (0, _HEIGHT / 2):
        line = element("line", svg, class_="grid", x1="0", x2=str(_WIDTH))
        line.attrib |= {"y1": f"{height:.0f}", "y2": f"{height:.0f}"}
    step = _WIDTH / len(plot.spans)
    for index, (begin, count) in enumerate(plot.spans):
        if not count:
            continue
        height = max(_HEIGHT * count / top, 1.0)
        bar = element(
            "rect",
            svg,
            class_="value plain",
            x=f"{index * step:.2f}",
            y=f"{_HEIGHT - height:.2f}",
            width=f"{step * 0.86:.2f}",
            height=f"{height:.2f}",
        )
        text("title", f"{moment(begin)}: {whole(count)}", bar)
    ends = element("div", made, class_="ends")
    text("span", moment(first), ends)
    text("span", moment(last), ends)
    text("p", plot.note, made, class_="note")
    return made


def _round_up(number: int) -> int:
    """The next number that is easy to read: 1, 2, 15, 25, 600, ..."""
    power = 10 ** (len(str(number)) - 1)
    return next(
        int(n * power) for n in _NICE if n * power >= number and n * power == int(n * power)
    )
