"""Packing operations into requests: by number, by bytes, and one identify a person."""

from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

import msgspec

from transforms.build import UPDATE_ONLY
from transforms.limits import MAX_ATTRIBUTES, MAX_ITEM_BYTES
from transforms.records import EventOperation, IdentifyOperation, Item, Operation

BATCH_PATH = "/api/v2/batch"
_OPEN, _CLOSE = b'{"batch":[', b"]}"
_FRAME_BYTES = len(_OPEN) + len(_CLOSE)


class Pending:
    """An item on its way, and the record that waits for it."""

    __slots__ = ("item", "owner", "parts", "time_ms", "tries")

    def __init__(
        self, item: Item, owner: int, time_ms: int, parts: tuple["Pending", ...] = ()
    ) -> None:
        self.item = item
        self.owner = owner
        """The position of its record in the bundle."""
        self.time_ms = time_ms
        self.parts = parts
        """The identifies that were made one, oldest first; empty for an item of its own."""
        self.tries = 0
        """Requests that have held it."""


class Request:
    """One request to the Track API and the items in it."""

    __slots__ = ("path", "pendings")

    def __init__(self, pendings: Sequence[Pending]) -> None:
        self.pendings = pendings
        self.path = _v1_path(pendings[0].item.operation) if pendings[0].item.alone else BATCH_PATH

    def body(self) -> bytes:
        """The request's body, encoded."""
        first = self.pendings[0].item
        if first.alone:
            return _v1_body(first.operation)
        return _OPEN + b",".join([pending.item.body for pending in self.pendings]) + _CLOSE

    def halves(self) -> tuple["Request", "Request"]:
        """Two requests with half of the items each. Needs two items at least."""
        middle = len(self.pendings) // 2
        return Request(self.pendings[:middle]), Request(self.pendings[middle:])


def person_key(identifiers: dict[str, str]) -> str:
    """One text a person, the same for every spelling of an e-mail address."""
    [(kind, value)] = identifiers.items()
    return f"{kind}:{value.casefold() if kind == 'email' else value}"


def _v1_path(operation: Operation) -> str:
    # In v1 the identifier's type is read off its shape: cio_ marks a cio_id.
    [(kind, value)] = operation.identifiers.items()
    text = quote(f"cio_{value}" if kind == "cio_id" else value, safe="").replace(".", "%2E")
    return f"/api/v1/customers/{text}/events"


def _v1_body(operation: Operation) -> bytes:
    if not isinstance(operation, EventOperation):
        raise TypeError("only an event goes through the v1 events endpoint")
    return msgspec.json.encode(
        {
            "name": operation.name,
            "id": operation.id,
            "timestamp": operation.timestamp,
            "data": operation.attributes,
        }
    )


def pack(pendings: Iterable[Pending], *, max_items: int, max_bytes: int) -> Iterator[Request]:
    """Requests for items in their order.

    Identifies of one person within one request become one, where the first of them stands.
    """
    batch: list[Pending] = []
    identify_at: dict[str, int] = {}
    size = _FRAME_BYTES
    for pending in pendings:
        item = pending.item
        if item.alone:
            if batch:
                yield Request(batch)
                batch, identify_at, size = [], {}, _FRAME_BYTES
            yield Request([pending])
            continue
        if len(batch) >= max_items:
            yield Request(batch)
            batch, identify_at, size = [], {}, _FRAME_BYTES
        person = person_key(item.operation.identifiers)
        is_identify = isinstance(item.operation, IdentifyOperation)
        if is_identify and person in identify_at:
            position = identify_at[person]
            merged = coalesce(batch[position], pending)
            grown = size - len(batch[position].item.body) + len(merged.item.body) if merged else 0
            if merged and grown <= max_bytes:
                batch[position] = merged
                size = grown
                continue
        if batch and size + len(item.body) + 1 > max_bytes:
            yield Request(batch)
            batch, identify_at, size = [], {}, _FRAME_BYTES
        if is_identify:
            identify_at[person] = len(batch)
        size += len(item.body) + (1 if batch else 0)
        batch.append(pending)
    if batch:
        yield Request(batch)


def coalesce(earlier: Pending, later: Pending) -> Pending | None:
    """One identify for two of the same person, the later winning per attribute.

    None where one identify cannot hold both: together over a limit, or only one of them may create
    the person.
    """
    first, second = earlier.item.operation, later.item.operation
    if not isinstance(first, IdentifyOperation) or not isinstance(second, IdentifyOperation):
        return None
    if first.attributes.get(UPDATE_ONLY) != second.attributes.get(UPDATE_ONLY):
        return None
    attributes = first.attributes | second.attributes
    if len(attributes) - (UPDATE_ONLY in attributes) > MAX_ATTRIBUTES:
        return None
    merged = msgspec.structs.replace(
        second, attributes=attributes, timestamp=max(first.timestamp, second.timestamp)
    )
    body = msgspec.json.encode(merged)
    if len(body) > MAX_ITEM_BYTES:
        return None
    return Pending(
        Item(merged, body, alone=False),
        later.owner,
        later.time_ms,
        (*(earlier.parts or (earlier,)), later),
    )
