"""The base of a person's memory: what all updates before the journal's came to.

An update that comes when its place is already in the base is late. The updates around it are gone,
but for two times of each property: so it changes nothing that a newer one decided, and is applied
to what is there otherwise.
"""

from collections.abc import Collection

from msgspec import Struct

from transforms.memory.operators import (
    CLEAR_ALL,
    DECIDING,
    SET,
    SET_ONCE,
    UNSET,
    apply,
    apply_to,
    cleared,
)
from transforms.memory.places import time_of
from transforms.memory.values import same
from transforms.records import Json

MAX_PROPERTIES = 300
"""That are remembered; beyond, those that changed longest ago are forgotten. It is the most that
Customer.io takes in one identify."""


class Marks(Struct, frozen=True, array_like=True):
    """When a property changed, Unix milliseconds."""

    overwritten_ms: int
    """By an update whose result did not depend on the value before."""
    changed_ms: int
    """By any update."""


class Base(Struct, frozen=True):
    """What settled updates came to."""

    properties: Json = {}
    """Name -> value; None: known to be removed."""
    marks: dict[str, Marks] = {}
    """Of the same names."""
    floor_ms: int = 0
    """Nothing as old as this touches a property of another name: it was cleared or forgotten."""
    newest: bytes = b""
    """The place of the newest update in it; empty: there is none."""


def settle(base: Base, place: bytes, operations: Json) -> Base:
    """The base with one more update, newer than all in it."""
    properties = apply(base.properties, operations)
    emptied = cleared(base.properties, operations)
    return _marked(base, properties, operations, emptied, time_of(place), place)


def settle_late(
    base: Base, time_ms: int, operations: Json, *, maybe_copy: bool
) -> tuple[Base, int]:
    """The base with a late update, and how many of its operations could not be applied.

    `$set`, `$setOnce`, `$unset` and `$clearAll` do not touch a property that was changed by a newer
    update (or one of the same millisecond), the others not one that was overwritten by such an
    update. Those others count twice when they are applied twice: of a `maybe_copy` they are left
    out, and counted.
    """
    unknown = Marks(base.floor_ms, base.floor_ms)
    marks = base.marks
    refused = 0
    left: Json = {}
    emptied: list[str] = []
    for operator, arguments in operations.items():
        if operator == CLEAR_ALL:
            names = cleared(base.properties, operations)
            emptied = [name for name in names if marks.get(name, unknown).changed_ms < time_ms]
        elif operator in DECIDING:
            left[operator] = {
                name: argument
                for name, argument in arguments.items()
                if marks.get(name, unknown).changed_ms < time_ms
            }
        elif maybe_copy:
            refused += len(arguments)
        else:
            left[operator] = {
                name: argument
                for name, argument in arguments.items()
                if marks.get(name, unknown).overwritten_ms < time_ms
            }
    properties = base.properties | dict.fromkeys(emptied)
    refused += apply_to(properties, left)
    if CLEAR_ALL in operations:
        left[CLEAR_ALL] = {}
    return _marked(base, properties, left, emptied, time_ms, base.newest), refused


def _marked(
    base: Base,
    properties: Json,
    operations: Json,
    emptied: Collection[str],
    time_ms: int,
    newest: bytes,
) -> Base:
    """The base after `operations` made `properties` of its own."""
    before, marks = base.properties, dict(base.marks)
    floor_ms = max(base.floor_ms, time_ms) if CLEAR_ALL in operations else base.floor_ms
    decided = set(emptied)
    for operator, arguments in operations.items():
        if operator in (SET, UNSET):
            decided.update(arguments)
        elif operator != CLEAR_ALL:
            for name in arguments:
                if same(properties.get(name), before.get(name)):
                    continue
                if operator == SET_ONCE:
                    decided.add(name)
                    continue
                old = marks.get(name)
                if old is None:
                    marks[name] = Marks(floor_ms, time_ms)
                elif old.changed_ms < time_ms:
                    marks[name] = Marks(old.overwritten_ms, time_ms)
    marks.update(dict.fromkeys(decided, Marks(time_ms, time_ms)))
    return Base(properties, marks, floor_ms, newest)


def forget(base: Base, keep: Collection[str]) -> Base:
    """The base with no more than MAX_PROPERTIES, those to `keep` aside.

    Those that were removed go first, then those that changed longest ago.
    """
    marks, values = base.marks, base.properties
    by_age = sorted(
        (name for name in values if name not in keep),
        key=lambda name: (values[name] is not None, marks[name].changed_ms, name),
    )
    gone = frozenset(by_age[: len(values) - MAX_PROPERTIES])
    return Base(
        {name: value for name, value in values.items() if name not in gone},
        {name: mark for name, mark in marks.items() if name not in gone},
        max((base.floor_ms, *(marks[name].changed_ms for name in gone))),
        base.newest,
    )
