"""The dice of the faults, and the calls that end with an error."""

from collections.abc import Callable
from contextlib import suppress

import pytest

from pipeline.local.pubsub import (
    Broker,
    Draft,
    PubSubFaults,
    SubscriptionConfig,
)
from pipeline.local.pubsub.errors import PubSubError, UnavailableError
from pipeline.local.pubsub.faults import Method
from pipeline.local.pubsub.faulty import FaultyTraffic

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"


def make_broker(ordered: bool = False) -> Broker:
    """A broker whose time stands still: no lease ends by itself."""
    broker = Broker(lambda: 1_000.0)
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, 10, ordered))
    return broker


@pytest.fixture
def broker() -> Broker:
    return make_broker()


def publish(broker: Broker, *texts: str, key: str = "") -> None:
    broker.publish(TOPIC, [Draft(text.encode(), {}, key) for text in texts])


def test_a_fault_has_the_same_fate_whatever_else_happens() -> None:
    alone = PubSubFaults(3, end_early=0.5)
    together = PubSubFaults(3, end_early=0.5, forget_ack=0.5, unavailable=0.5)
    items = range(100)
    expected = alone.pick("end_early", 0.5, items)
    together.pick("forget_ack", 0.5, items)
    together.place("end_early", 10)
    assert together.pick("end_early", 0.5, items) == expected


CALLS: dict[Method, Callable[[FaultyTraffic, str], object]] = {
    "publish": lambda traffic, _: traffic.publish(TOPIC, [Draft(b"b")]),
    "pull": lambda traffic, _: traffic.pull(SUBSCRIPTION, 10),
    "acknowledge": lambda traffic, ack_id: traffic.acknowledge(SUBSCRIPTION, [ack_id]),
    "modify_ack_deadline": lambda traffic, ack_id: traffic.modify_ack_deadline(
        SUBSCRIPTION, [ack_id], 0
    ),
}
# published, undelivered, outstanding, acked, redelivered; from (2, 1, 1, 0, 0) on
CARRIED_OUT: dict[Method, tuple[int, int, int, int, int]] = {
    "publish": (3, 2, 1, 0, 0),
    "pull": (2, 0, 2, 0, 0),
    "acknowledge": (2, 1, 0, 1, 0),
    "modify_ack_deadline": (2, 2, 0, 0, 0),
}


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_call_can_fail_before_or_after_it_was_carried_out(
    broker: Broker, method: Method, when: str
) -> None:
    faults = PubSubFaults(1, unavailable=1.0, carried_out=when == "after")
    traffic = FaultyTraffic(broker, faults)
    publish(broker, "leased", "waits")
    [leased] = broker.pull(SUBSCRIPTION, 1)
    with pytest.raises(UnavailableError, match=f"UNAVAILABLE {when} {method}"):
        CALLS[method](traffic, leased.ack_id)
    expected = CARRIED_OUT[method] if when == "after" else (2, 1, 1, 0, 0)
    assert broker.stats(SUBSCRIPTION) == expected
    assert faults.counts() == {f"{method}.UNAVAILABLE.{when}": 1}


def test_only_the_named_methods_fail(broker: Broker) -> None:
    faults = PubSubFaults(1, internal=1.0, methods=frozenset({"acknowledge"}))
    traffic = FaultyTraffic(broker, faults)
    traffic.publish(TOPIC, [Draft(b"a")])
    [delivery] = traffic.pull(SUBSCRIPTION, 10)
    traffic.modify_ack_deadline(SUBSCRIPTION, [delivery.ack_id], 20)
    with pytest.raises(PubSubError, match="INTERNAL"):
        traffic.acknowledge(SUBSCRIPTION, [delivery.ack_id])


def test_errors_come_as_often_as_asked(broker: Broker) -> None:
    faults = PubSubFaults(1, unavailable=0.2, deadline_exceeded=0.2, internal=0.2)
    traffic = FaultyTraffic(broker, faults)
    for _ in range(1_000):
        with suppress(PubSubError):
            traffic.pull(SUBSCRIPTION, 10)
    counts = faults.counts()
    assert list(counts) == [
        f"pull.{status}.{when}"
        for status in ("DEADLINE_EXCEEDED", "INTERNAL", "UNAVAILABLE")
        for when in ("after", "before")
    ]
    assert all(60 <= count <= 140 for count in counts.values())


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: PubSubFaults(1, duplicate=1.1), id="too-large"),
        pytest.param(lambda: PubSubFaults(1, forget_ack=-0.1), id="negative"),
        pytest.param(lambda: PubSubFaults(1, unavailable=0.6, internal=0.6), id="errors-together"),
    ],
)
def test_what_is_no_probability_is_refused(make: Callable[[], PubSubFaults]) -> None:
    with pytest.raises(ValueError, match="no probability"):
        make()
