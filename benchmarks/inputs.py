"""Files of records that rows share: made before anything is timed, and longer when a row asks."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from msgspec import Struct

from benchmarks.records import Made, Shape, records

STEP = 5
"""A portion holds a multiple of so many records."""


class Portion(Struct, frozen=True):
    """The first records of a file, and what has to arrive of them."""

    path: Path
    records: int
    events: int
    people: int
    """Different people with a user update."""

    def lines(self) -> Iterator[bytes]:
        """The records, each with its line's end."""
        with self.path.open("rb") as file:
            yield from islice(file, self.records)


class _Growing:
    """A file of one shape that is written as far as it is needed."""

    def __init__(self, path: Path, shape: Shape) -> None:
        self._path = path
        self._records: Iterator[Made] = records(shape)
        self._events = 0
        self._people: set[int] = set()
        self._marks: list[tuple[int, int]] = [(0, 0)]
        """Events and people in the first STEP records, the first two STEP, …"""

    def portion(self, count: int) -> Portion:
        steps = count // STEP
        with self._path.open("ab") as file:
            while len(self._marks) <= steps:
                made = list(islice(self._records, STEP))
                file.writelines(each.line + b"\n" for each in made)
                self._events += sum(each.event for each in made)
                self._people.update(each.person for each in made if not each.event)
                self._marks.append((self._events, len(self._people)))
        events, people = self._marks[steps]
        return Portion(self._path, count, events, people)


class Inputs:
    """Makes the files in a directory, one a shape."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[Shape, _Growing] = {}

    def take(self, count: int, shape: Shape | None = None) -> Portion:
        """The first `count` records of a shape, the usual one by default.

        Raises ValueError when `count` is no multiple of STEP.
        """
        if count <= 0 or count % STEP:
            raise ValueError(f"{count} records asked for; it has to be a multiple of {STEP}")
        shape = shape or Shape()
        if shape not in self._files:
            path = self._directory / f"records-{len(self._files)}.ndjson"
            self._files[shape] = _Growing(path, shape)
        return self._files[shape].portion(count)

    def warm(self, count: int) -> Portion:
        """Other records, to warm up with."""
        return self.take(count, Shape(seed=2))
