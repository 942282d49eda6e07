"""Streaming pulls: over a bare stream, and through ``SubscriberClient.subscribe``."""

import queue
import threading
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud import pubsub_v1
from google.pubsub_v1 import types

from tests.conformance.pubsub.client import (
    LONG_S,
    PATIENCE_S,
    PROJECT,
    Client,
    data,
    ids,
    numbered,
)
from tests.conformance.pubsub.deviations import (
    NO_DEADLINE_RANGES,
    NO_FLOW_CONTROL,
    STREAMS_OUTLIVE_SUBSCRIPTIONS,
    Deviation,
    as_documented,
)

_NOT_LONG_S = 1.0


def patience_s(client: Client, deviation: Deviation) -> float:
    """As long as it takes; of the server that deviates not long, for there it never comes."""
    return _NOT_LONG_S if client.server.name == deviation.server else PATIENCE_S


class Stream:
    """A StreamingPull call: requests go in by ``send``, messages come out by ``receive``."""

    def __init__(
        self,
        client: Client,
        subscription: str = "",
        patience_s: float = PATIENCE_S,
        **first: Any,
    ) -> None:
        self._outgoing: queue.SimpleQueue[types.StreamingPullRequest | None] = queue.SimpleQueue()
        subscription = subscription or client.subscription
        request = {"subscription": subscription, "stream_ack_deadline_seconds": LONG_S} | first
        self.send(**request)
        self.call = client.channel.stream_stream(
            "/google.pubsub.v1.Subscriber/StreamingPull",
            request_serializer=types.StreamingPullRequest.serialize,
            response_deserializer=types.StreamingPullResponse.deserialize,
        )(iter(self._outgoing.get, None), timeout=patience_s)

    def send(self, **request: Any) -> None:
        """One more request."""
        self._outgoing.put(types.StreamingPullRequest(**request))

    def receive(self, count: int) -> list[types.ReceivedMessage]:
        """As many messages, in however many responses."""
        received: list[types.ReceivedMessage] = []
        while len(received) < count:
            received += next(self.call).received_messages
        return received

    def close(self) -> None:
        """No more requests."""
        self._outgoing.put(None)

    def end(self) -> None:
        """Ends the call and the thread that sends its requests."""
        self.call.cancel()
        self.close()


@pytest.fixture
def stream(client: Client) -> Iterator[Stream]:
    """A stream of the client's subscription."""
    stream = Stream(client)
    yield stream
    stream.end()


def test_messages_come_on_a_stream_as_they_are_published(client: Client, stream: Stream) -> None:
    client.publish(*numbered(5))
    first = stream.receive(5)
    client.publish(b"later")
    assert sorted(data(first)) == numbered(5)
    assert data(stream.receive(1)) == [b"later"]


def test_messages_are_acknowledged_on_the_stream(client: Client, stream: Stream) -> None:
    client.publish(b"a", b"b")
    received = stream.receive(2)
    stream.send(ack_ids=ids(received))
    client.publish(b"c")
    [last] = stream.receive(1)
    stream.send(ack_ids=[last.ack_id])
    stream.close()
    assert list(stream.call) == []
    assert client.counts() == (3, 3, 3)


def test_a_message_of_a_stream_can_be_acknowledged_by_a_call(
    client: Client, stream: Stream
) -> None:
    client.publish(b"a")
    client.acknowledge(stream.receive(1))
    assert client.counts() == (1, 1, 1)


def test_deadlines_are_modified_on_the_stream(client: Client, stream: Stream) -> None:
    client.publish(b"long", b"back")
    received = {each.message.data: each for each in stream.receive(2)}
    stream.send(
        modify_deadline_ack_ids=[received[b"long"].ack_id, received[b"back"].ack_id],
        modify_deadline_seconds=[LONG_S, 0],
    )
    [again] = stream.receive(1)
    assert again.message.data == b"back"
    assert again.ack_id != received[b"back"].ack_id


def test_the_deadline_of_a_stream_is_the_one_of_its_messages(client: Client) -> None:
    stream = Stream(client, stream_ack_deadline_seconds=10)
    client.publish(b"a")
    first = stream.receive(1)
    client.server.advance(11)
    again = stream.receive(1)
    stream.end()
    assert data(again) == [b"a"]
    assert ids(again) != ids(first)


def test_a_message_of_9_9_mb_comes_on_a_stream(client: Client, stream: Stream) -> None:
    body = b"x" * 9_900_000
    client.publish(body)
    assert data(stream.receive(1)) == [body]


def test_a_stream_says_whether_its_messages_are_ordered(client: Client) -> None:
    name = client.subscribe(enable_message_ordering=True)
    stream = Stream(client, name)
    client.publish(b"a")
    response = next(stream.call)
    stream.end()
    assert response.subscription_properties.message_ordering_enabled
    assert not response.subscription_properties.exactly_once_delivery_enabled


def test_a_stream_ends_well_when_its_client_has_closed_it(client: Client, stream: Stream) -> None:
    client.publish(b"a")
    stream.receive(1)
    stream.close()
    assert list(stream.call) == []
    assert stream.call.code() is grpc.StatusCode.OK


def test_a_stream_gets_no_more_than_it_may_hold(client: Client) -> None:
    client.publish(*numbered(4))
    stream = Stream(client, max_outstanding_messages=2)
    # The server that deviates sends all of them, one after the other: wait for the last one.
    received = stream.receive(4 if client.server.name == NO_FLOW_CONTROL.server else 2)
    with as_documented(client.server.name, NO_FLOW_CONTROL):
        # The others wait for whoever asks: nobody has been given them.
        assert client.counts().delivered == 2
        assert sorted(data(client.drain()) + data(received)) == numbered(4)
    stream.end()


def test_a_stream_goes_on_when_messages_are_settled(client: Client) -> None:
    client.publish(*numbered(4))
    stream = Stream(client, max_outstanding_messages=2)
    first, second = stream.receive(2)[:2]
    stream.send(ack_ids=[first.ack_id])
    client.acknowledge([second])
    seen = {first.message.data, second.message.data}
    while len(seen) < 4:
        seen.update(data(stream.receive(1)))
    stream.end()


@pytest.mark.parametrize("field", ["max_outstanding_messages", "max_outstanding_bytes"])
def test_what_a_stream_may_hold_is_said_once(client: Client, field: str) -> None:
    stream = Stream(client, patience_s=patience_s(client, NO_FLOW_CONTROL))
    stream.send(**{field: 5})
    with as_documented(client.server.name, NO_FLOW_CONTROL):
        with pytest.raises(grpc.RpcError) as caught:
            stream.receive(1)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    stream.end()


@pytest.mark.parametrize("seconds", [9, 601])
def test_the_deadline_of_a_stream_is_from_10_to_600_s(client: Client, seconds: int) -> None:
    client.publish(b"a")
    stream = Stream(client, stream_ack_deadline_seconds=seconds)
    with as_documented(client.server.name, NO_DEADLINE_RANGES):
        with pytest.raises(grpc.RpcError) as caught:
            stream.receive(1)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    stream.end()


def test_the_subscription_of_a_stream_has_to_exist(client: Client) -> None:
    stream = Stream(client, f"{PROJECT}/subscriptions/nothing")
    with pytest.raises(grpc.RpcError) as caught:
        stream.receive(1)
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    stream.end()


def test_a_deleted_subscription_ends_the_stream(client: Client, stream: Stream) -> None:
    client.publish(b"a")
    stream.receive(1)
    client.subscriber.delete_subscription(subscription=client.subscription)
    ended = threading.Event()
    stream.call.add_done_callback(lambda _: ended.set())
    with as_documented(client.server.name, STREAMS_OUTLIVE_SUBSCRIPTIONS):
        assert ended.wait(patience_s(client, STREAMS_OUTLIVE_SUBSCRIPTIONS))
        assert stream.call.code() is grpc.StatusCode.NOT_FOUND


def test_google_s_own_client_receives_everything_and_a_nack_comes_back(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    received: list[bytes] = []
    settled: list[bytes] = []
    nacked = threading.Event()
    complete = threading.Event()

    def on_message(message: Any) -> None:
        if message.data == b"7" and not nacked.is_set():
            nacked.set()
            message.nack()
            return
        received.append(message.data)
        message.ack_with_response().result(timeout=PATIENCE_S)
        settled.append(message.data)
        # All have been settled by then, whichever thread was the last to receive one.
        if len(settled) == 100:
            complete.set()

    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", client.server.address)
    with pubsub_v1.SubscriberClient() as subscriber:
        streaming = subscriber.subscribe(client.subscription, on_message)
        client.publish(*numbered(100))
        assert complete.wait(timeout=PATIENCE_S)
        streaming.cancel()
        streaming.result(timeout=PATIENCE_S)
    assert sorted(received, key=int) == numbered(100)
    assert client.counts() == (100, 100, 101)


def test_google_s_own_client_keeps_the_order_of_a_key(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = client.subscribe(enable_message_ordering=True)
    for key in ("a", "b"):
        client.publish(*numbered(10), key=key)
    received: dict[str, list[bytes]] = {"a": [], "b": []}
    complete = threading.Event()

    def on_message(message: Any) -> None:
        received[message.ordering_key].append(message.data)
        message.ack()
        if sum(map(len, received.values())) == 20:
            complete.set()

    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", client.server.address)
    with pubsub_v1.SubscriberClient() as subscriber:
        streaming = subscriber.subscribe(name, on_message)
        assert complete.wait(timeout=PATIENCE_S)
        streaming.cancel()
        streaming.result(timeout=PATIENCE_S)
    assert received == {"a": numbered(10), "b": numbered(10)}


def test_google_s_own_client_is_told_that_a_subscription_is_missing(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", client.server.address)
    with pubsub_v1.SubscriberClient() as subscriber:
        streaming = subscriber.subscribe(f"{PROJECT}/subscriptions/nothing", print)
        with pytest.raises(exceptions.NotFound):
            streaming.result(timeout=PATIENCE_S)
