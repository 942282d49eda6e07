"""Tables and timelines that stay small, however many names and hours come by."""

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MOST_NAMES = 2_000
MOST_SPANS = 180


class BoundedTable(Generic[K, V]):
    """A value a key for the first `most` different keys; of the others, how often they came."""

    def __init__(self, make: Callable[[], V], most: int = MOST_NAMES) -> None:
        self._make = make
        self._most = most
        self.rows: dict[K, V] = {}
        self.missed = 0
        """How often a key came for which there was no room any more."""

    def row(self, key: K) -> V | None:
        """The value of a key, made when there is none; None where there is no room for it."""
        found = self.rows.get(key)
        if found is not None:
            return found
        if len(self.rows) >= self._most:
            self.missed += 1
            return None
        made = self.rows[key] = self._make()
        return made


class BoundedCounter(Generic[K]):
    """Counts the first `most` different keys; of the others, how often they came."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self.counts: Counter[K] = Counter()
        self.missed = 0
        """How often a key came for which there was no room any more."""

    def add(self, key: K, amount: int = 1) -> None:
        """Counts a key once more."""
        if key in self.counts or len(self.counts) < self._most:
            self.counts[key] += amount
        else:
            self.missed += amount


class Timeline:
    """How many came in each span of time; spans are doubled when there are too many of them."""

    def __init__(self, most: int = MOST_SPANS, width_s: int = 1) -> None:
        self._most = most
        self._counts: Counter[int] = Counter()
        self.width_s = width_s
        """Seconds of a span; to begin with, how exactly the times are known."""
        self.first_s: float | None = None
        self.last_s: float | None = None

    def add(self, time_s: float, amount: int = 1) -> None:
        """Counts `amount` at a time, Unix seconds."""
        self.first_s = time_s if self.first_s is None else min(self.first_s, time_s)
        self.last_s = time_s if self.last_s is None else max(self.last_s, time_s)
        while int(self.last_s) // self.width_s - int(self.first_s) // self.width_s >= self._most:
            self.width_s *= 2
            halved: Counter[int] = Counter()
            for number, count in self._counts.items():
                halved[number // 2] += count
            self._counts = halved
        self._counts[int(time_s) // self.width_s] += amount

    @property
    def span_s(self) -> float:
        """Seconds from the first to the last."""
        return 0.0 if self.first_s is None or self.last_s is None else self.last_s - self.first_s

    def spans(self) -> list[tuple[int, int]]:
        """Begin of each span (Unix seconds) and how many came in it, empty ones too."""
        if not self._counts:
            return []
        numbers = range(min(self._counts), max(self._counts) + 1)
        return [(number * self.width_s, self._counts[number]) for number in numbers]
