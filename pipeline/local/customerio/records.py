"""What a workspace keeps besides people: events, refusals, counters, requests."""

from typing import Any

import msgspec


class Event(msgspec.Struct):
    """One event as it was applied.

    ``timestamp`` is Unix seconds; ``timestamp_replaced`` says that the sender's was unusable and
    the server took its own. ``identifiers`` are those of the call, ``cio_id`` the person's (None
    for an anonymous event that is nobody's yet). ``sequence`` counts from 1 as they arrive.
    """

    sequence: int
    kind: str
    name: str
    data: dict[str, Any]
    timestamp: int
    timestamp_replaced: bool
    received: float
    id: str | None
    identifiers: dict[str, str]
    cio_id: str | None


class Rejection(msgspec.Struct, frozen=True):
    """One problem of one refused operation.

    ``sequence`` counts problems from 1, ``index`` is the item's place in its batch, ``operation``
    its JSON, cut to 2000 characters. An operation that is sent again is refused again.
    """

    sequence: int
    received: float
    index: int
    reason: str
    field: str
    message: str
    operation: str


class Refusal(msgspec.Struct, frozen=True):
    """One item that an answer on order (`ItemErrors`) called refused, each time that it did.

    ``operation`` is its JSON as it was sent. ``applied``: it was carried out all the same, being
    the only item of a request whose answer named an index that it does not have.
    """

    operation: bytes
    applied: bool


class Identify(msgspec.Struct, frozen=True):
    """One identify of a person as it arrived, whatever became of it.

    ``timestamp`` as it was sent; ``outcome``: applied, stale or ignored.
    """

    identifiers: dict[str, str]
    attributes: dict[str, Any]
    timestamp: int | None
    outcome: str


class RequestLine(msgspec.Struct, frozen=True):
    """One line of the request log.

    ``status`` is 0 when there was no answer: a scripted reset, or a sender that broke off within
    its request. ``received`` is on the monotonic clock; ``items`` is 0 where the body could not
    be read as operations.
    """

    method: str
    path: str
    items: int
    bytes: int
    status: int
    received: float


class Counters(msgspec.Struct):
    """What became of requests and items.

    items = applied + rejected + duplicate_events + ignored_stale_identifies + ignored_operations.
    An item that is sent twice counts twice. ``ignored_operations`` were answered 200 and did
    nothing: `_update` without a match, a suppressed identifier, an unknown cio_id.
    """

    requests: int = 0
    items: int = 0
    applied: int = 0
    rejected: int = 0
    duplicate_events: int = 0
    ignored_stale_identifies: int = 0
    ignored_operations: int = 0
    identifier_conflicts: int = 0
    merged_events: int = 0
    timestamps_replaced: int = 0
    unauthorized: int = 0
    throttled: int = 0
