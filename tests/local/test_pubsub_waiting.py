"""Pulls that wait, and many of them at a time."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from pipeline.local.pubsub import Broker, Delivery, Draft, SubscriptionConfig
from pipeline.local.pubsub.errors import ResourceNotFoundError
from pipeline.local.pubsub.model import Consumer

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"


class FakeClock:
    """Seconds that pass only when a test says so.

    A pull reads the clock while it holds the lock, just before it waits. So whoever saw ``asked``
    and then gets the lock knows that the pull waits.
    """

    def __init__(self) -> None:
        self.now = 1_000.0
        self.asked = threading.Event()

    def __call__(self) -> float:
        self.asked.set()
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def broker(clock: FakeClock) -> Broker:
    broker = Broker(clock)
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC))
    return broker


@contextmanager
def held_pull(
    broker: Broker, clock: FakeClock, consumer: Consumer | None = None
) -> Iterator[Future[list[Delivery]]]:
    """A pull that waits by the time the block begins."""
    with ThreadPoolExecutor() as pool:
        clock.asked.clear()
        waiting = pool.submit(broker.pull, SUBSCRIPTION, 10, 30, consumer)
        assert clock.asked.wait(timeout=60)
        yield waiting


def publish(broker: Broker, *texts: str) -> None:
    broker.publish(TOPIC, [Draft(text.encode()) for text in texts])


def texts(deliveries: list[Delivery]) -> list[str]:
    return [delivery.message.data.decode() for delivery in deliveries]


def test_a_waiting_pull_is_woken_by_a_publish(broker: Broker, clock: FakeClock) -> None:
    with held_pull(broker, clock) as waiting:
        publish(broker, "a")
        assert texts(waiting.result(timeout=60)) == ["a"]


def test_a_waiting_pull_is_woken_by_an_expiry(broker: Broker, clock: FakeClock) -> None:
    publish(broker, "a")
    broker.pull(SUBSCRIPTION, 10)
    with held_pull(broker, clock) as waiting:
        clock.now += 10
        broker.stats(SUBSCRIPTION)
        assert texts(waiting.result(timeout=60)) == ["a"]


def test_a_waiting_pull_is_woken_by_a_nack(broker: Broker, clock: FakeClock) -> None:
    publish(broker, "a")
    [delivery] = broker.pull(SUBSCRIPTION, 10)
    with held_pull(broker, clock) as waiting:
        broker.modify_ack_deadline(SUBSCRIPTION, [delivery.ack_id], 0)
        assert texts(waiting.result(timeout=60)) == ["a"]


def test_a_dismissed_consumer_gets_nothing(broker: Broker, clock: FakeClock) -> None:
    consumer = Consumer()
    with held_pull(broker, clock, consumer) as waiting:
        broker.dismiss(SUBSCRIPTION, consumer)
        assert waiting.result(timeout=60) == []
    publish(broker, "a")
    assert broker.pull(SUBSCRIPTION, 10, 30, consumer) == []
    assert broker.stats(SUBSCRIPTION).undelivered == 1


def test_a_waiting_pull_ends_when_its_subscription_is_deleted(
    broker: Broker, clock: FakeClock
) -> None:
    with held_pull(broker, clock) as waiting:
        broker.delete_subscription(SUBSCRIPTION)
        with pytest.raises(ResourceNotFoundError):
            waiting.result(timeout=60)


def test_many_pulls_at_a_time_share_the_messages(broker: Broker) -> None:
    received: list[str] = []
    guard = threading.Lock()

    def consume() -> None:
        while deliveries := broker.pull(SUBSCRIPTION, 7):
            with guard:
                received.extend(texts(deliveries))
            broker.acknowledge(SUBSCRIPTION, [delivery.ack_id for delivery in deliveries])

    published = [str(number) for number in range(2_000)]
    publish(broker, *published)
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(consume) for _ in range(8)]:
            done.result(timeout=60)
    assert sorted(received, key=int) == published
    assert broker.stats(SUBSCRIPTION) == (2_000, 0, 0, 2_000, 0)
