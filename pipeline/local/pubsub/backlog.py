"""The messages of one subscription: waiting, leased, done. No locks, no clock, no gRPC."""

import heapq
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from pipeline.local.pubsub.limits import MAX_PULL_BYTES
from pipeline.local.pubsub.model import Consumer, Delivery, Message, SubscriptionStats

_RELEASED: Final = Message("", b"", {}, "", 0)
_ACK_ID_LENGTH = 164
_OVERHEAD_BYTES = 256
"""What a delivery weighs beside the publisher's bytes: ack id, message id, time, framing."""
_SPARE_EXPIRIES = 1_000


def weight(message: Message) -> int:
    """Bytes that a message takes in a response, about."""
    size = _OVERHEAD_BYTES + len(message.data)
    if message.attributes:
        size += sum(len(key) + len(value) for key, value in message.attributes.items())
    return size


class _Lane:
    """The messages of one ordering key.

    Either ``head`` stands in the ready queue, or some are leased and the key is blocked. Those in
    ``pending`` come after both, in the order of publishing.
    """

    __slots__ = ("head", "key", "leased", "pending")

    def __init__(self, key: str) -> None:
        self.key = key
        self.head: _Entry | None = None
        self.leased: dict[_Entry, None] = {}
        self.pending: deque[_Entry] = deque()


class _Entry:
    """A message and its state: waiting, leased (``lease_ends`` is set) or done."""

    __slots__ = (
        "ack_id",
        "attempts",
        "consumer",
        "done",
        "lane",
        "lease_ends",
        "message",
        "number",
        "size",
    )

    def __init__(self, message: Message, number: int, lane: _Lane | None) -> None:
        self.message = message
        self.number = number
        self.lane = lane
        self.size = weight(message)
        self.ack_id = ""
        self.attempts = 0
        self.lease_ends: float | None = None
        self.consumer: Consumer | None = None
        self.done = False


class Backlog:
    """Delivers every message until it is acknowledged; times are seconds of any monotonic clock.

    With ``ordered``, the next message of an ordering key is handed out only after all earlier ones
    are acknowledged, or together with them in one take; when one of them comes back, the later ones
    that are still leased come back with it. ``ack_id_prefix`` makes the ack ids of this backlog
    different from those of any other; they are as long as the longest of the real service (164).
    """

    def __init__(self, ack_deadline_s: float, ordered: bool, ack_id_prefix: str) -> None:
        self._ack_deadline_s = ack_deadline_s
        self._ordered = ordered
        self._prefix = ack_id_prefix
        self._digits = _ACK_ID_LENGTH - len(ack_id_prefix)
        self._ready: deque[_Entry] = deque()
        self._lanes: dict[str, _Lane] = {}
        self._by_ack_id: dict[str, _Entry] = {}
        self._expiries: list[tuple[float, str]] = []
        self._published = 0
        self._outstanding = 0
        self._acked = 0
        self._deliveries = 0
        self._redelivered = 0

    @property
    def ready(self) -> bool:
        """Whether a take could find something; True may be wrong, False never is."""
        return bool(self._ready)

    def stats(self) -> SubscriptionStats:
        """The counts of now."""
        return SubscriptionStats(
            published=self._published,
            undelivered=self._published - self._acked - self._outstanding,
            outstanding=self._outstanding,
            acked=self._acked,
            redelivered=self._redelivered,
        )

    def add(self, messages: Iterable[Message]) -> None:
        """Put messages at the end, in this order."""
        for message in messages:
            self._published += 1
            if not (self._ordered and message.ordering_key):
                self._ready.append(_Entry(message, self._published, None))
                continue
            lane = self._lanes.get(message.ordering_key)
            if lane is not None:
                lane.pending.append(_Entry(message, self._published, lane))
                continue
            lane = self._lanes[message.ordering_key] = _Lane(message.ordering_key)
            lane.pending.append(_Entry(message, self._published, lane))
            self._offer(lane)

    def take(self, limit: int, now: float, consumer: Consumer | None = None) -> list[Delivery]:
        """Lease up to ``limit`` waiting messages of MAX_PULL_BYTES, within the consumer's room.

        A first message that is larger than the room left is leased all the same, alone. Every
        hand-over gets a new ack id; the earlier one of the message is void from then on.
        """
        budget = MAX_PULL_BYTES
        lease_s = self._ack_deadline_s
        if consumer is not None:
            limit = consumer.message_room(limit)
            budget = consumer.byte_room(budget)
            lease_s = consumer.ack_deadline_s or lease_s
        taken: list[Delivery] = []
        queue = self._ready
        while len(taken) < limit and budget > 0:
            entry = _first_waiting(queue)
            if entry is None and queue is not self._ready:
                queue = self._ready
                continue
            if entry is None or (taken and entry.size > budget):
                break
            queue.popleft()
            taken.append(self._lease(entry, now + lease_s, consumer))
            budget -= entry.size
            # A key that is begun goes on in the same take: after it, it is blocked.
            queue = self._ready if entry.lane is None else entry.lane.pending
        self._forget_old_expiries()
        return taken

    def acknowledge(self, ack_ids: Iterable[str]) -> None:
        """Finish messages; unknown ids are ignored.

        The id of an ended lease still counts until the message is handed out again.
        """
        for ack_id in ack_ids:
            entry = self._by_ack_id.pop(ack_id, None)
            if entry is None:
                continue
            lane = entry.lane
            if entry.lease_ends is not None:
                self._end_lease(entry)
            entry.done = True
            entry.message = _RELEASED
            self._acked += 1
            if lane is not None:
                if lane.head is entry:
                    lane.head = None
                if lane.head is None and not lane.leased:
                    self._offer(lane)

    def extend(self, ack_ids: Iterable[str], lease_ends: float) -> None:
        """Let running leases end at ``lease_ends``; unknown ids and ended leases are ignored."""
        for ack_id in ack_ids:
            entry = self._by_ack_id.get(ack_id)
            if entry is not None and entry.lease_ends is not None:
                entry.lease_ends = lease_ends
                heapq.heappush(self._expiries, (lease_ends, ack_id))
        self._forget_old_expiries()

    def give_back(self, ack_ids: Iterable[str]) -> None:
        """End leases at once: the messages go to the front, ready for redelivery."""
        known = (self._by_ack_id.get(ack_id) for ack_id in ack_ids)
        self._return([entry for entry in known if entry is not None])

    def expire(self, now: float) -> None:
        """End the leases whose time is over at ``now``."""
        due: list[_Entry] = []
        while self._expiries and self._expiries[0][0] <= now:
            lease_ends, ack_id = heapq.heappop(self._expiries)
            entry = self._by_ack_id.get(ack_id)
            if entry is not None and entry.lease_ends == lease_ends:
                due.append(entry)
        if due:
            self._return(due)

    def next_expiry(self) -> float | None:
        """When the next lease ends, or None without a running lease."""
        while self._expiries:
            lease_ends, ack_id = self._expiries[0]
            entry = self._by_ack_id.get(ack_id)
            if entry is not None and entry.lease_ends == lease_ends:
                return lease_ends
            heapq.heappop(self._expiries)
        return None

    def _lease(self, entry: _Entry, lease_ends: float, consumer: Consumer | None) -> Delivery:
        if entry.attempts:
            del self._by_ack_id[entry.ack_id]
            self._redelivered += 1
        self._deliveries += 1
        self._outstanding += 1
        ack_id = f"{self._prefix}{self._deliveries:0{self._digits}d}"
        entry.ack_id = ack_id
        entry.attempts += 1
        entry.lease_ends = lease_ends
        self._by_ack_id[ack_id] = entry
        heapq.heappush(self._expiries, (lease_ends, ack_id))
        if consumer is not None:
            entry.consumer = consumer
            consumer.held_messages += 1
            consumer.held_bytes += entry.size
        if entry.lane is not None:
            entry.lane.head = None
            entry.lane.leased[entry] = None
        return Delivery(ack_id, entry.message, entry.attempts)

    def _end_lease(self, entry: _Entry) -> None:
        self._outstanding -= 1
        entry.lease_ends = None
        if entry.consumer is not None:
            entry.consumer.held_messages -= 1
            entry.consumer.held_bytes -= entry.size
            entry.consumer = None
        if entry.lane is not None:
            del entry.lane.leased[entry]

    def _return(self, entries: Sequence[_Entry]) -> None:
        # The newest first: each goes to the front, so the oldest stands first in the end.
        for entry in sorted(entries, key=_number, reverse=True):
            if entry.lease_ends is None:
                continue
            if entry.lane is None:
                self._end_lease(entry)
                self._ready.appendleft(entry)
            else:
                self._return_in_order(entry, entry.lane)

    def _return_in_order(self, entry: _Entry, lane: _Lane) -> None:
        while lane.leased and (last := next(reversed(lane.leased))).number >= entry.number:
            self._end_lease(last)
            lane.pending.appendleft(last)
        if not lane.leased:
            self._offer(lane, at_front=True)

    def _offer(self, lane: _Lane, at_front: bool = False) -> None:
        """Make the next message of an unblocked key ready, or forget a key without messages."""
        lane.head = entry = _first_waiting(lane.pending)
        if entry is None:
            del self._lanes[lane.key]
            return
        lane.pending.popleft()
        if at_front:
            self._ready.appendleft(entry)
        else:
            self._ready.append(entry)

    def _forget_old_expiries(self) -> None:
        # Ended leases stay in the heap until their time comes; without this, ten minutes of them.
        if len(self._expiries) > 2 * len(self._by_ack_id) + _SPARE_EXPIRIES:
            self._expiries = [
                (entry.lease_ends, ack_id)
                for ack_id, entry in self._by_ack_id.items()
                if entry.lease_ends is not None
            ]
            heapq.heapify(self._expiries)


def _number(entry: _Entry) -> int:
    return entry.number


def _first_waiting(queue: deque[_Entry]) -> _Entry | None:
    """The first of a queue, without those that were acknowledged late, while they waited in it."""
    while queue:
        if not queue[0].done:
            return queue[0]
        queue.popleft()
    return None
