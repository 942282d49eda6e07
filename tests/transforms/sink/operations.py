"""Operations, items and requests for the tests of the sink."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tests.packing import pack
from transforms.records import EventOperation, IdentifyOperation, Item, Operation, time_of
from transforms.sink.batch import Pending, Request
from transforms.tally import Tally
from transforms.ulid import event_ulid
from transforms.validate import validate_item

BASE_S = 1_700_000_000
"""When the first operation of a test happened, Unix seconds."""

LARGE = "x" * 32_000
"""As a property of an event: too large for a batch, so that the event goes alone."""


def event(
    number: int = 0, identifiers: dict[str, str] | None = None, **attributes: Any
) -> EventOperation:
    """The event named E<number>, `number` seconds after the first; its ULID is its own."""
    return EventOperation(
        identifiers=identifiers or {"id": "ada"},
        name=f"E{number}",
        id=event_ulid({"$insert_id": str(number)}, (BASE_S + number) * 1000),
        timestamp=BASE_S + number,
        attributes=attributes,
    )


def identify(
    number: int = 0, identifiers: dict[str, str] | None = None, **attributes: Any
) -> IdentifyOperation:
    """An identify, `number` seconds after the first operation."""
    return IdentifyOperation(
        identifiers=identifiers or {"id": "ada"},
        attributes=attributes,
        timestamp=BASE_S + number,
    )


def item(operation: Operation) -> Item:
    """The operation as the stage before the sink hands it on."""
    return validate_item(operation, "dead_letter", Tally())


def time_ms(operation: Operation) -> int:
    """When an operation happened, Unix milliseconds; what has no time is of the first moment."""
    seconds = time_of(operation)
    return (BASE_S if seconds is None else seconds) * 1000


def pending(operation: Operation, owner: int = 0) -> Pending:
    return Pending(item(operation), owner, time_ms(operation))


def pendings(operations: Iterable[Operation]) -> list[Pending]:
    return [pending(operation, owner) for owner, operation in enumerate(operations)]


def shown(operation: Operation) -> dict[str, Any]:
    """An operation as Customer.io reads it."""
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(operation))
    return decoded


def requests_of(
    operations: Sequence[Operation], max_items: int = 100, max_bytes: int = 475_000
) -> list[Request]:
    return pack(pendings(operations), max_items=max_items, max_bytes=max_bytes)


def items_of(request: Request) -> list[dict[str, Any]]:
    """The items of a request's body."""
    body = msgspec.json.decode(request.body())
    assert list(body) == ["batch"]
    items: list[dict[str, Any]] = body["batch"]
    return items
