"""Contract section 5: the attributes of an event and of an identify, before any limit."""

from collections.abc import Container
from typing import Any

from tests.end_to_end.expectation.record import (
    STATEFUL_OPERATORS,
    event_properties,
    object_at,
    user_properties,
)

Selection = str | list[str]

MAIL_NAMES = frozenset({"recipient", "from_address", "reply_to"})
IDENTIFIER_NAMES = frozenset({"id", "email", "cio_id"})


def event_attributes(record: dict[str, Any], events: dict[str, Any]) -> dict[str, Any]:
    """Return group properties, user properties over them, event properties over both."""
    attributes: dict[str, Any] = {}
    groups = _group_properties(record, events["group_properties"])
    if groups:
        attributes["groups"] = groups
    of_user = _select(user_properties(record), events["user_properties"], MAIL_NAMES)
    of_event = _select(event_properties(record), events["event_properties"], MAIL_NAMES)
    # The order decides between properties of one size when an event is trimmed.
    if "groups" in of_user or "groups" in of_event:
        attributes.pop("groups", None)
    return of_user | of_event | attributes


def update_attributes(record: dict[str, Any], selection: Selection) -> dict[str, Any]:
    """Return the attributes of the identify that a record gives; null removes one."""
    unset = dict.fromkeys(object_at(object_at(record, "user_properties"), "$unset"))
    return _for_identify(user_properties(record) | unset, selection)


def needs_state(record: dict[str, Any]) -> bool:
    """Whether a user update holds nothing but operators that need the stored value."""
    names = object_at(record, "user_properties").keys()
    return bool(names) and all(name in STATEFUL_OPERATORS for name in names)


def _for_identify(properties: dict[str, Any], selection: Selection) -> dict[str, Any]:
    private = {name for name in properties if name.startswith("_")}
    return _select(properties, selection, private | IDENTIFIER_NAMES)


def _select(
    properties: dict[str, Any], selection: Selection, reserved: Container[str]
) -> dict[str, Any]:
    if selection == "none":
        return {}
    if selection == "all":
        return {name: value for name, value in properties.items() if name not in reserved}
    return {name: properties[name] for name in selection if name in properties}


def _group_properties(record: dict[str, Any], selection: Selection) -> dict[str, Any]:
    result: dict[str, Any] = {}
    every_type = object_at(record, "group_properties")
    for group_type in every_type:
        groups: dict[str, Any] = {}
        every_group = object_at(every_type, group_type)
        for name in every_group:
            properties = object_at(every_group, name)
            present = {key: value for key, value in properties.items() if value is not None}
            chosen = _select(present, selection, frozenset())
            if chosen:
                groups[name] = chosen
        if groups:
            result[group_type] = groups
    return result
