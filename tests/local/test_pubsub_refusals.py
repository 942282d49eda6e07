"""What the emulator cannot do and says so, and the words of the real service that it uses."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import PublisherClient, SubscriberClient, types

from pipeline.local.pubsub import Broker, PubSubEmulator

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"
NO_SUBSCRIPTION = "projects/p/subscriptions/nothing"


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def emulator(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSubEmulator]:
    with PubSubEmulator(broker=broker) as emulator:
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


def test_what_is_missing_or_taken_is_named_as_the_real_service_does(
    publisher: PublisherClient, subscriber: SubscriberClient
) -> None:
    with pytest.raises(exceptions.NotFound, match=r"Resource not found \(resource=nothing\)\."):
        subscriber.pull(subscription=NO_SUBSCRIPTION, max_messages=1)
    with pytest.raises(exceptions.AlreadyExists, match=r"in the project \(resource=events\)\."):
        publisher.create_topic(name=TOPIC)


@pytest.mark.parametrize(
    "setting",
    [
        pytest.param({"filter": 'attributes.a = "1"'}, id="filter"),
        pytest.param({"push_config": {"push_endpoint": "http://localhost"}}, id="push_config"),
        pytest.param({"enable_exactly_once_delivery": True}, id="enable_exactly_once_delivery"),
        pytest.param({"retry_policy": {"minimum_backoff": Duration(seconds=1)}}, id="retry_policy"),
    ],
)
def test_what_the_emulator_cannot_do_is_refused(
    subscriber: SubscriberClient, setting: dict[str, Any]
) -> None:
    [field] = setting
    with pytest.raises(exceptions.MethodNotImplemented, match=f"does not support {field}"):
        subscriber.create_subscription({"name": NO_SUBSCRIPTION, "topic": TOPIC, **setting})


def test_settings_without_effect_are_taken(subscriber: SubscriberClient) -> None:
    subscriber.create_subscription(
        types.Subscription(
            name=NO_SUBSCRIPTION,
            topic=TOPIC,
            labels={"team": "data"},
            message_retention_duration=Duration(seconds=600),
        )
    )
