"""Between the clients and a broker that is in order, so that things go wrong for the clients."""

import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from itertools import count

from pipeline.local.pubsub.backlog import weight
from pipeline.local.pubsub.broker import Broker
from pipeline.local.pubsub.faults import PubSubFaults
from pipeline.local.pubsub.limits import MAX_PULL_BYTES
from pipeline.local.pubsub.model import Consumer, Delivery, Draft

_LOOK_EVERY_S = 0.05
"""How often a held pull looks whether there is a duplicate to deliver."""


class FaultyTraffic:
    """Carries calls to a broker and its answers back, with faults.

    A duplicate is made here and has an ack id of its own, which stands for the delivery that it
    repeats: to acknowledge it, extend it or give it back does that to the first one, if that is
    still leased, and nothing otherwise.
    """

    def __init__(self, broker: Broker, faults: PubSubFaults) -> None:
        self._broker = broker
        self._faults = faults
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._first_ack_ids: dict[str, str] = {}
        """Of the duplicates that were delivered and not settled."""
        self._until_acked: dict[str, Delivery] = {}
        """Deliveries to repeat once they are acknowledged."""
        self._due: defaultdict[str, deque[tuple[str, Delivery]]] = defaultdict(deque)
        """Of each subscription: deliveries to repeat with the next pull, and what to count then."""

    def publish(self, topic: str, drafts: Iterable[Draft]) -> list[str]:
        """Publish; after an error the messages may be there all the same."""
        with self._faults.call("publish"):
            return self._broker.publish(topic, drafts)

    def pull(
        self,
        subscription: str,
        max_messages: int,
        wait_s: float = 0.0,
        consumer: Consumer | None = None,
    ) -> list[Delivery]:
        """Pull; duplicates first, or a response in another order and without what is held back."""
        with self._faults.call("pull"):
            give_up = time.monotonic() + wait_s
            while True:
                left = give_up - time.monotonic()
                repeats = self._repeats(subscription, max_messages, consumer)
                if repeats:
                    return repeats
                patience = left if self._faults.is_calm else min(left, _LOOK_EVERY_S)
                found = self._broker.pull(subscription, max_messages, patience, consumer)
                if found or left <= 0 or (consumer is not None and consumer.gone):
                    return self._disturbed(subscription, found)

    def acknowledge(self, subscription: str, ack_ids: Iterable[str]) -> None:
        """Acknowledge; some of it without effect."""
        with self._faults.call("acknowledge"):
            known = self._settled(ack_ids)
            forgotten = set(self._faults.pick("forget_ack", self._faults.forget_ack, known))
            self._faults.count("forget_ack", len(forgotten))
            taken = [ack_id for ack_id in known if ack_id not in forgotten]
            self._broker.acknowledge(subscription, taken)
            # Without this, the message would come again only when its lease ends.
            self._broker.modify_ack_deadline(subscription, list(forgotten), 0)
            self._make_due(subscription, taken)

    def modify_ack_deadline(self, subscription: str, ack_ids: Sequence[str], seconds: int) -> None:
        """Extend leases, some of which end instead; or give messages back."""
        with self._faults.call("modify_ack_deadline"):
            if seconds == 0:
                self._broker.modify_ack_deadline(subscription, self._settled(ack_ids), 0)
                return
            with self._lock:
                known = [self._first_ack_ids.get(ack_id, ack_id) for ack_id in ack_ids]
            self._broker.modify_ack_deadline(subscription, known, seconds)
            self._end_some(subscription, known)

    def _disturbed(self, subscription: str, deliveries: list[Delivery]) -> list[Delivery]:
        """What becomes of a response of first deliveries, as the broker has made it."""
        if not deliveries or self._faults.is_calm:
            return deliveries
        ordered = self._broker.subscription(subscription).enable_message_ordering
        free = [i for i, d in enumerate(deliveries) if not (ordered and d.message.ordering_key)]
        held_back = self._move(deliveries, free)
        if held_back:
            self._broker.modify_ack_deadline(
                subscription, [deliveries[place].ack_id for place in held_back], 0
            )
        self._plan_repeats(subscription, [deliveries[i] for i in free if i not in held_back])
        delivered = [d for i, d in enumerate(deliveries) if i not in held_back]
        self._end_some(subscription, [delivery.ack_id for delivery in delivered])
        return delivered

    def _move(self, deliveries: list[Delivery], free: list[int]) -> set[int]:
        """Puts some in another place; returns the places of those that come later."""
        moved = self._faults.pick("out_of_order", self._faults.out_of_order, free)
        held_back: set[int] = set()
        for number, place in enumerate(moved):
            if number % 2 and len(held_back) < len(deliveries) - 1:
                held_back.add(place)
                continue
            other = free[self._faults.place("out_of_order", len(free))]
            deliveries[place], deliveries[other] = deliveries[other], deliveries[place]
        self._faults.count("out_of_order", len(moved))
        return held_back

    def _plan_repeats(self, subscription: str, deliveries: list[Delivery]) -> None:
        chosen = self._faults.pick("duplicate", self._faults.duplicate, deliveries)
        with self._lock:
            for delivery in chosen:
                if self._faults.place("duplicate", 2):
                    self._until_acked[delivery.ack_id] = delivery
                else:
                    self._due[subscription].append(("duplicate.leased", delivery))

    def _settled(self, ack_ids: Iterable[str]) -> list[str]:
        """The ack ids as the broker knows them; those of duplicates are void afterwards."""
        with self._lock:
            return [self._first_ack_ids.pop(ack_id, ack_id) for ack_id in ack_ids]

    def _make_due(self, subscription: str, acknowledged: list[str]) -> None:
        with self._lock:
            for ack_id in acknowledged:
                delivery = self._until_acked.pop(ack_id, None)
                if delivery is not None:
                    self._due[subscription].append(("duplicate.acknowledged", delivery))

    def _repeats(
        self, subscription: str, max_messages: int, consumer: Consumer | None
    ) -> list[Delivery]:
        """The duplicates of a response, which holds nothing else."""
        if consumer is not None:
            max_messages = 0 if consumer.gone else consumer.message_room(max_messages)
        repeats: list[Delivery] = []
        room = MAX_PULL_BYTES
        with self._lock:
            if self._faults.is_calm:
                self._due.clear()
                self._until_acked.clear()
            due = self._due[subscription]
            while due and len(repeats) < max_messages:
                kind, delivery = due[0]
                room -= weight(delivery.message)
                if repeats and room < 0:
                    break
                due.popleft()
                ack_id = f"duplicate-{next(self._numbers)}-of-{delivery.ack_id}"
                self._first_ack_ids[ack_id] = delivery.ack_id
                repeats.append(Delivery(ack_id, delivery.message, delivery.attempt + 1))
                self._faults.count(kind)
        return repeats

    def _end_some(self, subscription: str, ack_ids: list[str]) -> None:
        ended = self._faults.pick("end_early", self._faults.end_early, ack_ids)
        if ended:
            self._faults.count("end_early", len(ended))
            self._broker.modify_ack_deadline(subscription, ended, 0)
