"""Contract section 6: what is too long or too large, and what trimming makes of it."""

from typing import Any

from tests.end_to_end.expectation.compare import encoded

EVENT_NAME = 100
EVENT_DATA = 100_000
ATTRIBUTES = 300
ATTRIBUTE_NAME = 150
ATTRIBUTE_VALUE = 1_000
ITEM = 32_000


class LimitError(Exception):
    """The operation breaks a limit; the text is the reason of the dead letter."""


def check_event(name: str, attributes: dict[str, Any], trim: bool) -> tuple[str, dict[str, Any]]:
    """Return name and attributes that keep the limits of an event, or raise LimitError."""
    if len(name.encode()) > EVENT_NAME:
        if not trim:
            raise LimitError("event_name_too_long")
        name = name.encode()[:EVENT_NAME].decode(errors="ignore")
    attributes = dict(attributes)
    while len(encoded(attributes)) > EVENT_DATA:
        if not trim:
            raise LimitError("event_data_too_large")
        # max() returns the first of the largest, so look from the end.
        largest = max(
            reversed(attributes),
            key=lambda key: len(encoded(attributes[key])) + len(key.encode()),
        )
        del attributes[largest]
    return name, attributes


def check_identify(attributes: dict[str, Any], trim: bool) -> dict[str, Any]:
    """Return attributes that keep the limits of an identify, or raise LimitError."""
    kept = dict(attributes)
    if len(kept) > ATTRIBUTES:
        if not trim:
            raise LimitError("too_many_attributes")
        kept = dict(list(kept.items())[:ATTRIBUTES])
    for reason, is_too_long in (
        ("attribute_name_too_long", _name_is_too_long),
        ("attribute_value_too_long", _value_is_too_long),
    ):
        short = {key: value for key, value in kept.items() if not is_too_long(key, value)}
        if short != kept and (not trim or not short):
            raise LimitError(reason)
        kept = short
    return kept


def is_over_item_size(operation: dict[str, Any]) -> bool:
    """Whether one item of a v2 batch is too large; an event also carries its ULID."""
    id_bytes = encoded({"id": "0" * 26})[1:-1] + b"," if operation["action"] == "event" else b""
    return len(encoded(operation)) + len(id_bytes) > ITEM


def _name_is_too_long(name: str, _: Any) -> bool:
    return len(name.encode()) > ATTRIBUTE_NAME


def _value_is_too_long(_: str, value: Any) -> bool:
    size = len(value.encode()) if isinstance(value, str) else len(encoded(value))
    return size > ATTRIBUTE_VALUE
