"""Faults over a socket, as Google's clients see them."""

from collections.abc import Callable, Iterator
from functools import partial
from threading import Event
from typing import TypeVar

import grpc
import pytest
from google.api_core import exceptions
from google.pubsub_v1 import PublisherClient, SubscriberClient, types

from pipeline.local.pubsub import Broker, Draft, PubSubEmulator, PubSubFaults, SubscriptionConfig

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"
WAIT_S = 60.0


@pytest.fixture
def broker() -> Broker:
    """A broker whose time stands still: no lease ends by itself."""
    broker = Broker(lambda: 1_000.0)
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC))
    return broker


@pytest.fixture
def faults() -> PubSubFaults:
    return PubSubFaults(
        11,
        duplicate=0.1,
        end_early=0.1,
        out_of_order=0.1,
        forget_ack=0.1,
        unavailable=0.1,
        deadline_exceeded=0.1,
        internal=0.1,
        carried_out=0.0,
    )


@pytest.fixture
def emulator(
    broker: Broker, faults: PubSubFaults, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PubSubEmulator]:
    with PubSubEmulator(broker=broker, hold_s=0.05, faults=faults) as emulator:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.address)
        yield emulator


Answer = TypeVar("Answer")
TEXTS = [str(number) for number in range(100)]


@pytest.mark.usefixtures("emulator")
def test_faults_reach_the_clients_over_the_socket(broker: Broker, faults: PubSubFaults) -> None:
    statuses: set[type[Exception]] = set()

    def until_it_works(call: Callable[[], Answer]) -> Answer:
        while True:
            try:
                return call()
            except exceptions.GoogleAPICallError as error:
                statuses.add(type(error))

    with SubscriberClient() as subscriber, PublisherClient() as publisher:
        messages = [types.PubsubMessage(data=text.encode()) for text in TEXTS]
        until_it_works(lambda: publisher.publish(topic=TOPIC, messages=messages, retry=None))
        seen: set[bytes] = set()
        while broker.stats(SUBSCRIPTION).acked < 100:
            received = until_it_works(
                lambda: subscriber.pull(subscription=SUBSCRIPTION, max_messages=10, retry=None)
            ).received_messages
            seen.update(each.message.data for each in received)
            if received:
                request = types.AcknowledgeRequest(
                    subscription=SUBSCRIPTION, ack_ids=[each.ack_id for each in received]
                )
                until_it_works(partial(subscriber.acknowledge, request, retry=None))
    assert seen == {text.encode() for text in TEXTS}
    assert statuses == {
        exceptions.ServiceUnavailable,
        exceptions.DeadlineExceeded,
        exceptions.InternalServerError,
    }
    assert {"duplicate", "end_early", "forget_ack", "out_of_order"} < {
        kind.partition(".")[0] for kind in faults.counts()
    }


def test_a_stream_goes_through_the_faults_too(broker: Broker) -> None:
    broker.publish(TOPIC, [Draft(b"a")])
    faults = PubSubFaults(1, unavailable=1.0, methods=frozenset({"pull"}))
    request = types.StreamingPullRequest(subscription=SUBSCRIPTION, stream_ack_deadline_seconds=10)
    over = Event()

    def requests() -> Iterator[types.StreamingPullRequest]:
        yield request
        over.wait(WAIT_S)

    with (
        PubSubEmulator(broker=broker, faults=faults) as emulator,
        grpc.insecure_channel(emulator.address) as channel,
    ):
        method = channel.stream_stream(
            "/google.pubsub.v1.Subscriber/StreamingPull",
            request_serializer=types.StreamingPullRequest.serialize,
            response_deserializer=types.StreamingPullResponse.deserialize,
        )
        with pytest.raises(grpc.RpcError) as caught:
            next(method(requests(), timeout=WAIT_S))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        faults.calm()
        [received] = next(method(requests(), timeout=WAIT_S)).received_messages
        over.set()
    assert received.message.data == b"a"
