"""What the tests of the transforms share: short makers of what flows, and JSON to draw from."""

from collections.abc import Sequence
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from transforms.conditions import Scalar
from transforms.decode import decode_message
from transforms.records import (
    Built,
    DeadLetter,
    EventOperation,
    Identified,
    IdentifyOperation,
    Json,
    Message,
    Operation,
    Origin,
    Projected,
    Record,
    Routed,
    Selected,
    Settled,
)

PUBLISHED = 1_777_888_999.5
"""When a message was published, Unix seconds."""
EVENT_S = 1_777_888_867
"""When the event of a test happened, Unix seconds."""
ORIGIN = Origin("m1", PUBLISHED, {"source": "test"})

few = settings(deadline=None, max_examples=40)
many = settings(deadline=None, max_examples=100)


GOOD = b'{"event_type":"A","user_id":"u1"}'
"""A record, as text."""

PASSED = "record"
MALFORMED = "dead_lettered.malformed_json"
NOT_UTF8 = "dead_lettered.not_utf8"
NO_OBJECT = "dead_lettered.not_an_object"
TOO_DEEP = "dead_lettered.too_deep"
TOO_LARGE = "dead_lettered.too_large"


def message(data: bytes, *, publish_time: float | None = PUBLISHED) -> Message:
    """A Pub/Sub message; `publish_time` None makes it a line of a file."""
    return Message(data, ORIGIN.message_id, publish_time, ORIGIN.attributes)


def record(fields: Json | None = None, /, **more: Any) -> Record:
    """A record; names that are no Python names come in `fields`."""
    return Record({**(fields or {}), **more}, ORIGIN)


def event(**fields: Any) -> Record:
    """An event that nothing is wrong with, but for `fields`."""
    return record(
        {"event_type": "Signed Up", "user_id": "ada", "time": EVENT_S, "$insert_id": "i1"}, **fields
    )


def update(**user_properties: Any) -> Record:
    """A user update with these properties."""
    return record(user_id="ada", time=EVENT_S, user_properties=user_properties)


def routed(of: Record, *, update: bool = False, event: bool = True, person: bool = False) -> Routed:
    """A record behind `route`; an event, if nothing else is said."""
    return Routed(of, update, event, person)


def projected(of: Record, *, event: Json | None = None, filtered: str | None = None) -> Projected:
    """A record that takes the identify branch: a user update unless `event` is given."""
    return Projected(of, event is None and filtered is None, event, True, filtered)


def selected(of: Record, *, event: Json | None = None, person: Json | None = None) -> Selected:
    """A record whose properties are chosen."""
    return Selected(of, event, person, None)


def identified(of: Record, *, event: Json | None = None, person: Json | None = None) -> Identified:
    """A record whose person is known."""
    return Identified(of, {"id": "ada"}, event, person, None)


def event_operation(name: str = "Signed Up", **attributes: Any) -> EventOperation:
    """An event as Customer.io takes it."""
    return EventOperation(
        identifiers={"id": "ada"},
        name=name,
        id="0" * 26,
        timestamp=EVENT_S,
        attributes=attributes,
    )


def identify_operation(**attributes: Any) -> IdentifyOperation:
    """An identify as Customer.io takes it."""
    return IdentifyOperation(identifiers={"id": "ada"}, attributes=attributes, timestamp=EVENT_S)


def built(*operations: Operation, filtered: str | None = None) -> Built:
    """A record and what it becomes."""
    return Built(event(), EVENT_S * 1000, operations, filtered)


def outcome_of(result: object) -> str:
    """The outcome of a settled record."""
    assert isinstance(result, Settled), result
    return result.outcome


def letter_of(result: object) -> DeadLetter:
    """The dead letter of a settled record."""
    assert isinstance(result, Settled), result
    assert result.letter is not None
    return result.letter


def decoded(data: bytes) -> list[str]:
    """What decode makes of a message: `PASSED` or the outcome, for each record in it."""
    return [
        PASSED if isinstance(result, Record) else outcome_of(result)
        for result in decode_message(message(data))
    ]


def nested(levels: int, inside: bytes = b"1") -> bytes:
    """A record of so many levels, as text: the record itself is the first."""
    inner = levels - 1
    return b'{"a":' + b"[" * inner + inside + b"]" * inner + b"}"


def scalars() -> st.SearchStrategy[Scalar]:
    """What may stand in `values` of a where clause."""
    return st.one_of(st.text(max_size=5), st.integers(), _floats, st.booleans())


def json_values(leaves: int = 6) -> st.SearchStrategy[Any]:
    """Any JSON value: integers beyond 64 bits, every float, every text that UTF-8 can hold."""
    return st.recursive(
        st.one_of(st.none(), st.booleans(), _integers, _floats, texts()),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts(), inner, max_size=4),
        max_leaves=leaves,
    )


def json_objects(names: Sequence[str] = ()) -> st.SearchStrategy[Json]:
    """JSON objects, often with some of `names` in them."""
    keys = st.sampled_from(names) | texts() if names else texts()
    return st.dictionaries(keys, json_values(3), max_size=4)


def texts() -> st.SearchStrategy[str]:
    """Texts without lone surrogates, control characters included."""
    return st.text(st.characters(codec="utf-8"), max_size=12)


_integers = st.one_of(st.integers(), st.integers(-(10**40), 10**40))
_floats = st.floats(allow_nan=False, allow_infinity=False)
