"""A person's memory: the values of the person's properties, whatever order updates come in.

A memory is a base (what older updates came to) and a journal (the updates of the last `settle_ms`,
in the order of their times). An update is put in its place in the journal however late it comes,
and the values are made anew. So nothing waits, and the values after all updates of that time are
the same for every order in which they come, and for every number of copies.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from transforms.memory import places
from transforms.memory.base import (
    EMPTY,
    MAX_PROPERTIES,
    Base,
    Marks,
    forget,
    settle,
    settle_late,
)
from transforms.memory.operators import ORDER, apply_to, cleared
from transforms.memory.places import PLACE_BYTES
from transforms.memory.values import same
from transforms.records import Json

_TIME_BOUND = frozenset({"$clearAll", "$set", "$setOnce", "$unset"})
_COUNTS_TWICE = frozenset(ORDER) - _TIME_BOUND
"""Operators that would change more when they are applied again. The others are held back by the
times of what changed, so nobody has to remember that they were applied."""

_to_json: Callable[[Any], bytes] = msgspec.json.encode
_from_json: Callable[[bytes], Any] = msgspec.json.decode


class MemoryPolicy(Struct, frozen=True):
    """How much is remembered, and what is sent."""

    settle_ms: int
    """How far out of order updates of a person are still put in their place."""
    only_changes: bool
    """True: only what differs from what was last sent. False: what the update touches as well."""
    journal_updates: int = 200
    """Most updates in the journal; beyond, the oldest settle early."""
    journal_bytes: int = 65_536
    """Most bytes of their operations as JSON."""
    remembered_keys: int = 128
    """Most keys of settled updates that would count twice. Of those that are older, only what
    cannot count twice is applied."""


class Update(Struct, frozen=True):
    """What one record does to its person."""

    key: bytes
    """16 bytes, the same for every copy of the record."""
    time_ms: int
    """Unix milliseconds."""
    operations: Json
    """{operator: {property: argument}}, see `operators.operations_of`."""


class Answer(Struct, frozen=True):
    """What an update makes of its person."""

    attributes: Json
    """What to send now: the value, or None where the attribute is removed. Empty: nothing."""
    time_ms: int
    """The time of the person's newest update, Unix milliseconds: Customer.io takes no attribute of
    an older one."""
    duplicate: bool
    """It was applied before: nothing changed."""
    late: bool
    """It came after newer updates had settled."""
    refused: int = 0
    """Operations that were not applied: they do not work on the stored value, or came too late."""
    settled_early: int = 0
    """Updates that settled before their time because the journal was full."""


class Person(Struct, frozen=True):
    """What is remembered of a person."""

    base: Base
    places: bytes
    """Of the journal's updates, in order."""
    journal: tuple[bytes, ...]
    """Their operations as JSON."""
    values: Json
    """What base and journal come to, which is what was last sent. None: removed."""
    settled: bytes
    """The places of settled updates that would count twice."""
    forgotten: bytes
    """The newest such place that is not remembered any more; empty: none."""


NOBODY = Person(EMPTY, b"", (), {}, b"", b"")
"""Of whom nothing is remembered."""


def remember(person: Person | None, update: Update, policy: MemoryPolicy) -> tuple[Person, Answer]:
    """The person after an update, and what to send. Changes none of its arguments.

    Raises ValueError for a key that is not 16 bytes, or a time before 1970.
    """
    old = NOBODY if person is None else person
    operations = update.operations
    place = places.place_of(update.time_ms, update.key)
    newest_ms = max(_newest_ms(old), update.time_ms)
    if places.holds_key(old.places, update.key) or places.holds_key(old.settled, update.key):
        return old, Answer({}, _newest_ms(old), True, False)
    base, run, journal, settled = old.base, old.places, old.journal, old.settled
    late = place <= base.newest
    in_order = not late and place > run[-PLACE_BYTES:]
    if late:
        maybe_copy = place <= old.forgotten
        base, refused = settle_late(base, update.time_ms, operations, maybe_copy=maybe_copy)
        if not maybe_copy and not _COUNTS_TWICE.isdisjoint(operations):
            settled = places.insert(settled, place, places.position(settled, place))
        values, _ = _fold(base, journal)
    else:
        at = len(journal) if in_order else places.position(run, place)
        run = places.insert(run, place, at)
        journal = (*journal[:at], _to_json(operations), *journal[at:])
        if in_order:
            values = dict(old.values)
            refused = apply_to(values, operations)
        else:
            values, refused = _fold(base, journal, at)
    attributes = _to_send(old.values, values, operations, policy.only_changes, in_order)
    due = _due(run, newest_ms - policy.settle_ms)
    early = _surplus(journal[due:], policy)
    for index in range(due + early):
        first = run[index * PLACE_BYTES : (index + 1) * PLACE_BYTES]
        of_first = _from_json(journal[index])
        base = settle(base, first, places.time_of(first), of_first)
        if not _COUNTS_TWICE.isdisjoint(of_first):
            settled += first
    run, journal = run[(due + early) * PLACE_BYTES :], journal[due + early :]
    surplus = len(settled) - policy.remembered_keys * PLACE_BYTES
    forgotten = settled[:surplus][-PLACE_BYTES:] if surplus > 0 else old.forgotten
    if len(base.properties) > MAX_PROPERTIES:
        base = forget(base)
        values, _ = _fold(base, journal)
    person = Person(base, run, journal, values, settled[max(0, surplus) :], forgotten)
    return person, Answer(attributes, newest_ms, False, late, refused, early)


def _newest_ms(person: Person) -> int:
    return places.time_of(person.places[-PLACE_BYTES:] or person.base.newest)


def _fold(base: Base, journal: Sequence[bytes], watched: int = -1) -> tuple[Json, int]:
    """What base and journal come to; how many operations of the `watched` update were refused."""
    values = dict(base.properties)
    of_watched = 0
    for index, operations in enumerate(journal):
        refused = apply_to(values, _from_json(operations))
        if index == watched:
            of_watched = refused
    return values, of_watched


def _to_send(
    before: Json, after: Json, operations: Json, only_changes: bool, in_order: bool
) -> Json:
    touched = dict.fromkeys(cleared(before, operations))
    for arguments in operations.values():
        touched.update(dict.fromkeys(arguments))
    attributes = {
        name: after[name]
        for name in touched
        if name in after and not (only_changes and _was_sent(before, name, after[name]))
    }
    if not in_order:
        attributes |= {
            name: value
            for name, value in after.items()
            if name not in touched and not _was_sent(before, name, value)
        }
    return attributes


def _was_sent(sent: Json, name: str, value: Any) -> bool:
    return name in sent and same(sent[name], value)


def _due(run: bytes, horizon_ms: int) -> int:
    """How many of the journal's updates are older than the horizon."""
    if places.time_of(run) >= horizon_ms:
        return 0
    return places.position(run, places.place_of(horizon_ms, bytes(places.KEY_BYTES)))


def _surplus(journal: Sequence[bytes], policy: MemoryPolicy) -> int:
    """How many of the oldest updates are too many for the journal."""
    surplus = max(0, len(journal) - policy.journal_updates)
    excess = sum(map(len, journal[surplus:])) - policy.journal_bytes
    while excess > 0:
        excess -= len(journal[surplus])
        surplus += 1
    return surplus


class _Stored(Struct, frozen=True, array_like=True, tag_field="version", tag=1):
    """A person as it is kept. Properties are JSON: msgpack has no integers beyond 64 bits.

    Another form gets another `tag`, and this one goes on being read.
    """

    properties: bytes
    marks: dict[str, Marks]
    floor_ms: int
    newest: bytes
    places: bytes
    journal: tuple[bytes, ...]
    values: bytes
    settled: bytes
    forgotten: bytes


class MemoryFormatError(ValueError):
    """Bytes that are no person's memory, or one that a newer release has written."""


_decode_stored: Callable[[bytes], _Stored] = msgspec.msgpack.Decoder(_Stored).decode


def encode_person(person: Person) -> bytes:
    """The person as bytes (msgpack), for `decode_person` of this release and later ones."""
    base = person.base
    return msgspec.msgpack.encode(
        _Stored(
            _to_json(base.properties),
            base.marks,
            base.floor_ms,
            base.newest,
            person.places,
            person.journal,
            _to_json(person.values),
            person.settled,
            person.forgotten,
        )
    )


def decode_person(data: bytes) -> Person:
    """The person that `encode_person` made bytes of. Raises MemoryFormatError."""
    try:
        of = _decode_stored(data)
        return Person(
            Base(_from_json(of.properties), of.marks, of.floor_ms, of.newest),
            of.places,
            of.journal,
            _from_json(of.values),
            of.settled,
            of.forgotten,
        )
    except (msgspec.DecodeError, ValueError) as error:
        # The text of msgspec's errors names places and types, never what is stored there.
        raise MemoryFormatError(f"not a person's memory of this release: {error}") from None
