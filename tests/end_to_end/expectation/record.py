"""Contract section 2 (kinds) and the views of a record that later steps read."""

from enum import Enum
from typing import Any

# These need the stored value of the property.
STATEFUL_OPERATORS = frozenset(
    {
        "$setOnce",
        "$add",
        "$append",
        "$prepend",
        "$preInsert",
        "$postInsert",
        "$remove",
        "$clearAll",
    }
)
OPERATORS = STATEFUL_OPERATORS | {"$set", "$unset"}


class Kind(Enum):
    """What a record is."""

    EVENT = "event"
    USER_UPDATE = "user_update"
    GROUP_UPDATE = "group_update"
    COHORT_MESSAGE = "cohort_message"
    UNKNOWN = "unknown_record"


def kind_of(record: dict[str, Any]) -> Kind:
    """Return the kind of the record, by the first row of the contract's table that fits."""
    event_type = type_of(record)
    if event_type in ("$identify", "_identify", "identify"):
        return Kind.USER_UPDATE
    if event_type is None and isinstance(record.get("user_properties"), dict):
        return Kind.USER_UPDATE
    if event_type == "$groupidentify":
        return Kind.GROUP_UPDATE
    if record.get("cohort_id") is not None and record.get("in_cohort") is not None:
        return Kind.COHORT_MESSAGE
    if isinstance(event_type, str) and event_type.strip():
        return Kind.EVENT
    return Kind.UNKNOWN


def type_of(record: dict[str, Any]) -> Any:
    """Return the event type as it stands (any JSON value), None when there is none."""
    event_type = record.get("event_type")
    return record.get("event_name") if event_type is None else event_type


def object_at(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the object under `name`, an empty one when there is none."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


def event_properties(record: dict[str, Any]) -> dict[str, Any]:
    """Return the event properties that are not null."""
    return _without_nulls(object_at(record, "event_properties"))


def user_properties(record: dict[str, Any]) -> dict[str, Any]:
    """Return the user properties that are not null: plain ones, `$set` over them."""
    properties = object_at(record, "user_properties")
    plain = {name: value for name, value in properties.items() if name not in OPERATORS}
    return _without_nulls(plain) | _without_nulls(object_at(properties, "$set"))


def value_at(record: dict[str, Any], path: str) -> Any:
    """Return the value of `NAME`, `user_properties.NAME` or `event_properties.NAME`, or None."""
    place, dot, name = path.partition(".")
    if dot and place == "user_properties":
        return user_properties(record).get(name)
    if dot and place == "event_properties":
        return event_properties(record).get(name)
    return record.get(path)


def _without_nulls(properties: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in properties.items() if value is not None}
