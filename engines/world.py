"""Both ends of a run: Pub/Sub with the records, and the stand-in that counts what arrives."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from benchmarks.accept import Acceptor, accepting
from benchmarks.pubsub import SUBSCRIPTION, TOPIC, Publisher, publisher, requests
from benchmarks.records import Shape, records
from pipeline.local.pubsub import Broker, PubSubEmulator, SubscriptionConfig

_LEASE_S = 60
_ANSWER_S = 0.02
"""How long the stand-in takes to answer."""
_EVENTS_ALONE = Shape(updates=0.0)
"""One message, one record, one event: so acknowledgements can be compared with deliveries."""


class World:
    """What a run reads from and delivers to; every look compares the two."""

    def __init__(self, broker: Broker, pubsub: str, acceptor: Acceptor) -> None:
        self._broker = broker
        self._acceptor = acceptor
        self.pubsub = pubsub
        self.url = acceptor.url
        self.published = 0
        self.ahead = 0
        self.looks = 0
        self.first_at: float | None = None

    def publish(self, to: Publisher, count: int) -> None:
        """Publishes the next records."""
        made = islice(records(_EVENTS_ALONE), self.published, self.published + count)
        to.publish(requests(each.line for each in made))
        self.published += count

    def look(self) -> tuple[int, int]:
        """Events that arrived, and messages that were acknowledged before they were counted."""
        acknowledged = self._broker.stats(SUBSCRIPTION).acked
        arrived = self._acceptor.progress().events
        self.ahead = max(self.ahead, acknowledged - arrived)
        self.looks += 1
        if arrived and self.first_at is None:
            self.first_at = time.monotonic()
        return arrived, acknowledged

    def again(self) -> int:
        """Events that came once more."""
        return self._acceptor.seen().twice

    def shares(self) -> dict[str, int]:
        """Site id, one for each worker -> operations that came with it."""
        return self._acceptor.seen().senders

    def refuse(self, seconds: float) -> None:
        """The stand-in answers 429 for so long."""
        self._acceptor.refuse(seconds)


@contextmanager
def world(count: int) -> Iterator[World]:
    """A world with `count` records waiting in Pub/Sub."""
    broker = Broker()
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, _LEASE_S))
    with (
        PubSubEmulator(broker=broker) as emulator,
        accepting(_ANSWER_S, arrivals=True) as acceptor,
        publisher(emulator.address) as to,
    ):
        made = World(broker, emulator.address, acceptor)
        made.publish(to, count)
        yield made
