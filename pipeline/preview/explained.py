"""The types of a preview: plain data, made by `explain`, shown by `render` and `json_lines`."""

from typing import Final

from msgspec import Struct

from transforms.records import Operation

WOULD_BE_SENT: Final = "would be sent"
"""Stands for the ledger's `delivered`: only Customer.io's answer makes a record delivered."""


class Sending(Struct, frozen=True):
    """One operation as it would leave."""

    endpoint: str
    """Method and path of the request; the path is percent-encoded."""
    operation: Operation
    body: bytes
    """JSON: an item of the batch, or the whole body of a request of its own (v1)."""


class Note(Struct, frozen=True):
    """Something that the job counts beside the record's outcome."""

    name: str
    """A name of `transforms.reasons.BESIDE_THE_LEDGER`."""
    count: int
    detail: str
    """In words, with the names of the properties concerned."""


class Explained(Struct, frozen=True, kw_only=True):
    """What one record would become, and why."""

    message_id: str
    """`path:line` for a record of a file."""
    position: int
    """The record's place in its message, from 1."""
    of: int
    """How many records the message holds."""
    kind: str
    """What the record is: event, user update, group update, cohort message, unknown record, or
    unreadable input."""
    name: str | None
    """The event type of an event; else None."""
    outcome: str
    """WOULD_BE_SENT, or one of `transforms.reasons.OUTCOMES`."""
    stage: str
    """The stage at which its way ended; `deliver` where an operation would be sent."""
    reason: str
    """Why, with the concrete cause; empty where everything would be sent."""
    input: str | None = None
    """The beginning of an unreadable input, without its `api_key`; else None."""
    sendings: tuple[Sending, ...] = ()
    left_behind: dict[str, tuple[str, ...]] = {}
    """Setting -> names of the record's properties that it does not select."""
    notes: tuple[Note, ...] = ()
