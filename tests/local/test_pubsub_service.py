"""Pulls over a socket: how long they are held, how much they give, and clients that left."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.pubsub_v1 import PublisherClient, SubscriberClient, types

from pipeline.local.pubsub import Broker, Delivery, PubSubEmulator
from pipeline.local.pubsub.model import Consumer
from pipeline.local.pubsub.service import SubscriberService

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"


class FakeClock:
    """Seconds that pass only when a test says so; ``asked`` is set when a pull begins to wait."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.asked = threading.Event()

    def __call__(self) -> float:
        self.asked.set()
        return self.now


class WatchedBroker(Broker):
    """Says when a call has ended, from the side of the server."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.dismissed = threading.Event()
        self.longest_waits: list[float] | None = None
        """If it is a list: waits are noted here, and not waited."""

    def pull(
        self,
        subscription: str,
        max_messages: int,
        wait_s: float = 0.0,
        consumer: Consumer | None = None,
    ) -> list[Delivery]:
        if self.longest_waits is not None:
            self.longest_waits.append(wait_s)
            wait_s = 0.0
        return super().pull(subscription, max_messages, wait_s, consumer)

    def dismiss(self, subscription: str, consumer: Consumer) -> None:
        super().dismiss(subscription, consumer)
        self.dismissed.set()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def broker(clock: FakeClock) -> WatchedBroker:
    return WatchedBroker(clock)


@pytest.fixture
def emulator(broker: WatchedBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubEmulator]:
    with PubSubEmulator(broker=broker, hold_s=30) as emulator:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.address)
        yield emulator


@pytest.fixture
def publisher(emulator: PubSubEmulator) -> Iterator[PublisherClient]:
    with PublisherClient() as client:
        client.create_topic(name=TOPIC)
        yield client


@pytest.fixture
def subscriber(publisher: PublisherClient) -> Iterator[SubscriberClient]:
    with SubscriberClient() as client:
        client.create_subscription(name=SUBSCRIPTION, topic=TOPIC)
        yield client


def publish(publisher: PublisherClient, *data: bytes) -> list[str]:
    messages = [types.PubsubMessage(data=each) for each in data]
    return list(publisher.publish(topic=TOPIC, messages=messages).message_ids)


def pull_now(subscriber: SubscriberClient, limit: int = 1_000) -> list[types.ReceivedMessage]:
    request = types.PullRequest(
        subscription=SUBSCRIPTION, max_messages=limit, return_immediately=True
    )
    return list(subscriber.pull(request).received_messages)


def data(received: list[types.ReceivedMessage]) -> list[bytes]:
    return [each.message.data for each in received]


def test_a_pull_response_fits_in_a_channel_without_options(
    publisher: PublisherClient, subscriber: SubscriberClient
) -> None:
    for _ in range(2):
        publish(publisher, *(b"x" * 1_600 for _ in range(1_000)))
    assert len(pull_now(subscriber, 5_000)) == 1_000
    pull_now(subscriber)
    publish(publisher, *(b"x" * 6_000 for _ in range(1_000)))
    assert 500 < len(pull_now(subscriber)) < 1_000


def test_a_held_pull_is_woken_by_a_publish(
    clock: FakeClock, publisher: PublisherClient, subscriber: SubscriberClient
) -> None:
    with ThreadPoolExecutor() as pool:
        clock.asked.clear()
        held = pool.submit(subscriber.pull, subscription=SUBSCRIPTION, max_messages=10)
        assert clock.asked.wait(timeout=60)
        publish(publisher, b"a")
        assert data(list(held.result(timeout=60).received_messages)) == [b"a"]


def test_a_held_pull_is_answered_empty_before_its_client_gives_up(
    broker: WatchedBroker, subscriber: SubscriberClient
) -> None:
    broker.longest_waits = []
    response = subscriber.pull(subscription=SUBSCRIPTION, max_messages=10, timeout=20)
    assert not response.received_messages
    [wait_s] = broker.longest_waits
    assert 0 < wait_s < 19, "a second is left for the answer"


def test_a_pull_is_held_no_longer_than_the_emulator_is_told(
    broker: Broker, subscriber: SubscriberClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PubSubEmulator(broker=broker, hold_s=0.05) as impatient:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", impatient.address)
        with SubscriberClient() as client:
            response = client.pull(subscription=SUBSCRIPTION, max_messages=10)
    assert not response.received_messages


def test_a_client_that_left_a_held_pull_swallows_nothing(
    emulator: PubSubEmulator,
    broker: WatchedBroker,
    clock: FakeClock,
    publisher: PublisherClient,
    subscriber: SubscriberClient,
) -> None:
    with grpc.insecure_channel(emulator.address) as channel:
        pull = channel.unary_unary(
            "/google.pubsub.v1.Subscriber/Pull",
            request_serializer=types.PullRequest.serialize,
            response_deserializer=types.PullResponse.deserialize,
        )
        clock.asked.clear()
        held = pull.future(types.PullRequest(subscription=SUBSCRIPTION, max_messages=10))
        assert clock.asked.wait(timeout=60)
        held.cancel()
        assert broker.dismissed.wait(timeout=60)
    publish(publisher, b"a")
    assert broker.stats(SUBSCRIPTION).outstanding == 0
    assert data(pull_now(subscriber)) == [b"a"]


class LeavingClient:
    """The context of a call whose client is gone by the time messages were found for it."""

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> float:
        return 60.0

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return True

    def abort(self, code: Any, details: str) -> Any:
        raise AssertionError(details)


def test_messages_found_for_a_client_that_just_left_go_back(
    broker: Broker, publisher: PublisherClient, subscriber: SubscriberClient
) -> None:
    publish(publisher, b"a")
    service = SubscriberService(broker, hold_s=0)
    service.pull(types.PullRequest(subscription=SUBSCRIPTION, max_messages=1), LeavingClient())
    assert broker.stats(SUBSCRIPTION).outstanding == 0
    assert data(pull_now(subscriber)) == [b"a"]
