"""What the emulator refuses, with the status codes and messages of the real service."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.api_core import exceptions
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import PublisherClient, SubscriberClient, types

from pipeline.local.pubsub import Broker, PubSubEmulator

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"
NO_TOPIC = "projects/p/topics/nothing"
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


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda p, _: p.get_topic(topic=NO_TOPIC), id="GetTopic"),
        pytest.param(lambda p, _: p.delete_topic(topic=NO_TOPIC), id="DeleteTopic"),
        pytest.param(
            lambda p, _: p.publish(topic=NO_TOPIC, messages=[{"data": b"x"}]), id="Publish"
        ),
        pytest.param(
            lambda p, _: p.list_topic_subscriptions(topic=NO_TOPIC), id="ListTopicSubscriptions"
        ),
        pytest.param(
            lambda _, s: s.create_subscription(name=NO_SUBSCRIPTION, topic=NO_TOPIC),
            id="CreateSubscription",
        ),
        pytest.param(
            lambda _, s: s.get_subscription(subscription=NO_SUBSCRIPTION), id="GetSubscription"
        ),
        pytest.param(
            lambda _, s: s.delete_subscription(subscription=NO_SUBSCRIPTION),
            id="DeleteSubscription",
        ),
        pytest.param(lambda _, s: s.pull(subscription=NO_SUBSCRIPTION, max_messages=1), id="Pull"),
        pytest.param(
            lambda _, s: s.acknowledge(subscription=NO_SUBSCRIPTION, ack_ids=["a"]),
            id="Acknowledge",
        ),
        pytest.param(
            lambda _, s: s.modify_ack_deadline(
                subscription=NO_SUBSCRIPTION, ack_ids=["a"], ack_deadline_seconds=10
            ),
            id="ModifyAckDeadline",
        ),
    ],
)
def test_unknown_names_are_not_found(
    publisher: PublisherClient,
    subscriber: SubscriberClient,
    call: Callable[[PublisherClient, SubscriberClient], object],
) -> None:
    with pytest.raises(exceptions.NotFound, match=r"Resource not found \(resource=nothing\)\."):
        call(publisher, subscriber)


def test_a_taken_name_already_exists(
    publisher: PublisherClient, subscriber: SubscriberClient
) -> None:
    with pytest.raises(exceptions.AlreadyExists, match=r"\(resource=events\)"):
        publisher.create_topic(name=TOPIC)
    with pytest.raises(exceptions.AlreadyExists, match=r"\(resource=events\)"):
        subscriber.create_subscription(name=SUBSCRIPTION, topic=TOPIC)


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        pytest.param([], "message_count is too small", id="no-messages"),
        pytest.param([{"data": b"x"}] * 1_001, "message_count is too large", id="1001-messages"),
        pytest.param([{"data": b"x"}, {"ordering_key": "k"}], "is empty", id="one-is-empty"),
        pytest.param([{"data": b"x" * 10_000_001}], "request_size is too large", id="10-MB"),
        pytest.param(
            [{"data": b"x" * 5_000_001}] * 2, "request_size is too large", id="10-MB-in-two"
        ),
        pytest.param([{"attributes": {"k" * 257: ""}}], "attribute_key_size", id="long-key"),
        pytest.param([{"attributes": {"é" * 129: ""}}], "attribute_key_size", id="long-in-utf-8"),
        pytest.param([{"attributes": {"k": "v" * 1_025}}], "attribute_value_size", id="long-value"),
        pytest.param([{"attributes": {"googly": "v"}}], "begin with 'goog'", id="reserved-key"),
        pytest.param(
            [{"attributes": {str(i): "v" for i in range(101)}}], "num_attributes", id="many"
        ),
        pytest.param(
            [{"data": b"x", "ordering_key": "k" * 1_025}], "ordering_key_size", id="ordering-key"
        ),
    ],
)
def test_publish_requests_over_a_limit_are_invalid(
    broker: Broker,
    publisher: PublisherClient,
    subscriber: SubscriberClient,
    messages: list[Any],
    complaint: str,
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=complaint):
        publisher.publish(topic=TOPIC, messages=messages)
    assert broker.stats(SUBSCRIPTION).published == 0


def test_publish_requests_at_the_limits_are_taken(
    broker: Broker, publisher: PublisherClient, subscriber: SubscriberClient
) -> None:
    publisher.publish(topic=TOPIC, messages=[types.PubsubMessage(data=b"x")] * 1_000)
    publisher.publish(topic=TOPIC, messages=[types.PubsubMessage(data=b"x" * 9_999_900)])
    message = types.PubsubMessage(attributes={"k" * 256: "v" * 1_024}, ordering_key="k" * 1_024)
    publisher.publish(topic=TOPIC, messages=[message])
    assert broker.stats(SUBSCRIPTION).published == 1_002


@pytest.mark.parametrize(
    ("call", "complaint"),
    [
        pytest.param(
            lambda s: s.pull(subscription="nonsense", max_messages=1), "name given", id="bad-name"
        ),
        pytest.param(
            lambda s: s.list_subscriptions(project="p"), "name given", id="bad-project-name"
        ),
        pytest.param(
            lambda s: s.pull(subscription=SUBSCRIPTION, max_messages=0), "max_messages", id="pull-0"
        ),
        pytest.param(
            lambda s: s.acknowledge(subscription=SUBSCRIPTION, ack_ids=[]), "ack ID", id="no-ids"
        ),
        pytest.param(
            lambda s: s.acknowledge(subscription=SUBSCRIPTION, ack_ids=["x" * 164] * 3_200),
            "524288 bytes",
            id="too-many-ids",
        ),
        pytest.param(
            lambda s: s.modify_ack_deadline(
                subscription=SUBSCRIPTION, ack_ids=["a"], ack_deadline_seconds=601
            ),
            "between 0 and 600",
            id="long-deadline",
        ),
        pytest.param(
            lambda s: s.create_subscription(
                name=NO_SUBSCRIPTION, topic=TOPIC, ack_deadline_seconds=9
            ),
            "between 10 and 600",
            id="short-deadline",
        ),
    ],
)
def test_requests_that_break_a_rule_are_invalid(
    subscriber: SubscriberClient, call: Callable[[SubscriberClient], object], complaint: str
) -> None:
    with pytest.raises(exceptions.InvalidArgument, match=complaint):
        call(subscriber)


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
