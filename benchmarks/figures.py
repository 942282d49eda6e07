"""What is measured: single values, their median and spread, and what they are held to."""

from collections.abc import Sequence
from math import ceil

from msgspec import Struct


class Target(Struct, frozen=True):
    """What a figure has to reach."""

    at_least: float
    aim: float | None = None
    more_is_better: bool = True

    def met(self, value: float) -> bool:
        """Whether a value is at least as good as it has to be."""
        return _reaches(value, self.at_least, more=self.more_is_better)

    def aimed(self, value: float) -> bool:
        """Whether a value reaches the aim, if there is one."""
        return self.aim is not None and _reaches(value, self.aim, more=self.more_is_better)


def _reaches(value: float, bound: float, *, more: bool) -> bool:
    return value >= bound if more else value <= bound


class Figure(Struct, frozen=True):
    """One line of the table. `values`: one of each repetition, in their order."""

    row: str
    name: str
    unit: str
    values: tuple[float, ...]
    target: Target | None = None
    note: str = ""

    @property
    def median(self) -> float:
        """The value in the middle."""
        return median(self.values)


def median(values: Sequence[float]) -> float:
    """The middle one, or the mean of the middle two. Raises ValueError without any."""
    if not values:
        raise ValueError("there are no values to find the middle of")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` (0 to 1) of the values do not exceed (nearest rank).

    Raises ValueError without values.
    """
    if not values:
        raise ValueError("there are no values to take a percentile of")
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def most_within(times: Sequence[float], window_s: float) -> int:
    """The most moments that any window of this length holds, wherever it begins.

    A window holds its beginning, not its end.
    """
    ordered = sorted(times)
    most = first = 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


def between(times: Sequence[float], begin: float, end: float) -> list[float]:
    """The moments from `begin` to before `end`."""
    return [moment for moment in times if begin <= moment < end]
