"""A person's memory: the values of the person's properties, whatever order updates come in.

A memory is a base (what older updates came to) and a journal (the updates of the last `settle_ms`,
in the order of their times). An update is put in its place in the journal however late it comes,
and the values are made anew. So nothing waits, and the values after all updates of that time are
the same for every order in which they come, and for every number of copies.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from transforms.memory import places
from transforms.memory.applied import Applied
from transforms.memory.base import MAX_PROPERTIES, Base, Marks, forget, settle, settle_late
from transforms.memory.journal import Journal
from transforms.memory.operators import apply_to, cleared
from transforms.memory.values import same
from transforms.records import Json


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
    journal: Journal
    values: Json
    """What base and journal come to, which is what was last sent. None: removed."""
    applied: Applied

    @property
    def newest_ms(self) -> int:
        """The time of the newest update, Unix milliseconds; 0: there is none."""
        return places.time_of(self.journal.last or self.base.newest)


_NOBODY = Person(Base(), Journal(), {}, Applied())


def remember(person: Person | None, update: Update, policy: MemoryPolicy) -> tuple[Person, Answer]:
    """The person after an update, and what to send. Changes none of its arguments.

    Raises ValueError for a key that is not 16 bytes, or a time before 1970.
    """
    old = _NOBODY if person is None else person
    place = places.place_of(update.time_ms, update.key)
    if places.holds_key(old.journal.places, update.key) or places.holds_key(
        old.applied.places, update.key
    ):
        return old, Answer({}, old.newest_ms, True, False)
    operations = update.operations
    late = place <= old.base.newest
    if late:
        new, refused = _with_late(old, place, update)
    else:
        new, refused = _with_update(old, place, operations)
    attributes = _to_send(old.values, new.values, operations, policy.only_changes)
    newest_ms = new.newest_ms
    new, early = _settled(new, policy)
    return new, Answer(attributes, newest_ms, False, late, refused, early)


def _with_update(old: Person, place: bytes, operations: Json) -> tuple[Person, int]:
    """With an update whose place is free; how many of its operations were refused."""
    journal, at = old.journal.with_update(place, operations)
    if at == len(old.journal.operations):
        values = dict(old.values)
        refused = apply_to(values, operations)
    else:
        values = dict(old.base.properties)
        refused = journal.apply_to(values, watched=at)
    return Person(old.base, journal, values, old.applied), refused


def _with_late(old: Person, place: bytes, update: Update) -> tuple[Person, int]:
    """With an update that is late; how many of its operations were refused."""
    operations = update.operations
    maybe_copy = old.applied.may_hold(place)
    base, refused = settle_late(old.base, update.time_ms, operations, maybe_copy=maybe_copy)
    values = dict(base.properties)
    old.journal.apply_to(values)
    return Person(base, old.journal, values, old.applied.with_update(place, operations)), refused


def _settled(person: Person, policy: MemoryPolicy) -> tuple[Person, int]:
    """The person with its bounds kept; how many updates had to settle before their time."""
    base, journal, values, applied = person.base, person.journal, person.values, person.applied
    due = journal.older_than(person.newest_ms - policy.settle_ms)
    early = journal.beyond(policy.journal_updates, policy.journal_bytes, start=due)
    if due or early:
        for place, operations in journal.first(due + early):
            base = settle(base, place, operations)
            applied = applied.with_update(place, operations)
        journal = journal.without_first(due + early)
    if len(base.properties) > MAX_PROPERTIES:
        named = journal.names()
        base = forget(base, named)
        values = {
            name: value
            for name, value in values.items()
            if name in base.properties or name in named
        }
    return Person(base, journal, values, applied.newest(policy.remembered_keys)), early


def _to_send(before: Json, after: Json, operations: Json, only_changes: bool) -> Json:
    """Of the properties that the update touches: it changes no other one, wherever its place is."""
    touched = dict.fromkeys(cleared(before, operations))
    for arguments in operations.values():
        touched.update(dict.fromkeys(arguments))
    return {
        name: after[name]
        for name in touched
        if name in after and not (only_changes and _was_sent(before, name, after[name]))
    }


def _was_sent(sent: Json, name: str, value: Any) -> bool:
    return name in sent and same(sent[name], value)


_to_json: Callable[[Any], bytes] = msgspec.json.encode
_from_json: Callable[[bytes], Json] = msgspec.json.decode


class _Stored(Struct, frozen=True, array_like=True, tag_field="version", tag=1):
    """A person as it is kept. Properties are JSON: msgpack has no integers beyond 64 bits.

    Another form gets another `tag`, and this one goes on being read.
    """

    properties: bytes
    marks: dict[str, Marks]
    floor_ms: int
    newest: bytes
    places: bytes
    operations: tuple[bytes, ...]
    values: bytes
    applied: bytes
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
            person.journal.places,
            person.journal.operations,
            _to_json(person.values),
            person.applied.places,
            person.applied.forgotten,
        )
    )


def decode_person(data: bytes) -> Person:
    """The person that `encode_person` made bytes of. Raises MemoryFormatError."""
    try:
        of = _decode_stored(data)
        return Person(
            Base(_from_json(of.properties), of.marks, of.floor_ms, of.newest),
            Journal(of.places, of.operations),
            _from_json(of.values),
            Applied(of.applied, of.forgotten),
        )
    except (msgspec.DecodeError, ValueError) as error:
        # The text of msgspec's errors names places and types, never what is stored there.
        raise MemoryFormatError(f"not a person's memory of this release: {error}") from None
