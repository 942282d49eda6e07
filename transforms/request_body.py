"""Amplitude's request bodies: the records that an HTTP V2 or an Identify body carries."""

from typing import Any

_TYPES = ("event_type", "event_name")
FIELDS = (*_TYPES, "events", "identification")
"""The fields of an object that tell whether it is one."""


def records_of_body(value: Any) -> list[Any] | str | None:
    """What a request body carries: its records, or a JSON text of them; None if `value` is none."""
    if not isinstance(value, dict):
        return None
    events, identification = value.get("events"), value.get("identification")
    if events is None and identification is None:
        return None
    if any(value.get(name) is not None for name in _TYPES):
        return None
    if isinstance(events, list):
        return events
    if isinstance(identification, dict):
        return [identification]
    return identification if isinstance(identification, list | str) else None
