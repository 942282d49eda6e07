"""What the tests of the sink share: operations, a lane whose time is not real, a scripted time."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from pipeline.local.customerio import CustomerIoStandIn, Match, Respond
from transforms.records import EventOperation, IdentifyOperation, Item, Operation
from transforms.sink.alarm import Alarm
from transforms.sink.batch import Pending
from transforms.sink.budget import RequestBudget
from transforms.sink.client import TrackClient
from transforms.sink.lane import Lane, Receipt
from transforms.tally import Tally
from transforms.ulid import event_ulid
from transforms.validate import validate_item

SITE_ID = "site-of-the-tests"
API_KEY = "key-that-nobody-may-see"
BASE_S = 1_700_000_000
"""When the first operation of a test happened, Unix seconds."""

LARGE = "x" * 32_000
"""As a property of an event: too large for a batch, so that the event goes alone."""


def credentials() -> tuple[str, str]:
    return SITE_ID, API_KEY


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


def pending(operation: Operation, owner: int = 0) -> Pending:
    return Pending(item(operation), owner, operation.timestamp * 1000)


def pendings(operations: Iterable[Operation]) -> list[Pending]:
    return [pending(operation, owner) for owner, operation in enumerate(operations)]


def shown(operation: Operation) -> dict[str, Any]:
    """An operation as Customer.io reads it."""
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(operation))
    return decoded


class FakeTime:
    """A clock that stands still but for `sleep`; `slept` lists the seconds."""

    def __init__(self, now: float = BASE_S + 3600.0) -> None:
        self.now = now
        self.slept: list[float] = []
        self.when_asleep: Callable[[], None] = lambda: None

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.when_asleep()
        self.now += seconds


class LaneUnderTest:
    """A lane to a stand-in: a real connection, but no real waiting."""

    def __init__(
        self,
        url: str,
        credentials: Callable[[], tuple[str, str]] = credentials,
        retry_for_s: float = 120.0,
        timeout_s: float = 10.0,
    ) -> None:
        self.time = FakeTime()
        self.lane = Lane(
            TrackClient(url, credentials, timeout_s),
            RequestBudget(0, self.time.clock, self.time.sleep),
            Alarm(self.time.clock),
            retry_for_s,
            self.time.clock,
            self.time.sleep,
        )
        self.lane.rng = random.Random(1)

    def deliver(
        self, operations: Iterable[Operation], max_items: int = 100, max_bytes: int = 475_000
    ) -> tuple[list[Receipt], Counter[str]]:
        return self.lane.deliver(pendings(operations), max_items=max_items, max_bytes=max_bytes)


def refused(receipts: Iterable[Receipt]) -> dict[int, str]:
    """What was refused: the position of its record -> Customer.io's words."""
    return {
        receipt.pending.owner: receipt.refused
        for receipt in receipts
        if receipt.refused is not None
    }


def taken(receipts: Iterable[Receipt]) -> list[int]:
    """The positions of the records that were taken, in ascending order."""
    return sorted(receipt.pending.owner for receipt in receipts if receipt.refused is None)


def event_names(stand_in: CustomerIoStandIn) -> list[str]:
    """The names of the events that arrived, in the order of arrival."""
    return [event.name for event in stand_in.workspace.events()]


def statuses(stand_in: CustomerIoStandIn) -> list[int]:
    """What the requests were answered with, in their order."""
    return [line.status for line in stand_in.workspace.requests()]


def refuse_requests_with(
    stand_in: CustomerIoStandIn, texts: Sequence[str], status: int = 400
) -> None:
    """From now on every request that holds one of `texts` is refused as a whole."""
    body = '{"meta":{"error":"something in it is wrong"}}'
    for text in texts:
        stand_in.faults.next(Respond(status, body=body), times=None, match=Match(contains=text))
