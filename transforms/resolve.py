"""Resolve: which person of Customer.io a record is about."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Literal

import msgspec

from transforms.deadletter import dead_letter
from transforms.limits import MAX_IDENTIFIER_BYTES
from transforms.properties import PropertyPath, decimal_text
from transforms.records import Identified, Json, Record, Selected, Settled
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally

CIO_ID_PREFIX = "cio_"
ANONYMOUS_ID = "anonymous_id"
"""What Customer.io calls the identifier of somebody who is not known yet."""
DEVICE_ID = "device_id"
"""The field that becomes it."""

Anonymous = Literal["skip", "dead_letter", "send"]

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_STAGE = "resolve"


def identifier_text(value: Any) -> str | None:
    """The identifier in a JSON value: stripped text or a number's decimal text; None if missing."""
    if type(value) is str:
        return value.strip() or None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return decimal_text(value)


def identifiers_of(text: str) -> dict[str, str]:
    """Customer.io's identifier by the shape of the value, as its own Amplitude mapping reads it."""
    if "@" in text and _EMAIL.fullmatch(text):
        return {"email": text}
    if text.startswith(CIO_ID_PREFIX) and len(text) > len(CIO_ID_PREFIX):
        return {"cio_id": text.removeprefix(CIO_ID_PREFIX)}
    return {"id": text}


def person_key(identifiers: dict[str, str]) -> str:
    """One text a person, the same for every spelling of an e-mail address."""
    [(kind, value)] = identifiers.items()
    return f"{kind}:{value.casefold() if kind == 'email' else value}"


def _size(identifiers: dict[str, str]) -> int:
    [value] = identifiers.values()
    return len(value.encode())


def device_of(fields: Json) -> str | None:
    """The device of a record, as an anonymous id; None when there is none."""
    return identifier_text(fields.get(DEVICE_ID))


def resolve_identifier(
    selected: Selected, path: PropertyPath, anonymous: Anonymous
) -> Identified | Settled:
    """The record with its person's identifier; settled when there is none that can be sent."""
    text = identifier_text(path.read(selected.record.fields))
    if text is None:
        return _without_identifier(selected, anonymous)
    identifiers = identifiers_of(text)
    if len(text) * 4 > MAX_IDENTIFIER_BYTES and (size := _size(identifiers)) > MAX_IDENTIFIER_BYTES:
        if is_group_update(selected.record):
            return _without_identifier(selected, anonymous)
        return _too_long("the identifier", size, selected.record)
    return Identified(
        selected.record, identifiers, selected.event, selected.person, selected.filtered
    )


def _without_identifier(selected: Selected, anonymous: Anonymous) -> Identified | Settled:
    record = selected.record
    if is_group_update(record):
        return Identified(record, {}, None, None, None)
    if anonymous == "skip" or (anonymous == "send" and selected.event is None):
        return Settled("skipped.anonymous")
    device = device_of(record.fields) if anonymous == "send" else None
    if device is None:
        detail = "the record has no user identifier"
        if anonymous == "send":
            detail += f" and no {DEVICE_ID}"
        return dead_letter("no_identifier", detail, stage=_STAGE, record=record)
    identifiers = {ANONYMOUS_ID: device}
    if (size := _size(identifiers)) > MAX_IDENTIFIER_BYTES:
        return _too_long(f"the {DEVICE_ID}", size, record)
    # Only an event can be sent of somebody who is not known.
    return Identified(
        msgspec.structs.replace(record, groups=()), identifiers, selected.event, None, None
    )


def is_group_update(record: Record) -> bool:
    """Whether a record changes the objects that it names, and is about no person."""
    return bool(record.groups) and record.groups[0].attributes is not None


def _too_long(what: str, size: int, record: Record) -> Settled:
    detail = f"{what} has {size} bytes; {MAX_IDENTIFIER_BYTES} are allowed"
    return dead_letter("identifier_too_long", detail, stage=_STAGE, record=record)


class _ResolveDoFn(StageDoFn[Selected, Identified]):
    stage = _STAGE

    def __init__(self, user_identifier: str, anonymous: Anonymous) -> None:
        self._path = PropertyPath(user_identifier)
        self._anonymous = anonymous

    def bind(self, tally: Tally) -> Callable[[Selected], Identified | Settled]:
        return partial(resolve_identifier, path=self._path, anonymous=self._anonymous)


class ResolveIdentifier(Stage):
    """Selected -> Identified.

    `user_identifier`: a top-level field, `user_properties.NAME` or `event_properties.NAME`.
    """

    def __init__(self, user_identifier: str = "user_id", anonymous: Anonymous = "skip") -> None:
        super().__init__(_ResolveDoFn(user_identifier, anonymous), Selected, Identified)
