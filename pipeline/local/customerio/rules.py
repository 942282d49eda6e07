"""The rules of a whole operation of Track API v2: `check_operation`.

`object/identify_anonymous` relates an object to somebody with an anonymous_id only; the rest of
the table is the OpenAPI document's list of types and actions.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pipeline.local.customerio import fields
from pipeline.local.customerio.fields import Problem, invalid, required

# "32 kb" and "500 kb" in the documentation; 1000 is the reading that nobody can refuse.
MAX_ITEM_BYTES = 32_000
MAX_BATCH_BYTES = 500_000

Check = Callable[[object], list[Problem]]


class Shape(NamedTuple):
    """What an operation must have and may have, by field, with the rule of each."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check] = {}


def _person(optional: Mapping[str, Check] | None = None, **more: Check) -> Shape:
    return Shape({"identifiers": fields.person_identifiers, **more}, optional or {})


def _object(optional: Mapping[str, Check] | None = None, **more: Check) -> Shape:
    return Shape({"identifiers": fields.object_identifiers, **more}, optional or {})


def _array(value: object) -> list[Problem]:
    return [] if isinstance(value, list) else [invalid("cio_relationships", "must be an array")]


def _primary(value: object) -> list[Problem]:
    return fields.person_identifiers(value, "primary")


def _secondary(value: object) -> list[Problem]:
    return fields.person_identifiers(value, "secondary")


_EVENT = _person({"id": fields.dedupe_id, "attributes": fields.event_data}, name=fields.event_name)
_TO_OBJECTS = _person(cio_relationships=fields.relationships_to_objects)
_TO_PEOPLE = _object(cio_relationships=fields.relationships_to_people)
_OBJECT_IDENTIFY: Mapping[str, Check] = {
    "attributes": fields.attributes,
    "cio_relationships": fields.relationships_to_people,
}

SHAPES: Mapping[tuple[str, str], Shape] = {
    ("person", "identify"): _person(
        {
            "attributes": fields.attributes,
            "cio_relationships": fields.relationships_to_objects,
        }
    ),
    ("person", "event"): _EVENT,
    ("person", "page"): _EVENT,
    ("person", "screen"): _EVENT,
    ("person", "delete"): _person(),
    ("person", "suppress"): _person(),
    ("person", "unsuppress"): _person(),
    ("person", "add_relationships"): _TO_OBJECTS,
    ("person", "delete_relationships"): _TO_OBJECTS,
    ("person", "add_device"): _person(device=fields.new_device),
    ("person", "delete_device"): _person(device=fields.device),
    ("person", "merge"): Shape({"primary": _primary, "secondary": _secondary}),
    ("object", "identify"): _object(_OBJECT_IDENTIFY),
    ("object", "identify_anonymous"): _object(
        {"attributes": fields.attributes, "cio_relationships": _array}
    ),
    ("object", "delete"): _object(),
    ("object", "add_relationships"): _TO_PEOPLE,
    ("object", "delete_relationships"): _TO_PEOPLE,
    ("delivery", "event"): Shape(
        {"identifiers": fields.delivery_identifiers, "name": fields.delivery_event_name}
    ),
}
TYPES = tuple(dict.fromkeys(kind for kind, _ in SHAPES))


def check_operation(operation: object, wire_bytes: int) -> list[Problem]:
    """Everything that is wrong with one operation; an empty list is a valid one.

    ``operation`` is decoded JSON, ``wire_bytes`` the size it had as it was sent. A wrong
    timestamp is no problem here: the server takes its own time instead and says nothing.
    """
    if not isinstance(operation, dict):
        return [invalid("", "an operation must be an object")]
    problems: list[Problem] = []
    if wire_bytes > MAX_ITEM_BYTES:
        problems.append(invalid("", f"an operation cannot be larger than {MAX_ITEM_BYTES} bytes"))
    kind, action = operation.get("type"), operation.get("action")
    if kind not in TYPES:
        return [*problems, _unknown("type", kind, TYPES)]
    shape = SHAPES.get((kind, action)) if isinstance(action, str) else None
    if shape is None:
        known = tuple(name for owner, name in SHAPES if owner == kind)
        return [*problems, _unknown("action", action, known)]
    return problems + _check_fields(operation, shape)


def _unknown(field: str, value: object, known: tuple[str, ...]) -> Problem:
    return (
        required(field) if value is None else invalid(field, f"must be one of {', '.join(known)}")
    )


def _check_fields(operation: dict[str, Any], shape: Shape) -> list[Problem]:
    problems: list[Problem] = []
    for field, check in shape.required.items():
        value = operation.get(field)
        problems += [required(field)] if value is None else check(value)
    for field, check in shape.optional.items():
        value = operation.get(field)
        if value is not None:
            problems += check(value)
    return problems
