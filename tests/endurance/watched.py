"""The emulator's broker, with a count of what a reader does that the statistics do not show."""

import threading
from collections.abc import Sequence

from msgspec import Struct

from pipeline.local.pubsub.broker import Broker
from pipeline.local.pubsub.model import Consumer, Delivery


class Handling(Struct, frozen=True):
    """How a reader dealt with the messages of a subscription; counts of messages or calls."""

    given_back: int
    """Messages that the reader gave back itself, by a deadline of 0."""
    extended: int
    """Messages whose lease was extended, once for each extension."""
    extensions: int
    """Calls that extended leases."""
    most_attempts: int
    """How often the message that was handed out most was handed out."""
    most_outstanding: int
    """Most messages leased at the same time, seen at the pulls."""


class WatchedBroker(Broker):
    """A broker that also counts extensions, messages given back, and attempts.

    A message handed out again that nobody gave back is one whose lease ended: then two may have
    worked on it at the same time. `lapsed = redelivered - given_back`, when it is positive.
    """

    _given_back = _extended = _extensions = _most_attempts = _most_outstanding = 0
    _counts = threading.Lock()

    def pull(
        self,
        subscription: str,
        max_messages: int,
        wait_s: float = 0.0,
        consumer: Consumer | None = None,
    ) -> list[Delivery]:
        """As the broker does; looks at what it hands out."""
        deliveries = super().pull(subscription, max_messages, wait_s, consumer)
        if deliveries:
            outstanding = self.stats(subscription).outstanding
            attempts = max(delivery.attempt for delivery in deliveries)
            with self._counts:
                self._most_outstanding = max(self._most_outstanding, outstanding)
                self._most_attempts = max(self._most_attempts, attempts)
        return deliveries

    def modify_ack_deadline(self, subscription: str, ack_ids: Sequence[str], seconds: int) -> None:
        """As the broker does; counts the call."""
        super().modify_ack_deadline(subscription, ack_ids, seconds)
        with self._counts:
            if seconds == 0:
                self._given_back += len(ack_ids)
            else:
                self._extended += len(ack_ids)
                self._extensions += 1

    def handling(self) -> Handling:
        """The counts of this moment."""
        with self._counts:
            return Handling(
                given_back=self._given_back,
                extended=self._extended,
                extensions=self._extensions,
                most_attempts=self._most_attempts,
                most_outstanding=self._most_outstanding,
            )
