"""Projection pushdown: of a record that is one JSON object, only what is read is decoded.

Nearly all messages are such an object, in the form of Amplitude's export. Decoding is the largest
part of an event's work, and most of a record never goes out.
"""

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Required, TypedDict, TypeGuard

import msgspec
from msgspec import Meta, Struct

from transforms import request_body
from transforms.properties import OPERATORS
from transforms.records import Message, Origin, Record

MAX_DEPTH = 100
"""Levels of nesting; a flat record has one."""
MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Of a message, after inflating it."""

NEVER_READ = "api_key"

ReadObject = Callable[[Message], Record | None]


class Projection(Struct, frozen=True):
    """What is read of a record. Of `event_properties` and `user_properties`: None reads all."""

    fields: frozenset[str]
    """Top-level fields, whatever the record's form."""
    needed: frozenset[str]
    """Those of them that are read of a record in the usual form."""
    event_properties: frozenset[str] | None = None
    user_properties: frozenset[str] | None = None


def object_reader(projection: Projection) -> ReadObject:
    """A fast way to read a message that is one JSON object.

    It gives None for whatever has to have a closer look (`decode_message`): everything else, and
    everything that may be at fault.

    What is not read is checked to be JSON; but whether a number in it is too large to be held is
    not looked at, since it never goes out.
    """
    usual: Callable[[bytes], Any] = msgspec.json.Decoder(_usual_form(projection)).decode
    any_form: Callable[[bytes], Any] = msgspec.json.Decoder(_any_form(projection)).decode

    def read_object(message: Message) -> Record | None:
        text = message.data
        try:
            try:
                fields = usual(text)
            except msgspec.ValidationError:
                fields = any_form(text)
                if request_body.records_of_body(fields) is not None:
                    return None
            # What is passed over is not decoded, but it has to be UTF-8 as well.
            if not text.isascii():
                text.decode()
        except (ValueError, RecursionError):
            return None
        if brackets(text) > MAX_DEPTH or len(text) > MAX_MESSAGE_BYTES:
            return None
        origin = Origin(
            message.message_id, message.publish_time, message.attributes, message.history
        )
        return Record(fields, origin, text)

    return read_object


def _any_form(projection: Projection) -> Any:
    """The type of a record in any of Amplitude's forms; it refuses what is no object."""
    names = {*projection.fields, *request_body.FIELDS} - {NEVER_READ}
    return _typed_dict(dict.fromkeys(names, Any))


def _usual_form(projection: Projection) -> Any:
    """The type of an event or a user update as Amplitude exports it, without operators.

    It refuses every other one. With a type, an insert id and a time in their first places, nothing
    else is looked for in the places behind them.
    """
    names = projection.needed - {NEVER_READ}
    form: dict[str, Any] = dict.fromkeys(names, Any) | {
        "event_type": Required[str],
        "$insert_id": Required[Annotated[str, Meta(min_length=1)]],
        "event_time": Required[str],
    }
    if _can_be_picked(projection.event_properties):
        form["event_properties"] = _properties(projection.event_properties) | None
    if _can_be_picked(projection.user_properties):
        form["user_properties"] = _properties(projection.user_properties, OPERATORS) | None
    return _typed_dict(form)


def _can_be_picked(names: frozenset[str] | None) -> TypeGuard[frozenset[str]]:
    """Whether a type can hold just these names: msgspec 0.22 does not find a key of a TypedDict
    that is not ASCII, unless that very text was encoded before.
    """
    return names is not None and all(map(str.isascii, names))


_Refused = Annotated[str, Meta(max_length=0, pattern="$.")]
"""No value is of this type."""


def _properties(names: Iterable[str], refused: Iterable[str] = ()) -> Any:
    return _typed_dict(dict.fromkeys(names, Any) | dict.fromkeys(refused, _Refused))


def _typed_dict(keys: dict[str, Any]) -> Any:
    return TypedDict("Read", keys, total=False)  # type: ignore[operator]


def brackets(text: bytes) -> int:
    """How many brackets open in a text, those in its strings too.

    By replacing: `bytes.count` looks at one byte after the other, `replace` jumps (CPython 3.11).
    """
    without = len(text.replace(b"{", b"")) + len(text.replace(b"[", b""))
    return 2 * len(text) - without
