"""The server: stop, start again, a port that is taken."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import SubscriberClient

from pipeline.local.pubsub import Broker, Draft, PubSubEmulator, SubscriptionConfig

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"


class FakeClock:
    """Stands still; ``asked`` is set when a pull begins to wait."""

    def __init__(self) -> None:
        self.asked = threading.Event()

    def __call__(self) -> float:
        self.asked.set()
        return 1_000.0


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def broker(clock: FakeClock) -> Broker:
    broker = Broker(clock)
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC))
    return broker


@pytest.fixture
def emulator(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubEmulator]:
    with PubSubEmulator(broker=broker, hold_s=30) as emulator:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.address)
        yield emulator


@pytest.fixture
def subscriber(emulator: PubSubEmulator) -> Iterator[SubscriberClient]:
    with SubscriberClient() as client:
        yield client


def test_a_stopped_emulator_ends_held_pulls_and_comes_back_with_its_messages(
    emulator: PubSubEmulator, broker: Broker, clock: FakeClock, subscriber: SubscriberClient
) -> None:
    with ThreadPoolExecutor() as pool:
        clock.asked.clear()
        held = pool.submit(
            subscriber.pull, subscription=SUBSCRIPTION, max_messages=10, retry=None, timeout=30
        )
        assert clock.asked.wait(timeout=60)
        emulator.stop()
        with pytest.raises(exceptions.GoogleAPICallError):
            held.result(timeout=60)
    address = emulator.address
    broker.publish(TOPIC, [Draft(b"a")])
    emulator.start()
    assert emulator.address == address
    response = subscriber.pull(subscription=SUBSCRIPTION, max_messages=10)
    assert [each.message.data for each in response.received_messages] == [b"a"]


def test_a_taken_port_is_an_error_that_names_it(emulator: PubSubEmulator) -> None:
    port = int(emulator.address.rpartition(":")[2])
    with pytest.raises(RuntimeError, match=f"cannot listen on 127.0.0.1:{port}"):
        PubSubEmulator(port=port).start()
    with pytest.raises(RuntimeError, match="already listens"):
        emulator.start()
