"""The types that flow from one transform to the next, in the order in which they appear."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

Json = dict[str, Any]

# None of these types can be part of a cycle: their dictionaries come out of JSON. So Python's
# cycle collector need not look at them (`gc=False`).


class History(Struct, frozen=True, gc=False):
    """What happened before to what is replayed."""

    attempts: int
    """How often it became a dead letter."""
    first_failed_at: str
    """ISO 8601, UTC."""
    first_reason: str


class Message(Struct, frozen=True, gc=False):
    """What a source yields: one Pub/Sub message, or one line of a file."""

    data: bytes
    message_id: str
    publish_time: float | None
    """Unix seconds; None for a line of a file."""
    attributes: dict[str, str]
    history: History | None = None
    """None but for the content of a dead letter."""


class Origin(Struct, frozen=True, gc=False):
    """Where a record came from, for its dead letter and as the last resort for its time."""

    message_id: str
    publish_time: float | None
    attributes: dict[str, str]
    history: History | None = None


class Group(Struct, frozen=True, gc=False):
    """An Amplitude group that has an object in Customer.io."""

    object_type_id: str
    object_id: str
    attributes: Json | None = None
    """What a group update sets or (null) removes; None where a person is a member."""


class Record(Struct, frozen=True, gc=False):
    """One Amplitude record, without `api_key`."""

    fields: Json
    """The whole record; or, where there is a `text`, those of its fields that the job reads."""
    origin: Origin
    text: bytes | None = None
    """The record as it came, `api_key` included."""
    groups: tuple[Group, ...] = ()
    """The groups that are to be sent: of a group update those that it changes, else those that the
    record's person is in. None unless the settings ask for groups."""


class Routed(Struct, frozen=True, gc=False):
    """A record and the branches that it takes: the event branch, the identify branch, or both.

    Both branches stay on one element: a record is settled, counted and acknowledged once. A group
    update takes neither; it goes on for its groups.
    """

    record: Record
    update: bool
    """True for a user update, False for an event."""
    event: bool
    person: bool
    filtered: str | None = None
    """The outcome of a branch that has ended, when the record goes on for another one, or for its
    groups."""


class Projected(Struct, frozen=True, gc=False):
    """A routed record with the data of its event chosen (None: no event)."""

    record: Record
    update: bool
    event: Json | None
    person: bool
    filtered: str | None


class Selected(Struct, frozen=True, gc=False):
    """A record with the data of its event and the attributes of its person chosen."""

    record: Record
    event: Json | None
    person: Json | None
    """Attributes; or, where people are remembered, operations on them."""
    filtered: str | None


class Identified(Struct, frozen=True, gc=False):
    """A selected record and the one identifier of its person, as Customer.io takes it."""

    record: Record
    identifiers: dict[str, str]
    """Of nobody known: the `anonymous_id`. Empty for a group update without a person."""
    event: Json | None
    person: Json | None
    """As in Selected up to `remember`, attributes from there on."""
    filtered: str | None
    person_time_ms: int | None = None
    """The newest time of the person, Unix milliseconds; None for the record's own."""
    person_unsettled: bool = False
    """Whether Customer.io may hold a newer time of the person, from before a crash."""


class EventOperation(Struct, frozen=True, gc=False, kw_only=True, tag_field="action", tag="event"):
    """A Customer.io event; encodes to the JSON of the v2 API's `person_event`.

    With an `anonymous_id` for identifier it is an anonymous event, which the v2 API does not have:
    it goes through v1.
    """

    type: str = "person"
    identifiers: dict[str, str]
    name: str
    id: str
    """A ULID; Customer.io ignores a second event of the same one."""
    timestamp: int
    """Unix seconds."""
    attributes: Json


class IdentifyOperation(
    Struct, frozen=True, gc=False, kw_only=True, tag_field="action", tag="identify"
):
    """A Customer.io identify; encodes to the JSON of the v2 API's `identify_person` or
    `identify_object`.
    """

    type: Literal["person", "object"] = "person"
    identifiers: dict[str, str]
    attributes: Json
    timestamp: int | UnsetType = UNSET
    """Unix seconds; Customer.io never lets an older identify of a person replace a newer one. The
    API has none for an object."""


class ObjectIdentifiers(Struct, frozen=True, gc=False):
    """Which object."""

    object_type_id: str
    object_id: str


class Relationship(Struct, frozen=True, gc=False):
    """The object's end of a relationship."""

    identifiers: ObjectIdentifiers


class RelationshipsOperation(
    Struct, frozen=True, gc=False, kw_only=True, tag_field="action", tag="add_relationships"
):
    """A person becomes related to objects; encodes to the JSON of the v2 API's
    `person_add_relationships`, which has no time.
    """

    type: str = "person"
    identifiers: dict[str, str]
    cio_relationships: tuple[Relationship, ...]


Operation = EventOperation | IdentifyOperation | RelationshipsOperation


def time_of(operation: Operation) -> int | None:
    """The time that an operation carries, Unix seconds; None where the API has none for it."""
    if isinstance(operation, RelationshipsOperation) or operation.timestamp is UNSET:
        return None
    return operation.timestamp


_decode_operation: Callable[[bytes], Operation] = msgspec.json.Decoder(Operation).decode


class Built(Struct, frozen=True, gc=False):
    """The operations that a record becomes: an event, an identify, or both in this order.

    Behind them stands what links its person to devices and objects; a group update becomes an
    identify for each object.
    """

    record: Record
    time_ms: int
    """The record's time, Unix milliseconds."""
    operations: tuple[Operation, ...]
    filtered: str | None
    identifiers: dict[str, str] = {}
    """Of the record's person, as in `Identified`."""
    person_time_ms: int | None = None
    """Of the identify, where it is not the record's."""
    person_unsettled: bool = False
    """As in `Identified`."""


class Item(Struct, frozen=True, gc=False):
    """One operation that is within Customer.io's limits, encoded once.

    Many thousands wait at a time, so no more is held than what is sent and whom it is about.
    """

    body: bytes
    """The operation as an item of a v2 batch."""
    person: str
    """One text a person, see `person_key`; or an object, or somebody anonymous."""
    identify: bool
    """True for the identify of a person, which may become one with another."""
    alone: bool
    """True for an event that is too large for a batch, or anonymous: it goes through v1."""

    @property
    def operation(self) -> Operation:
        """The operation, decoded anew."""
        return _decode_operation(self.body)


class DeadLetter(Struct, frozen=True, gc=False, kw_only=True):
    """A record or an operation that could not be delivered, and why.

    Exactly one of `record` and `operation` is given.
    """

    reason: str
    detail: str
    stage: str
    kind: str
    message_id: str
    publish_time: float | None
    attributes: dict[str, str]
    record: str | None = None
    encoding: str = "text"
    """Of `record`: "text", or "base64" where the input is not UTF-8."""
    operation: Operation | None = None
    history: History | None = None
    """None for a first failure."""


class Delivery(Struct, frozen=True, gc=False):
    """A record ready to be sent: what the sink takes."""

    origin: Origin
    time_ms: int
    items: tuple[Item, ...]
    fallen: tuple[str, ...] = ()
    """Outcomes of those parts of the record that are settled already."""
    letters: tuple[DeadLetter, ...] = ()
    """Dead letters of those parts; the sink hands them on when it settles the record."""
    person_time_ms: int | None = None
    """Of the identify, where it is not the record's."""


class Settled(Struct, frozen=True, gc=False):
    """The end of a record's way: its outcome in the ledger, and its dead letter if it has one."""

    outcome: str
    letter: DeadLetter | None = None
