"""The rules of single fields: what Customer.io's Track API says of each.

Every check takes a decoded JSON value and gives the problems it found, none for a good value.
Sizes are UTF-8 bytes. Sources: Customer.io's Track API OpenAPI document, and the messages on its
page "Invalid Track API requests".
"""

import re
from typing import Any

import msgspec

from pipeline.local.customerio.wire import encode, utf8_size

MAX_IDENTIFIER_BYTES = 150
MAX_EVENT_NAME_BYTES = 100
MAX_ATTRIBUTES = 300
MAX_ATTRIBUTE_NAME_BYTES = 150
MAX_ATTRIBUTE_VALUE_BYTES = 1_000

PERSON_KEYS = ("id", "email", "cio_id")
OBJECT_KEYS = (frozenset({"object_type_id", "object_id"}), frozenset({"cio_object_id"}))
DELIVERY_EVENTS = ("converted", "delivered", "opened")
DEVICE_PLATFORMS = ("android", "ios")

# 26 characters of Crockford's base 32, at most 128 bits: the first is 0 to 7.
_ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}", re.IGNORECASE | re.ASCII)


class Problem(msgspec.Struct, frozen=True):
    """One reason to refuse an operation; the three fields of an entry in ``errors``."""

    reason: str
    field: str
    message: str


def required(field: str) -> Problem:
    """The field is absent or null."""
    return Problem("required", field, "must be present")


def invalid(field: str, message: str) -> Problem:
    """The field is there, but breaks a rule."""
    return Problem("invalid", field, message)


def is_ulid(value: object) -> bool:
    """Whether ``value`` is a ULID, in either case of letters."""
    return isinstance(value, str) and _ULID.fullmatch(value) is not None


def seconds_or_none(value: object) -> int | None:
    """Integer Unix seconds, or None where the server takes its own time without an error."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def identifier_value(value: object, field: str) -> list[Problem]:
    """One identifier: a string, not empty, at most 150 bytes."""
    if not isinstance(value, str):
        return [invalid(field, "must be a string value")]
    if not value:
        return [invalid(field, "cannot be an empty string")]
    if utf8_size(value) > MAX_IDENTIFIER_BYTES:
        return [invalid(field, f"cannot be longer than {MAX_IDENTIFIER_BYTES} bytes")]
    return []


def person_identifiers(value: object, field: str = "identifiers") -> list[Problem]:
    """Exactly one of id, email, cio_id."""
    if not isinstance(value, dict):
        return [invalid(field, "must be an object")]
    if len(value) != 1 or not value.keys() <= set(PERSON_KEYS):
        return [invalid(field, "must have exactly one of id, email, cio_id")]
    return [
        problem
        for key, item in value.items()
        for problem in identifier_value(item, f"{field}.{key}")
    ]


def object_identifiers(value: object, field: str = "identifiers") -> list[Problem]:
    """Either object_type_id and object_id, or cio_object_id."""
    if not isinstance(value, dict):
        return [invalid(field, "must be an object")]
    if frozenset(value) not in OBJECT_KEYS:
        return [invalid(field, "must have object_type_id and object_id, or cio_object_id")]
    return [
        problem
        for key, item in value.items()
        for problem in identifier_value(item, f"{field}.{key}")
    ]


def delivery_identifiers(value: object, field: str = "identifiers") -> list[Problem]:
    """The id of a delivery."""
    if not isinstance(value, dict):
        return [invalid(field, "must be an object")]
    return identifier_value(value.get("id"), f"{field}.id")


def event_name(value: object, field: str = "name") -> list[Problem]:
    """A string, not blank, at most 100 bytes."""
    if not isinstance(value, str):
        return [invalid(field, "must be a string value")]
    if not value.strip():
        return [invalid(field, "must not be blank")]
    if utf8_size(value) > MAX_EVENT_NAME_BYTES:
        return [invalid(field, f"cannot be longer than {MAX_EVENT_NAME_BYTES} bytes")]
    return []


def delivery_event_name(value: object, field: str = "name") -> list[Problem]:
    """One of the three things that can happen to a delivery."""
    if value in DELIVERY_EVENTS:
        return []
    return [invalid(field, f"must be one of {', '.join(DELIVERY_EVENTS)}")]


def dedupe_id(value: object, field: str = "id") -> list[Problem]:
    """A ULID."""
    return [] if is_ulid(value) else [invalid(field, "must be a valid ULID")]


def event_data(value: object, field: str = "attributes") -> list[Problem]:
    """An object of any depth."""
    return [] if isinstance(value, dict) else [invalid(field, "event data must be a hash")]


def attributes(value: object, field: str = "attributes") -> list[Problem]:
    """At most 300 attributes; names up to 150 bytes, values up to 1000; `_update` not counted."""
    if not isinstance(value, dict):
        return [invalid(field, "must be an object")]
    counted = {name: item for name, item in value.items() if name != "_update"}
    problems: list[Problem] = []
    if len(counted) > MAX_ATTRIBUTES:
        message = f"cannot identify more than {MAX_ATTRIBUTES} attributes in one request"
        problems.append(invalid(field, message))
    for name, item in counted.items():
        if utf8_size(name) > MAX_ATTRIBUTE_NAME_BYTES:
            message = f"attribute name cannot be longer than {MAX_ATTRIBUTE_NAME_BYTES} bytes"
            problems.append(invalid(f"{field}.{name}", message))
        if attribute_size(item) > MAX_ATTRIBUTE_VALUE_BYTES:
            message = f"property value cannot be longer than {MAX_ATTRIBUTE_VALUE_BYTES} bytes"
            problems.append(invalid(f"{field}.{name}", message))
    if not isinstance(value.get("_update", False), bool):
        problems.append(invalid(f"{field}._update", "must be true or false"))
    return problems


def attribute_size(value: object) -> int:
    """Bytes that count against the limit: a string's own, anything else's compact JSON."""
    return utf8_size(value) if isinstance(value, str) else len(encode(value))


def device(value: object, field: str = "device") -> list[Problem]:
    """A token, and for a new device its platform."""
    if not isinstance(value, dict):
        return [invalid(field, "must be an object")]
    token = value.get("token")
    if not isinstance(token, str) or not token:
        return [invalid(f"{field}.token", "must be a string value")]
    return []


def new_device(value: object, field: str = "device") -> list[Problem]:
    """A device with its platform."""
    problems = device(value, field)
    if isinstance(value, dict) and value.get("platform") not in DEVICE_PLATFORMS:
        message = f"must be one of {', '.join(DEVICE_PLATFORMS)}"
        problems.append(invalid(f"{field}.platform", message))
    return problems


def relationships_to_objects(value: object, field: str = "cio_relationships") -> list[Problem]:
    """A person's side: a list of {identifiers of an object, relationship_attributes}."""
    return _relationships(value, field, to_person=False)


def relationships_to_people(value: object, field: str = "cio_relationships") -> list[Problem]:
    """An object's side: a list of {identifiers of a person, relationship_attributes}."""
    return _relationships(value, field, to_person=True)


def _relationships(value: Any, field: str, *, to_person: bool) -> list[Problem]:
    if not isinstance(value, list):
        return [invalid(field, "must be an array")]
    problems: list[Problem] = []
    for index, item in enumerate(value):
        place = f"{field}[{index}]"
        if not isinstance(item, dict):
            problems.append(invalid(place, "must be an object"))
            continue
        check = person_identifiers if to_person else object_identifiers
        problems += check(item.get("identifiers"), f"{place}.identifiers")
        if item.get("relationship_attributes") is not None:
            inner = f"{place}.relationship_attributes"
            problems += attributes(item["relationship_attributes"], inner)
    return problems
