"""What a client of a streaming pull does wrong, or leaves behind."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.pubsub_v1 import types

from pipeline.local.pubsub import Broker, Draft, PubSubEmulator, SubscriptionConfig
from pipeline.local.pubsub.model import Consumer
from pipeline.local.pubsub.streaming import streaming_pull

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"
WAIT_S = 60


class WatchedBroker(Broker):
    """Says when a stream has ended, from the side of the server."""

    def __init__(self) -> None:
        super().__init__()
        self.dismissed = threading.Event()

    def dismiss(self, subscription: str, consumer: Consumer) -> None:
        super().dismiss(subscription, consumer)
        self.dismissed.set()


@pytest.fixture
def broker() -> WatchedBroker:
    broker = WatchedBroker()
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, 600))
    return broker


@pytest.fixture
def emulator(broker: WatchedBroker, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubEmulator]:
    with PubSubEmulator(broker=broker) as emulator:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.address)
        yield emulator


class Stream:
    """A bare StreamingPull call: requests go in by ``send``, responses come out by ``receive``."""

    def __init__(self, channel: Any, **first: Any) -> None:
        self._outgoing: queue.SimpleQueue[types.StreamingPullRequest | None] = queue.SimpleQueue()
        first = {"subscription": SUBSCRIPTION, "stream_ack_deadline_seconds": 60} | first
        self.send(**first)
        method = channel.stream_stream(
            "/google.pubsub.v1.Subscriber/StreamingPull",
            request_serializer=types.StreamingPullRequest.serialize,
            response_deserializer=types.StreamingPullResponse.deserialize,
        )
        self.call = method(iter(self._outgoing.get, None), timeout=WAIT_S)

    def send(self, **request: Any) -> None:
        self._outgoing.put(types.StreamingPullRequest(**request))

    def receive(self) -> list[types.ReceivedMessage]:
        return list(next(self.call).received_messages)

    def close(self) -> None:
        self._outgoing.put(None)


@pytest.fixture
def channel(emulator: PubSubEmulator) -> Iterator[Any]:
    with grpc.insecure_channel(emulator.address) as channel:
        yield channel


def publish(broker: Broker, *texts: str) -> None:
    broker.publish(TOPIC, [Draft(text.encode()) for text in texts])


def data(received: list[types.ReceivedMessage]) -> list[bytes]:
    return [each.message.data for each in received]


def test_a_client_that_left_its_stream_swallows_nothing(
    broker: WatchedBroker, channel: Any
) -> None:
    publish(broker, "a")
    stream = Stream(channel)
    assert data(stream.receive()) == [b"a"]
    stream.call.cancel()
    assert broker.dismissed.wait(timeout=WAIT_S)
    publish(broker, "b")
    stats = broker.stats(SUBSCRIPTION)
    assert (stats.outstanding, stats.undelivered) == (1, 1)
    assert data(Stream(channel).receive()) == [b"b"]


class LeavingClient:
    """The context of a stream whose client is gone by the time messages were found for it."""

    def is_active(self) -> bool:
        return False

    def time_remaining(self) -> float:
        return 60.0

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return True

    def abort(self, code: Any, details: str) -> Any:
        raise AssertionError(details)


def test_messages_found_for_a_stream_that_just_broke_go_back(broker: Broker) -> None:
    over = threading.Event()

    def requests() -> Iterator[types.StreamingPullRequest]:
        yield types.StreamingPullRequest(subscription=SUBSCRIPTION, stream_ack_deadline_seconds=60)
        over.wait(timeout=WAIT_S)

    publish(broker, "a")
    assert list(streaming_pull(broker, requests(), LeavingClient())) == []
    over.set()
    assert broker.stats(SUBSCRIPTION) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        pytest.param({"modify_deadline_ack_ids": ["a"]}, "INVALID_ARGUMENT", id="uneven-lists"),
        pytest.param(
            {"modify_deadline_ack_ids": ["a"], "modify_deadline_seconds": [601]},
            "INVALID_ARGUMENT",
            id="long-new-deadline",
        ),
    ],
)
def test_a_wrong_request_ends_the_stream(
    channel: Any, request_: dict[str, Any], status: str
) -> None:
    at_first = Stream(channel, **request_)
    later = Stream(channel)
    later.send(**request_)
    for stream in (at_first, later):
        with pytest.raises(grpc.RpcError) as caught:
            next(stream.call)
        assert caught.value.code() is getattr(grpc.StatusCode, status)


def test_stopping_the_emulator_ends_its_streams(
    emulator: PubSubEmulator, broker: Broker, channel: Any
) -> None:
    publish(broker, "a")
    stream = Stream(channel)
    stream.receive()
    emulator.stop()
    with pytest.raises(grpc.RpcError):
        next(stream.call)
