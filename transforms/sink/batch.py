"""Packing operations into requests: by number, by bytes, and one identify a person."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Struct

from transforms.build import UPDATE_ONLY
from transforms.limits import MAX_ATTRIBUTES, MAX_ITEM_BYTES
from transforms.records import EventOperation, IdentifyOperation, Item, Operation
from transforms.resolve import ANONYMOUS_ID, person_key

BATCH_PATH = "/api/v2/batch"
ANONYMOUS_PATH = "/api/v1/events"
_ANONYMOUS = person_key({ANONYMOUS_ID: ""})
_OPEN, _CLOSE = b'{"batch":[', b"]}"
_FRAME_BYTES = len(_OPEN) + len(_CLOSE) - 1
"""Less the comma that the last item lacks."""


class Pending(Struct, gc=False):
    """An item on its way."""

    item: Item
    owner: Any
    """Who waits for it; what that is, is the sender's own business."""
    time_ms: int
    parts: tuple["Pending", ...] = ()
    """The identifies that were made one, oldest first; empty for an item of its own."""


class Request:
    """One request to the Track API and the items in it."""

    __slots__ = ("path", "pendings", "tries")

    def __init__(self, pendings: Sequence[Pending], tries: int = 0) -> None:
        self.pendings = pendings
        self.path = _v1_path(pendings[0].item.operation) if pendings[0].item.alone else BATCH_PATH
        self.tries = tries
        """Requests that have held these items, it and those that it was split out of."""

    def body(self) -> bytes:
        """The request's body, encoded."""
        first = self.pendings[0].item
        if first.alone:
            return _v1_body(first.operation)
        return _OPEN + b",".join([pending.item.body for pending in self.pendings]) + _CLOSE

    def halves(self) -> tuple["Request", "Request"]:
        """Two requests with half of the items each. Needs two items at least."""
        middle = len(self.pendings) // 2
        first, second = self.pendings[:middle], self.pendings[middle:]
        return Request(first, self.tries), Request(second, self.tries)


def _v1_path(operation: Operation) -> str:
    # In v1 the identifier's type is read off its shape: cio_ marks a cio_id.
    [(kind, value)] = operation.identifiers.items()
    if kind == ANONYMOUS_ID:
        return ANONYMOUS_PATH
    text = quote(f"cio_{value}" if kind == "cio_id" else value, safe="").replace(".", "%2E")
    return f"/api/v1/customers/{text}/events"


def _v1_body(operation: Operation) -> bytes:
    if not isinstance(operation, EventOperation):
        raise TypeError("only an event goes through the v1 events endpoints")
    anonymous = operation.identifiers if ANONYMOUS_ID in operation.identifiers else {}
    return msgspec.json.encode(
        anonymous
        | {
            "name": operation.name,
            "id": operation.id,
            "timestamp": operation.timestamp,
            "data": operation.attributes,
        }
    )


class Packer:
    """Packs items into requests, in their order; what does not fill one waits for more.

    Identifies of one person within one request become one, where the first of them stands.
    """

    def __init__(self, *, max_items: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_bytes = max_bytes
        self._batch: list[Pending] = []
        self._identify_at: dict[str, int] = {}
        self._size = _FRAME_BYTES

    def pack(self, pendings: Iterable[Pending]) -> Iterator[Request]:
        """The requests that these items fill, with those that were left over before."""
        for pending in pendings:
            item = pending.item
            if item.alone:
                # Nothing of somebody anonymous waits in a batch that they could overtake; and if
                # each of them ended one, there would be no full requests any more.
                if not item.person.startswith(_ANONYMOUS):
                    yield from self.rest()
                yield Request([pending])
                continue
            if item.identify and self._coalesces(pending):
                continue
            size = len(item.body) + 1
            if self._batch and self._size + size > self._max_bytes:
                yield from self.rest()
            if item.identify:
                self._note_newest(pending)
            self._size += size
            self._batch.append(pending)
            if len(self._batch) >= self._max_items:
                yield from self.rest()

    def rest(self) -> Iterator[Request]:
        """The request with what is left over, if there is something."""
        batch, self._batch, self._identify_at, self._size = self._batch, [], {}, _FRAME_BYTES
        if batch:
            yield Request(batch)

    def _note_newest(self, pending: Pending) -> None:
        """Notes where the newest identify of a person stands; this one comes next."""
        person = pending.item.person
        position = self._identify_at.get(person)
        if position is None or self._batch[position].time_ms <= pending.time_ms:
            self._identify_at[person] = len(self._batch)

    def _coalesces(self, pending: Pending) -> bool:
        """Makes an identify one with that of the same person, if there is one and it fits."""
        position = self._identify_at.get(pending.item.person)
        if position is None:
            return False
        earlier = self._batch[position]
        if pending.time_ms < earlier.time_ms:
            # What is left over of one part is its newest, and the next part begins with its oldest:
            # made one, the older values would win, under the newer time.
            return False
        merged = coalesce(earlier, pending)
        if merged is None:
            return False
        grown = self._size - len(earlier.item.body) + len(merged.item.body)
        if grown > self._max_bytes:
            return False
        self._batch[position] = merged
        self._size = grown
        return True


def coalesce(earlier: Pending, later: Pending) -> Pending | None:
    """One identify for two of the same person, the later winning per attribute.

    None where one identify cannot hold both: together over a limit, each with a device of its own,
    or only one of them may create the person.
    """
    first, second = earlier.item.operation, later.item.operation
    if not isinstance(first, IdentifyOperation) or not isinstance(second, IdentifyOperation):
        return None
    if first.timestamp is UNSET or second.timestamp is UNSET:
        return None
    if first.attributes.get(UPDATE_ONLY) != second.attributes.get(UPDATE_ONLY):
        return None
    devices = [
        each.attributes[ANONYMOUS_ID] for each in (first, second) if ANONYMOUS_ID in each.attributes
    ]
    if len(devices) == 2 and devices[0] != devices[1]:
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
        Item(body, later.item.person, identify=True, alone=False),
        later.owner,
        later.time_ms,
        (*(earlier.parts or (earlier,)), later),
    )
