"""A lane to the stand-in, with a real connection but no real waiting, and what came of it."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from pipeline.local.customerio import CustomerIoStandIn, Match, Respond
from tests.transforms.sink.operations import BASE_S, event, identify, pendings
from transforms.records import Operation
from transforms.sink.alarm import Alarm
from transforms.sink.batch import Pending
from transforms.sink.budget import RequestBudget
from transforms.sink.client import TrackClient
from transforms.sink.keyring import Keyring
from transforms.sink.lane import Lane, Receipt
from transforms.sink.lanes import Lanes

SITE_ID = "site-of-the-tests"
API_KEY = "key-that-nobody-may-see"
PATIENT_S = 120.0
"""A request may take so long, so that none is given up but where a test wants it."""


def credentials() -> tuple[str, str]:
    return SITE_ID, API_KEY


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


class Settled(NamedTuple):
    """What became of an item."""

    pending: Pending
    refused: str | None
    """Customer.io's words; None when it took the item."""
    at_ms: int


def settled(receipts: Iterable[Receipt]) -> list[Settled]:
    """The items of receipts: of each those that were taken, then the others."""
    found = []
    for receipt in receipts:
        found += [Settled(pending, None, receipt.at_ms) for pending in receipt.taken]
        found += [Settled(pending, reason, receipt.at_ms) for pending, reason in receipt.refused]
    return found


def deliver(lanes: Lanes, operations: Iterable[Operation]) -> tuple[list[Settled], Counter[str]]:
    """Delivers a bundle of one part."""
    shipment = lanes.begin()
    shipment.send(pendings(operations), last=True)
    return settled(shipment.receipts()), shipment.counts()


class LaneUnderTest:
    """A lane to a stand-in: a real connection, but no real waiting."""

    def __init__(
        self,
        url: str,
        credentials: Callable[[], tuple[str, str]] = credentials,
        retry_for_s: float = 120.0,
        timeout_s: float = PATIENT_S,
    ) -> None:
        self.time = FakeTime()
        self.lane = Lane(
            TrackClient(url, Keyring(credentials, self.time.clock), timeout_s),
            RequestBudget(0, self.time.clock, self.time.sleep),
            Alarm(self.time.clock),
            retry_for_s,
            self.time.clock,
            self.time.sleep,
        )
        self.lane.rng = random.Random(1)

    def deliver(
        self, operations: Iterable[Operation], max_items: int = 100, max_bytes: int = 475_000
    ) -> tuple[list[Settled], Counter[str]]:
        run = self.lane.begin(max_items=max_items, max_bytes=max_bytes)
        run.deliver(pendings(operations), last=True)
        return settled(run.receipts), run.counts


@contextmanager
def lane_to(
    url: str,
    pair: tuple[str, str] = (SITE_ID, API_KEY),
    retry_for_s: float = 120.0,
    timeout_s: float = PATIENT_S,
) -> Iterator[LaneUnderTest]:
    """A lane that is closed in the end."""
    lane = LaneUnderTest(url, lambda: pair, retry_for_s, timeout_s)
    try:
        yield lane
    finally:
        lane.lane.close()


TWO: list[Operation] = [event(0), identify(1, a=1)]
"""An event and an identify of one person."""


def assert_two_arrived_once(stand_in: CustomerIoStandIn) -> None:
    assert event_names(stand_in) == ["E0"]
    [ada] = stand_in.workspace.people()
    assert ada.attributes == {"a": 1}


def refused(receipts: Iterable[Settled]) -> dict[int, str]:
    """What was refused: the position of its record -> Customer.io's words."""
    return {
        receipt.pending.owner: receipt.refused
        for receipt in receipts
        if receipt.refused is not None
    }


def taken(receipts: Iterable[Settled]) -> list[int]:
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
