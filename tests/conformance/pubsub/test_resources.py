"""Making, reading, listing and deleting topics and subscriptions."""

from collections.abc import Callable

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import types

from tests.conformance.pubsub.client import PROJECT, Client, fresh
from tests.conformance.pubsub.deviations import (
    NO_DEFAULT_DEADLINE,
    NO_TOPIC_CHECK_IN_LISTS,
    as_documented,
)

NO_TOPIC = f"{PROJECT}/topics/nothing"
NO_SUBSCRIPTION = f"{PROJECT}/subscriptions/nothing"


def test_what_was_made_can_be_read(client: Client) -> None:
    name = fresh("subscriptions")
    made = client.subscriber.create_subscription(
        name=name, topic=client.topic, push_config=types.PushConfig(), ack_deadline_seconds=599
    )
    assert client.subscriber.get_subscription(subscription=name) == made
    assert (made.name, made.topic, made.ack_deadline_seconds) == (name, client.topic, 599)
    assert not made.enable_message_ordering
    assert client.publisher.get_topic(topic=client.topic).name == client.topic


def test_a_subscription_has_10_s_unless_it_asks_for_more(client: Client) -> None:
    name = client.subscribe(ack_deadline_seconds=0)
    with as_documented(client.server.name, NO_DEFAULT_DEADLINE):
        made = client.subscriber.get_subscription(subscription=name)
        assert made.ack_deadline_seconds == 10
    client.publish(b"a")
    assert len(client.drain(name)) == 1
    client.server.advance(9)
    assert client.drain(name) == []
    client.server.advance(1.1)
    assert len(client.drain(name)) == 1


def test_lists_are_complete_page_by_page(client: Client) -> None:
    names = sorted([client.subscription, *(client.subscribe() for _ in range(4))])
    assert sorted(client.publisher.list_topic_subscriptions(topic=client.topic)) == names
    request = {"project": PROJECT, "page_size": 2}
    pages = list(client.subscriber.list_subscriptions(request).pages)
    assert all(len(page.subscriptions) <= 2 for page in pages)
    listed = [each.name for page in pages for each in page.subscriptions]
    assert set(names) <= set(listed)
    assert len(set(listed)) == len(listed)
    assert client.topic in {topic.name for topic in client.publisher.list_topics(project=PROJECT)}


def test_a_deleted_topic_leaves_its_subscriptions_with_what_they_have(client: Client) -> None:
    client.publish(b"a")
    client.publisher.delete_topic(topic=client.topic)
    made = client.subscriber.get_subscription(subscription=client.subscription)
    assert made.topic == "_deleted-topic_"
    assert len(client.drain()) == 1
    client.publisher.create_topic(name=client.topic)
    client.publish(b"b")
    assert client.drain() == []


def test_a_deleted_subscription_is_gone_and_a_new_one_begins_empty(client: Client) -> None:
    client.publish(b"a")
    client.subscriber.delete_subscription(subscription=client.subscription)
    with pytest.raises(exceptions.NotFound):
        client.pull()
    client.subscriber.create_subscription(name=client.subscription, topic=client.topic)
    assert client.drain() == []
    client.publish(b"b")
    assert len(client.drain()) == 1


def test_a_taken_name_already_exists(client: Client) -> None:
    with pytest.raises(exceptions.AlreadyExists):
        client.publisher.create_topic(name=client.topic)
    with pytest.raises(exceptions.AlreadyExists):
        client.subscriber.create_subscription(name=client.subscription, topic=client.topic)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda c: c.publisher.get_topic(topic=NO_TOPIC), id="GetTopic"),
        pytest.param(lambda c: c.publisher.delete_topic(topic=NO_TOPIC), id="DeleteTopic"),
        pytest.param(
            lambda c: c.publisher.publish(topic=NO_TOPIC, messages=[{"data": b"x"}]), id="Publish"
        ),
        pytest.param(
            lambda c: c.subscriber.create_subscription(name=NO_SUBSCRIPTION, topic=NO_TOPIC),
            id="CreateSubscription",
        ),
        pytest.param(
            lambda c: c.subscriber.get_subscription(subscription=NO_SUBSCRIPTION),
            id="GetSubscription",
        ),
        pytest.param(
            lambda c: c.subscriber.delete_subscription(subscription=NO_SUBSCRIPTION),
            id="DeleteSubscription",
        ),
        pytest.param(lambda c: c.pull(subscription=NO_SUBSCRIPTION), id="Pull"),
        pytest.param(
            lambda c: c.subscriber.acknowledge(subscription=NO_SUBSCRIPTION, ack_ids=["a"]),
            id="Acknowledge",
        ),
        pytest.param(
            lambda c: c.subscriber.modify_ack_deadline(
                subscription=NO_SUBSCRIPTION, ack_ids=["a"], ack_deadline_seconds=10
            ),
            id="ModifyAckDeadline",
        ),
    ],
)
def test_unknown_names_are_not_found(client: Client, call: Callable[[Client], object]) -> None:
    with pytest.raises(exceptions.NotFound):
        call(client)


def test_an_unknown_topic_has_no_list(client: Client) -> None:
    with (
        as_documented(client.server.name, NO_TOPIC_CHECK_IN_LISTS),
        pytest.raises(exceptions.NotFound),
    ):
        list(client.publisher.list_topic_subscriptions(topic=NO_TOPIC))
