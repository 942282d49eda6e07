"""Validate: no operation leaves that Customer.io would refuse or cut for its size."""

from collections.abc import Callable
from functools import partial
from typing import Literal

import msgspec

from transforms.build import UPDATE_ONLY
from transforms.deadletter import dead_letter
from transforms.limits import (
    MAX_ATTRIBUTE_NAME_BYTES,
    MAX_ATTRIBUTE_VALUE_BYTES,
    MAX_ATTRIBUTES,
    MAX_EVENT_DATA_BYTES,
    MAX_EVENT_NAME_BYTES,
    MAX_IDENTIFIER_BYTES,
    MAX_ITEM_BYTES,
    cut_to_bytes,
    value_bytes,
)
from transforms.records import (
    Built,
    Delivery,
    EventOperation,
    IdentifyOperation,
    Item,
    Json,
    Operation,
    Record,
    RelationshipsOperation,
    Settled,
)
from transforms.resolve import ANONYMOUS_ID, person_key
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally

OnViolation = Literal["dead_letter", "trim"]

_STAGE = "validate"
_replace = msgspec.structs.replace


class LimitError(ValueError):
    """An operation breaks a limit. `args`: the dead letter's reason, and the detail."""


def validate_item(operation: Operation, on_violation: OnViolation, tally: Tally) -> Item:
    """The operation, within all limits and encoded once. Raises LimitError."""
    body = msgspec.json.encode(operation)
    if not _surely_within_limits(operation, len(body)):
        body = msgspec.json.encode(_within_limits(operation, tally, trim=on_violation == "trim"))
    identifiers = operation.identifiers
    if type(operation) is EventOperation:
        alone = len(body) > MAX_ITEM_BYTES or ANONYMOUS_ID in identifiers
        return Item(body, person_key(identifiers), identify=False, alone=alone)
    if len(body) > MAX_ITEM_BYTES:
        raise LimitError(
            "item_too_large", _over(len(body), MAX_ITEM_BYTES, f"the {_name(operation)} has")
        )
    if operation.type == "object":
        return Item(body, _object_key(identifiers), identify=False, alone=False)
    identify = type(operation) is IdentifyOperation
    return Item(body, person_key(identifiers), identify, alone=False)


def _name(operation: Operation) -> str:
    return "identify" if isinstance(operation, IdentifyOperation) else "relationships"


def _object_key(identifiers: dict[str, str]) -> str:
    """One text an object: what changes one leaves in the order of its time."""
    return f"object:{identifiers['object_type_id']}:{identifiers['object_id']}"


def _surely_within_limits(operation: Operation, size: int) -> bool:
    """Whether nothing of an operation can be over a limit, judged by its size and its names.

    `size`: of its JSON, in bytes. No part of it is larger than the whole, and a character takes up
    to four bytes. True of nearly all; the others are looked at part by part.
    """
    if type(operation) is EventOperation:
        return size <= MAX_ITEM_BYTES and value_bytes(operation.name) <= MAX_EVENT_NAME_BYTES
    if isinstance(operation, RelationshipsOperation) or operation.type == "object":
        # Their identifiers have to be looked at too.
        return False
    names = operation.attributes
    return (
        size <= MAX_ATTRIBUTE_VALUE_BYTES
        and len(names) <= MAX_ATTRIBUTES
        and max(map(len, names), default=0) * 4 <= MAX_ATTRIBUTE_NAME_BYTES
    )


def _within_limits(operation: Operation, tally: Tally, *, trim: bool) -> Operation:
    if isinstance(operation, EventOperation):
        return _event_within_limits(operation, tally, trim=trim)
    if isinstance(operation, RelationshipsOperation):
        for relationship in operation.cio_relationships:
            _check_object_id(relationship.identifiers.object_id)
        return operation
    if operation.type == "object":
        _check_object_id(operation.identifiers["object_id"])
    return _identify_within_limits(operation, tally, trim=trim)


def _check_object_id(object_id: str) -> None:
    """Raises LimitError; an identifier is never trimmed."""
    size = value_bytes(object_id)
    if size > MAX_IDENTIFIER_BYTES:
        detail = _over(size, MAX_IDENTIFIER_BYTES, "the name of a group has")
        raise LimitError("identifier_too_long", detail)


def _event_within_limits(event: EventOperation, tally: Tally, *, trim: bool) -> EventOperation:
    size = value_bytes(event.name)
    if size > MAX_EVENT_NAME_BYTES:
        if not trim:
            detail = _over(size, MAX_EVENT_NAME_BYTES, "the event name has")
            raise LimitError("event_name_too_long", detail)
        event = _replace(event, name=cut_to_bytes(event.name.strip(), MAX_EVENT_NAME_BYTES))
        tally.add("trimmed.event_name_too_long")
    size = len(msgspec.json.encode(event.attributes))
    if size > MAX_EVENT_DATA_BYTES:
        if not trim:
            detail = _over(size, MAX_EVENT_DATA_BYTES, "the event's data has")
            raise LimitError("event_data_too_large", detail)
        event = _replace(event, attributes=_without_largest(event.attributes, size))
        tally.add("trimmed.event_data_too_large")
    return event


def _without_largest(data: Json, size: int) -> Json:
    """`data`, encoded `size` bytes, without its largest properties until it is within the limit.

    Of two equally large ones the later one goes first.
    """
    sizes = [
        (value_bytes(name) + len(msgspec.json.encode(value)), position, name)
        for position, (name, value) in enumerate(data.items())
    ]
    dropped = set()
    for _size, _position, name in sorted(sizes, reverse=True):
        if size <= MAX_EVENT_DATA_BYTES:
            break
        # Encoded, a property takes its name, a colon, its value and a comma.
        size -= len(msgspec.json.encode(name)) + len(msgspec.json.encode(data[name])) + 2
        dropped.add(name)
    return {name: value for name, value in data.items() if name not in dropped}


def _identify_within_limits(
    identify: IdentifyOperation, tally: Tally, *, trim: bool
) -> IdentifyOperation:
    given = identify.attributes
    attributes = {name: value for name, value in given.items() if name != UPDATE_ONLY}
    faults: list[tuple[str, str]] = []
    if len(attributes) > MAX_ATTRIBUTES:
        detail = f"{len(attributes)} attributes; {MAX_ATTRIBUTES} are allowed"
        faults.append(("too_many_attributes", detail))
        attributes = dict(list(attributes.items())[:MAX_ATTRIBUTES])
    for name, value in list(attributes.items()):
        if (size := value_bytes(name)) > MAX_ATTRIBUTE_NAME_BYTES:
            detail = _over(size, MAX_ATTRIBUTE_NAME_BYTES, "an attribute's name has")
            faults.append(("attribute_name_too_long", detail))
            del attributes[name]
        elif (size := value_bytes(value)) > MAX_ATTRIBUTE_VALUE_BYTES:
            detail = _over(size, MAX_ATTRIBUTE_VALUE_BYTES, f"attribute {name!r} has")
            faults.append(("attribute_value_too_long", detail))
            del attributes[name]
    if not faults:
        return identify
    if not trim:
        raise LimitError(*min(faults, key=_rank))
    if not attributes:
        # The last trim took what the others had left.
        raise LimitError(*max(faults, key=_rank))
    for reason, _detail in faults:
        tally.add(f"trimmed.{reason}")
    if UPDATE_ONLY in given:
        attributes[UPDATE_ONLY] = True
    return _replace(identify, attributes=attributes)


_IDENTIFY_ORDER = ("too_many_attributes", "attribute_name_too_long", "attribute_value_too_long")


def _rank(fault: tuple[str, str]) -> int:
    return _IDENTIFY_ORDER.index(fault[0])


def _over(size: int, limit: int, what: str) -> str:
    return f"{what} {size} bytes; {limit} are allowed"


def validate(built: Built, on_violation: OnViolation, tally: Tally) -> Delivery | Settled:
    """The operations of a record that may leave.

    A record of two operations, one of them over a limit: the other goes on, and the dead letter of
    the first travels with it, so that the record is settled once.
    """
    items: list[Item] = []
    faults: list[Settled] = []
    for operation in built.operations:
        try:
            items.append(validate_item(operation, on_violation, tally))
        except LimitError as error:
            faults.append(_refused(error, built.record))
    person_ms = built.person_time_ms
    if not faults and not built.filtered:
        return Delivery(built.record.origin, built.time_ms, tuple(items), person_time_ms=person_ms)
    if not items:
        return faults[0]
    fallen = [fault.outcome for fault in faults]
    if built.filtered:
        fallen.append(built.filtered)
    letters = tuple(fault.letter for fault in faults if fault.letter)
    return Delivery(
        built.record.origin, built.time_ms, tuple(items), tuple(fallen), letters, person_ms
    )


def _refused(error: LimitError, record: Record) -> Settled:
    reason, detail = error.args
    return dead_letter(reason, detail, stage=_STAGE, record=record)


class _ValidateDoFn(StageDoFn[Built, Delivery]):
    stage = _STAGE

    def __init__(self, on_violation: OnViolation) -> None:
        self._on_violation = on_violation

    def bind(self, tally: Tally) -> Callable[[Built], Delivery | Settled]:
        return partial(validate, on_violation=self._on_violation, tally=tally)


class ValidateSizes(Stage):
    """Built -> Delivery. `on_violation`: what happens to an operation over a limit."""

    def __init__(self, on_violation: OnViolation = "dead_letter") -> None:
        super().__init__(_ValidateDoFn(on_violation), Built, Delivery)
