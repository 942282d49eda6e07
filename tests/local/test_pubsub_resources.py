"""Names, settings and the life of topics and subscriptions in the broker."""

import pytest

from pipeline.local.pubsub import Broker, Draft, SubscriptionConfig
from pipeline.local.pubsub.errors import InvalidArgumentError, ResourceExistsError

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"


@pytest.fixture
def broker() -> Broker:
    broker = Broker()
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC))
    return broker


def publish(broker: Broker, *texts: str) -> None:
    broker.publish(TOPIC, [Draft(text.encode()) for text in texts])


def test_a_remade_subscription_ignores_the_old_ack_ids(broker: Broker) -> None:
    publish(broker, "a")
    [old] = broker.pull(SUBSCRIPTION, 10)
    broker.delete_subscription(SUBSCRIPTION)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC))
    publish(broker, "b")
    broker.pull(SUBSCRIPTION, 10)
    broker.acknowledge(SUBSCRIPTION, [old.ack_id])
    assert broker.stats(SUBSCRIPTION).outstanding == 1


def test_lists_are_sorted_and_of_one_project(broker: Broker) -> None:
    other = "projects/p2/topics/other"
    broker.create_topic(other)
    broker.create_topic("projects/p/topics/a-topic")
    crossing = "projects/p/subscriptions/crossing"
    broker.create_subscription(SubscriptionConfig(crossing, other))
    assert broker.topics("projects/p") == ["projects/p/topics/a-topic", TOPIC]
    assert [c.name for c in broker.subscriptions("projects/p")] == [crossing, SUBSCRIPTION]
    assert broker.topic_subscriptions(other) == [crossing]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("", id="empty"),
        pytest.param("events", id="short-name-only"),
        pytest.param("projects/p/subscriptions/events", id="other-kind"),
        pytest.param("projects/p/topics/ab", id="too-short"),
        pytest.param("projects/p/topics/" + "a" * 256, id="too-long"),
        pytest.param("projects/p/topics/1abc", id="begins-with-digit"),
        pytest.param("projects/p/topics/google-events", id="begins-with-goog"),
        pytest.param("projects/p/topics/a b c", id="space"),
        pytest.param("projects/p/topics/abc\n", id="newline"),
    ],
)
def test_malformed_names_are_refused(broker: Broker, name: str) -> None:
    with pytest.raises(InvalidArgumentError, match="Invalid resource name given"):
        broker.create_topic(name)
    with pytest.raises(InvalidArgumentError, match="Invalid resource name given"):
        broker.publish(name, [Draft(b"x")])


def test_a_name_is_taken_once(broker: Broker) -> None:
    with pytest.raises(ResourceExistsError, match=r"\(resource=events\)"):
        broker.create_topic(TOPIC)
    with pytest.raises(ResourceExistsError, match=r"\(resource=events\)"):
        broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC))


@pytest.mark.parametrize("seconds", [9, 601, -1])
def test_ack_deadlines_out_of_range_are_refused(broker: Broker, seconds: int) -> None:
    config = SubscriptionConfig("projects/p/subscriptions/new", TOPIC, seconds)
    with pytest.raises(InvalidArgumentError, match="between 10 and 600"):
        broker.create_subscription(config)


@pytest.mark.parametrize("seconds", [-1, 601])
def test_new_deadlines_out_of_range_are_refused(broker: Broker, seconds: int) -> None:
    with pytest.raises(InvalidArgumentError, match="between 0 and 600"):
        broker.modify_ack_deadline(SUBSCRIPTION, ["any"], seconds)
