"""What a row of samples says: a straight line through it, its middle, its extremes."""

import math
from collections.abc import Sequence
from typing import NamedTuple


class Line(NamedTuple):
    """A least-squares line."""

    slope: float
    """Rise for each unit of x."""
    error: float
    """Standard error of the slope, from the scatter around the line."""


def line(xs: Sequence[float], ys: Sequence[float]) -> Line:
    """Fits a line. Raises ValueError for fewer than three points, or all at one x."""
    count = len(xs)
    if count < 3 or len(ys) != count:
        raise ValueError(f"a line with an error takes 3 points or more, not {count} and {len(ys)}")
    middle_x, middle_y = sum(xs) / count, sum(ys) / count
    spread = sum((x - middle_x) ** 2 for x in xs)
    if spread == 0:
        raise ValueError("a line needs points at more than one x")
    slope = sum((x - middle_x) * (y - middle_y) for x, y in zip(xs, ys, strict=True)) / spread
    off = sum((y - middle_y - slope * (x - middle_x)) ** 2 for x, y in zip(xs, ys, strict=True))
    return Line(slope, math.sqrt(off / (count - 2) / spread))


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed. Raises ValueError for none."""
    if not values:
        raise ValueError("no values, no quantile")
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def median(values: Sequence[float]) -> float:
    """The value in the middle. Raises ValueError for none."""
    return quantile(values, 0.5)
