"""The broker alone, with a clock that the test moves."""

from weakref import ref

import pytest

from pipeline.local.pubsub import Broker, Delivery, Draft, SubscriptionConfig
from pipeline.local.pubsub.model import Consumer

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"
NOW_NS = 1_700_000_000_123_456_789


class FakeClock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def broker(clock: FakeClock) -> Broker:
    return make_broker(clock, ordered=False)


@pytest.fixture
def ordered(clock: FakeClock) -> Broker:
    return make_broker(clock, ordered=True)


def make_broker(clock: FakeClock, ordered: bool) -> Broker:
    broker = Broker(clock, wall_clock_ns=lambda: NOW_NS)
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, 10, ordered))
    return broker


def publish(broker: Broker, *texts: str, key: str = "") -> None:
    broker.publish(TOPIC, [Draft(text.encode(), {}, key) for text in texts])


def pull(broker: Broker, limit: int = 100) -> list[Delivery]:
    return broker.pull(SUBSCRIPTION, limit)


def texts(deliveries: list[Delivery]) -> list[str]:
    return [delivery.message.data.decode() for delivery in deliveries]


def test_a_message_keeps_what_it_was_published_with(broker: Broker) -> None:
    ids = broker.publish(TOPIC, [Draft(b"\x00\xff", {"a": "1"}, "key"), Draft(b"2")])
    first, second = (delivery.message for delivery in pull(broker))
    assert [first.message_id, second.message_id] == ids
    assert int(second.message_id) > int(first.message_id)
    assert first[1:] == (b"\x00\xff", {"a": "1"}, "key", NOW_NS)


def test_a_new_deadline_cannot_revive_an_ended_lease(broker: Broker, clock: FakeClock) -> None:
    publish(broker, "a")
    [delivery] = pull(broker)
    clock.now += 10
    broker.modify_ack_deadline(SUBSCRIPTION, [delivery.ack_id], 600)
    assert texts(pull(broker)) == ["a"]


def test_a_nacked_message_comes_back_at_once_and_first(broker: Broker) -> None:
    publish(broker, "a", "b", "c")
    taken = pull(broker, 2)
    broker.modify_ack_deadline(SUBSCRIPTION, [delivery.ack_id for delivery in taken], 0)
    assert texts(pull(broker)) == ["a", "b", "c"]


def test_a_pull_stops_before_four_megabytes_but_gives_at_least_one(broker: Broker) -> None:
    publish(broker, *("x" * size for size in (6_000_000, 3_000_000, 900_000, 900_000)))
    assert [len(pull(broker)) for _ in range(3)] == [1, 2, 1]


def test_a_consumer_never_holds_more_than_its_limits(broker: Broker) -> None:
    publish(broker, "aaaa", "bbbb", "cccc", "dddd")
    by_count, by_bytes = Consumer(max_messages=2), Consumer(max_bytes=700)
    first = broker.pull(SUBSCRIPTION, 100, 0, by_count)
    assert texts(first) == ["aaaa", "bbbb"]
    assert broker.pull(SUBSCRIPTION, 100, 0, by_count) == []
    assert texts(broker.pull(SUBSCRIPTION, 100, 0, by_bytes)) == ["cccc", "dddd"]
    assert broker.pull(SUBSCRIPTION, 100, 0, by_bytes) == []
    broker.modify_ack_deadline(SUBSCRIPTION, [first[0].ack_id], 0)
    broker.acknowledge(SUBSCRIPTION, [first[1].ack_id])
    assert texts(broker.pull(SUBSCRIPTION, 100, 0, by_count)) == ["aaaa"]


def test_a_key_waits_for_its_earlier_messages(ordered: Broker) -> None:
    publish(ordered, "a1", "a2", "a3", key="a")
    publish(ordered, "b1", key="b")
    publish(ordered, "free")
    both = pull(ordered, 2)
    assert texts(both) == ["a1", "a2"]
    assert texts(pull(ordered)) == ["b1", "free"]
    ordered.acknowledge(SUBSCRIPTION, [both[1].ack_id])
    assert pull(ordered) == []
    ordered.acknowledge(SUBSCRIPTION, [both[0].ack_id])
    assert texts(pull(ordered)) == ["a3"]


def test_a_key_comes_back_from_the_returned_message_on(ordered: Broker) -> None:
    publish(ordered, "a1", "a2", "a3", "a4", key="a")
    taken = pull(ordered, 3)
    ordered.modify_ack_deadline(SUBSCRIPTION, [taken[1].ack_id], 0)
    assert pull(ordered) == []
    ordered.acknowledge(SUBSCRIPTION, [taken[0].ack_id])
    again = pull(ordered)
    assert texts(again) == ["a2", "a3", "a4"]
    assert [delivery.attempt for delivery in again] == [2, 2, 1]


def test_a_late_ack_lets_a_key_go_on(ordered: Broker, clock: FakeClock) -> None:
    publish(ordered, "a1", "a2", key="a")
    [first] = pull(ordered, 1)
    clock.now += 10
    assert ordered.stats(SUBSCRIPTION).undelivered == 2
    ordered.acknowledge(SUBSCRIPTION, [first.ack_id])
    assert texts(pull(ordered)) == ["a2"]


class Attributes(dict[str, str]):
    """A dict whose end a test can see."""


def test_memory_is_released_on_ack_not_at_the_end_of_the_lease(
    broker: Broker, clock: FakeClock
) -> None:
    attributes = [Attributes(number="1"), Attributes(number="2")]
    alive = [ref(each) for each in attributes]
    broker.publish(TOPIC, [Draft(b"x", each) for each in attributes])
    attributes.clear()
    ack_ids = [delivery.ack_id for delivery in pull(broker)]
    broker.acknowledge(SUBSCRIPTION, ack_ids[:1])
    assert [each() is None for each in alive] == [True, False]
    clock.now += 60
    assert broker.stats(SUBSCRIPTION).undelivered == 1
    broker.acknowledge(SUBSCRIPTION, ack_ids[1:])
    assert [each() is None for each in alive] == [True, True]
