"""Packing without sending: the requests that deliveries would take, and what would become of each.

Parts, lanes and requests are made by the sink's own code. Only the last step is another one: every
request counts as taken, once, at its first attempt.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from typing import ParamSpec, TypeVar

from msgspec import Struct

from transforms.reasons import COALESCED, DELIVERED, weightiest
from transforms.records import Delivery
from transforms.sink.batch import BATCH_PATH, Packer, Pending, Request
from transforms.sink.lane import Receipt
from transforms.sink.lanes import DeliveryPolicy
from transforms.sink.shipment import Shipment
from transforms.sink.sink import PART_BYTES, PART_ITEMS

P = ParamSpec("P")
T = TypeVar("T")


class Packing:
    """The requests of bundle after bundle. `outcomes` and `counts` are final after `end_bundle`."""

    def __init__(self, policy: DeliveryPolicy) -> None:
        self._policy = policy
        self._threads = [_AtOnce()] * policy.lanes
        self.outcomes: Counter[str] = Counter()
        """Of the records that reached the sink, in the ledger's names."""
        self.requests = 0
        self.single_requests = 0
        """Requests with one event each, too large for a batch."""
        self.items = 0
        """Operations in them."""
        self.bytes = 0
        """Of their bodies."""
        self.largest_bytes = 0
        """Of one body."""
        self._begin()

    def _begin(self) -> None:
        policy = self._policy
        self._runs = [
            _TakenRun(policy.max_batch_items, policy.max_batch_bytes) for _ in range(policy.lanes)
        ]
        alone = policy.max_batch_items if policy.one_bundle_at_a_time else None
        self._shipment = Shipment(self._runs, self._threads, alone)
        self._part: list[Pending] = []
        self._part_bytes = 0

    def add(self, delivery: Delivery) -> None:
        """Takes a record's operations, in the order in which the sink would get them."""
        waiting = _Waiting(len(delivery.items), delivery.fallen)
        person_ms = delivery.person_time_ms
        for item in delivery.items:
            time_ms = person_ms if person_ms and item.identify else delivery.time_ms
            self._part.append(Pending(item, waiting, time_ms))
            self._part_bytes += len(item.body)
        if not delivery.items:
            self.outcomes[weightiest(waiting.outcomes)] += 1
        if self._part_bytes >= PART_BYTES or len(self._part) >= PART_ITEMS:
            self._send(last=False)

    def end_bundle(self) -> None:
        """Packs what is left over, as the sink does at the end of a bundle."""
        self._send(last=True)
        for run in self._runs:
            self.requests += run.requests
            self.single_requests += run.single_requests
            self.items += run.items
            self.bytes += run.bytes
            self.largest_bytes = max(self.largest_bytes, run.largest_bytes)
        self._begin()

    def _send(self, *, last: bool) -> None:
        part, self._part, self._part_bytes = self._part, [], 0
        self._shipment.send(part, last=last)
        for receipt in self._shipment.receipts():
            for pending in receipt.taken:
                for one in pending.parts[:-1]:
                    self._settle(one.owner, COALESCED)
                self._settle(pending.owner, DELIVERED)

    def _settle(self, waiting: "_Waiting", outcome: str) -> None:
        waiting.outcomes += (outcome,)
        waiting.left -= 1
        if waiting.left == 0:
            self.outcomes[weightiest(waiting.outcomes)] += 1


class _Waiting(Struct, gc=False):
    """A record that waits for its operations."""

    left: int
    outcomes: tuple[str, ...]


class _TakenRun:
    """The items of a bundle in one lane whose requests are all taken."""

    def __init__(self, max_items: int, max_bytes: int) -> None:
        self._packer = Packer(max_items=max_items, max_bytes=max_bytes)
        self.receipts: deque[Receipt] = deque()
        self.counts: Counter[str] = Counter()
        self.requests = self.single_requests = self.items = self.bytes = self.largest_bytes = 0

    def deliver(self, pendings: Iterable[Pending], *, last: bool) -> None:
        """Packs items; unless they are the last ones, those that fill no request wait for more."""
        for request in self._packer.pack(pendings):
            self._take(request)
        if last:
            for request in self._packer.rest():
                self._take(request)

    def _take(self, request: Request) -> None:
        size = len(request.body())
        self.requests += 1
        self.single_requests += request.path != BATCH_PATH
        self.items += len(request.pendings)
        self.bytes += size
        self.largest_bytes = max(self.largest_bytes, size)
        self.receipts.append(Receipt(request.pendings, (), 0))


class _AtOnce(Executor):
    """Runs what it is given at once, in the caller's thread."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future
