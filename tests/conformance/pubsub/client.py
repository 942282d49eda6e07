"""What a test does with a server, through google-cloud-pubsub's own clients."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc
from google.pubsub_v1 import PublisherClient, SubscriberClient, types
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from tests.conformance.pubsub.servers import Counts, PubSubServer

PROJECT = "projects/conformance"
LONG_S = 600
"""An ack deadline that ends in no test."""
PATIENCE_S = 60.0

_numbers = itertools.count(1)


def fresh(kind: str) -> str:
    """A name that nothing has: of ``topics`` or ``subscriptions``."""
    return f"{PROJECT}/{kind}/number-{next(_numbers)}"


class Client:
    """A publisher, a subscriber, and a topic with a subscription that no other test has."""

    def __init__(self, server: PubSubServer, channel: Any) -> None:
        self.server = server
        self.channel = channel
        self.publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        self.subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        self.topic = fresh("topics")
        self.publisher.create_topic(name=self.topic)
        self.subscription = self.subscribe()

    def subscribe(self, **settings: Any) -> str:
        """Makes a subscription to the topic; its name."""
        name = fresh("subscriptions")
        request = {"name": name, "topic": self.topic, "ack_deadline_seconds": LONG_S} | settings
        # Without retry: pstest refuses with UNKNOWN, which the client would try for a minute.
        self.subscriber.create_subscription(types.Subscription(**request), retry=None)
        return name

    def publish(self, *data: bytes, key: str = "") -> list[str]:
        """Publishes messages in one request; their ids."""
        messages = [types.PubsubMessage(data=each, ordering_key=key) for each in data]
        return list(self.publisher.publish(topic=self.topic, messages=messages).message_ids)

    def pull(self, limit: int = 1_000, subscription: str = "") -> list[types.ReceivedMessage]:
        """What one request gives, at once."""
        request = types.PullRequest(
            subscription=subscription or self.subscription,
            max_messages=limit,
            return_immediately=True,
        )
        return list(self.subscriber.pull(request).received_messages)

    def drain(self, subscription: str = "") -> list[types.ReceivedMessage]:
        """All that can be pulled now."""
        found: list[types.ReceivedMessage] = []
        while received := self.pull(subscription=subscription):
            found += received
        return found

    def acknowledge(
        self, received: Iterable[types.ReceivedMessage], subscription: str = ""
    ) -> None:
        """Acknowledges messages."""
        self.subscriber.acknowledge(
            subscription=subscription or self.subscription, ack_ids=ids(received)
        )

    def set_deadline(
        self, received: Iterable[types.ReceivedMessage], seconds: int, subscription: str = ""
    ) -> None:
        """Extends leases, or ends them."""
        self.subscriber.modify_ack_deadline(
            subscription=subscription or self.subscription,
            ack_ids=ids(received),
            ack_deadline_seconds=seconds,
        )

    def counts(self) -> Counts:
        """What became of the messages of the topic."""
        return self.server.counts(self.topic, self.subscription)


@contextmanager
def client_of(server: PubSubServer) -> Iterator[Client]:
    """A client whose channel takes messages of any size."""
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(server.address, options) as channel:
        yield Client(server, channel)


def ids(received: Iterable[types.ReceivedMessage]) -> list[str]:
    """Their ack ids."""
    return [each.ack_id for each in received]


def data(received: Sequence[types.ReceivedMessage]) -> list[bytes]:
    """Their data, in the order of delivery."""
    return [each.message.data for each in received]


def numbered(count: int) -> list[bytes]:
    """So many different messages."""
    return [str(number).encode() for number in range(count)]
