"""The journal of a person's memory: the newest updates, in the order of their times."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from transforms.memory import places
from transforms.memory.operators import apply_to
from transforms.memory.places import KEY_BYTES, PLACE_BYTES
from transforms.records import Json

_to_json: Callable[[Any], bytes] = msgspec.json.encode
_from_json: Callable[[bytes], Json] = msgspec.json.decode


class Entry(NamedTuple):
    """One update of the journal."""

    place: bytes
    operations: Json


class Journal(Struct, frozen=True):
    """Updates, each of which is still found in its place. Their operations are read when needed."""

    places: bytes = b""
    operations: tuple[bytes, ...] = ()
    """As JSON."""

    @property
    def last(self) -> bytes:
        """The place of the newest update; empty: there is none."""
        return self.places[-PLACE_BYTES:]

    def with_update(self, place: bytes, operations: Json) -> tuple["Journal", int]:
        """The journal with one more update, and how many come before it."""
        before = self.operations
        at = places.position(self.places, place)
        return (
            Journal(
                places.insert(self.places, place, at),
                (*before[:at], _to_json(operations), *before[at:]),
            ),
            at,
        )

    def apply_to(self, values: Json, watched: int = -1) -> int:
        """Applies all updates, in place; how many operations of one of them were refused."""
        of_watched = 0
        for index, operations in enumerate(self.operations):
            refused = apply_to(values, _from_json(operations))
            if index == watched:
                of_watched = refused
        return of_watched

    def names(self) -> frozenset[str]:
        """The properties that the updates name."""
        named = (_from_json(operations).values() for operations in self.operations)
        return frozenset(chain.from_iterable(chain.from_iterable(named)))

    def older_than(self, time_ms: int) -> int:
        """How many updates are."""
        if places.time_of(self.places) >= time_ms:
            return 0
        return places.position(self.places, places.place_of(time_ms, bytes(KEY_BYTES)))

    def beyond(self, max_updates: int, max_bytes: int, start: int) -> int:
        """How many of the oldest from `start` on are too many, or too large together."""
        operations = self.operations[start:]
        surplus = max(0, len(operations) - max_updates)
        excess = sum(map(len, operations[surplus:])) - max_bytes
        while excess > 0:
            excess -= len(operations[surplus])
            surplus += 1
        return surplus

    def first(self, count: int) -> Iterator[Entry]:
        """The oldest updates."""
        for index, operations in enumerate(self.operations[:count]):
            start = index * PLACE_BYTES
            yield Entry(self.places[start : start + PLACE_BYTES], _from_json(operations))

    def without_first(self, count: int) -> "Journal":
        """All but the oldest updates."""
        return Journal(self.places[count * PLACE_BYTES :], self.operations[count:])
