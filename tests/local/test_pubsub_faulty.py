"""What becomes of messages and acknowledgements when things go wrong on purpose."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local.pubsub import (
    Broker,
    Delivery,
    Draft,
    PubSubFaults,
    SubscriptionConfig,
)
from pipeline.local.pubsub.errors import PubSubError
from pipeline.local.pubsub.faulty import FaultyTraffic
from pipeline.local.pubsub.model import Consumer

TOPIC = "projects/p/topics/events"
SUBSCRIPTION = "projects/p/subscriptions/events"
WAIT_S = 60.0


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


def numbered(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def texts(deliveries: list[Delivery]) -> list[str]:
    return [delivery.message.data.decode() for delivery in deliveries]


def ack_ids(deliveries: list[Delivery]) -> list[str]:
    return [delivery.ack_id for delivery in deliveries]


def pull(traffic: FaultyTraffic, limit: int = 1_000) -> list[Delivery]:
    return traffic.pull(SUBSCRIPTION, limit)


def responses(traffic: FaultyTraffic) -> Iterator[list[Delivery]]:
    """Pulls until nothing comes."""
    while deliveries := pull(traffic):
        yield deliveries


def test_without_faults_nothing_goes_wrong(broker: Broker) -> None:
    faults = PubSubFaults(1)
    traffic = FaultyTraffic(broker, faults)
    traffic.publish(TOPIC, [Draft(text.encode()) for text in numbered(100)])
    deliveries = pull(traffic)
    assert texts(deliveries) == numbered(100)
    traffic.modify_ack_deadline(SUBSCRIPTION, ack_ids(deliveries), 600)
    traffic.acknowledge(SUBSCRIPTION, ack_ids(deliveries))
    assert broker.stats(SUBSCRIPTION) == (100, 0, 0, 100, 0)
    assert faults.counts() == {}


def story(seed: int) -> tuple[list[list[str]], dict[str, int]]:
    """What a client sees of a Pub/Sub where everything goes wrong, until it has all acknowledged.

    A response is None when the call ended with an error.
    """
    broker = make_broker()
    faults = PubSubFaults(
        seed, duplicate=0.1, end_early=0.1, out_of_order=0.1, forget_ack=0.1, unavailable=0.2
    )
    traffic = FaultyTraffic(broker, faults)
    publish(broker, *numbered(200))
    seen: list[list[str]] = []
    for _ in range(40):
        try:
            deliveries = pull(traffic, 20)
            seen.append(texts(deliveries))
            traffic.acknowledge(SUBSCRIPTION, ack_ids(deliveries))
        except PubSubError as error:
            seen.append([error.status])
    return seen, faults.counts()


def test_a_seed_tells_one_story() -> None:
    assert story(7) == story(7)
    assert story(7) != story(8)
    _, counts = story(7)
    assert {kind.partition(".")[0] for kind in counts} == {
        "acknowledge",
        "duplicate",
        "end_early",
        "forget_ack",
        "out_of_order",
        "pull",
    }


def test_a_duplicate_comes_under_another_ack_id_while_the_first_is_leased_or_afterwards(
    broker: Broker,
) -> None:
    faults = PubSubFaults(5, duplicate=1.0)
    traffic = FaultyTraffic(broker, faults)
    publish(broker, *numbered(100))
    first = pull(traffic)
    while_leased = [d for deliveries in responses(traffic) for d in deliveries]
    traffic.acknowledge(SUBSCRIPTION, ack_ids(first))
    afterwards = [d for deliveries in responses(traffic) for d in deliveries]
    assert Counter(texts(while_leased + afterwards)) == Counter(numbered(100))
    assert len(set(ack_ids(first + while_leased + afterwards))) == 200
    assert faults.counts() == {
        "duplicate.acknowledged": len(afterwards),
        "duplicate.leased": len(while_leased),
    }
    assert min(len(afterwards), len(while_leased)) > 20
    assert broker.stats(SUBSCRIPTION) == (100, 0, 0, 100, 0)


def one_duplicate(broker: Broker) -> tuple[FaultyTraffic, Delivery, Delivery]:
    """A message that is leased twice at a time."""
    for seed in range(20):
        traffic = FaultyTraffic(broker, PubSubFaults(seed, duplicate=1.0))
        publish(broker, "a")
        [first] = pull(traffic)
        if deliveries := pull(traffic):
            return traffic, first, deliveries[0]
        broker.acknowledge(SUBSCRIPTION, [first.ack_id])
    raise AssertionError("no seed makes a duplicate of a leased message")


def test_to_acknowledge_a_duplicate_is_to_acknowledge_the_message(broker: Broker) -> None:
    traffic, first, duplicate = one_duplicate(broker)
    traffic.modify_ack_deadline(SUBSCRIPTION, [duplicate.ack_id], 600)
    traffic.acknowledge(SUBSCRIPTION, [duplicate.ack_id])
    traffic.modify_ack_deadline(SUBSCRIPTION, [first.ack_id], 0)
    assert pull(traffic) == []
    assert broker.stats(SUBSCRIPTION).outstanding == 0


def test_to_give_back_a_duplicate_is_to_give_back_the_message(broker: Broker) -> None:
    traffic, _, duplicate = one_duplicate(broker)
    traffic.modify_ack_deadline(SUBSCRIPTION, [duplicate.ack_id], 0)
    assert texts(pull(traffic)) == ["a"]
    traffic.acknowledge(SUBSCRIPTION, [duplicate.ack_id])
    assert broker.stats(SUBSCRIPTION).outstanding == 1


def test_duplicates_keep_to_the_size_of_a_response_and_to_what_a_client_may_hold(
    broker: Broker,
) -> None:
    traffic = FaultyTraffic(broker, PubSubFaults(5, duplicate=1.0))
    publish(broker, *["x" * 900_000] * 20)
    sizes = [sum(len(d.message.data) for d in deliveries) for deliveries in responses(traffic)]
    assert sum(sizes) > 20 * 900_000
    assert max(sizes) < 4_000_000
    full = Consumer(max_messages=1, held_messages=1)
    publish(broker, *numbered(10))
    pull(traffic)
    assert traffic.pull(SUBSCRIPTION, 10, 0.0, full) == []


def test_a_held_pull_is_given_the_duplicate_of_what_was_just_acknowledged(broker: Broker) -> None:
    traffic = FaultyTraffic(broker, PubSubFaults(5, duplicate=1.0))
    publish(broker, *numbered(20))
    first = pull(traffic)
    list(responses(traffic))
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(traffic.pull, SUBSCRIPTION, 10, WAIT_S)
        traffic.acknowledge(SUBSCRIPTION, ack_ids(first))
        assert held.result(timeout=WAIT_S)


def test_a_lease_that_ends_early_brings_the_message_again(broker: Broker) -> None:
    faults = PubSubFaults(1, end_early=1.0)
    traffic = FaultyTraffic(broker, faults)
    publish(broker, "a")
    [first] = pull(traffic)
    [again] = pull(traffic)
    assert again.message is first.message
    assert again.ack_id != first.ack_id
    assert faults.counts() == {"end_early": 2}


def test_a_lease_can_end_when_it_is_extended(broker: Broker) -> None:
    faults = PubSubFaults(1, end_early=1.0)
    traffic = FaultyTraffic(broker, faults)
    publish(broker, "a")
    leased = broker.pull(SUBSCRIPTION, 10)
    assert pull(traffic) == []
    traffic.modify_ack_deadline(SUBSCRIPTION, ack_ids(leased), 600)
    assert texts(pull(traffic)) == ["a"]


def test_messages_come_in_another_order_within_a_response_and_across_them(broker: Broker) -> None:
    faults = PubSubFaults(1, out_of_order=0.5)
    traffic = FaultyTraffic(broker, faults)
    publish(broker, *numbered(100))
    first, *later = (texts(deliveries) for deliveries in responses(traffic))
    assert first != sorted(first, key=int)
    seen = first + [text for each in later for text in each]
    assert sorted(seen, key=int) == numbered(100)
    assert min(map(int, later[-1])) < max(map(int, first))
    assert faults.counts()["out_of_order"] > 20


def test_an_acknowledgement_can_be_forgotten(broker: Broker) -> None:
    faults = PubSubFaults(1, forget_ack=1.0)
    traffic = FaultyTraffic(broker, faults)
    publish(broker, "a")
    for _ in range(3):
        deliveries = pull(traffic)
        assert texts(deliveries) == ["a"]
        traffic.acknowledge(SUBSCRIPTION, ack_ids(deliveries))
    assert faults.counts() == {"forget_ack": 3}
    faults.calm()
    traffic.acknowledge(SUBSCRIPTION, ack_ids(pull(traffic)))
    assert broker.stats(SUBSCRIPTION).acked == 1


def test_an_ordering_key_holds_through_all_faults() -> None:
    broker = make_broker(ordered=True)
    faults = PubSubFaults(2, duplicate=0.5, out_of_order=0.5, end_early=0.1, forget_ack=0.1)
    traffic = FaultyTraffic(broker, faults)
    publish(broker, *numbered(200), key="k")
    acknowledged: list[int] = []
    while broker.stats(SUBSCRIPTION).acked < 200:
        for delivery in pull(traffic, 20):
            number = int(delivery.message.data)
            assert number <= len(set(acknowledged)), "an earlier one was neither seen nor settled"
            acknowledged.append(number)
            traffic.acknowledge(SUBSCRIPTION, [delivery.ack_id])
    assert "duplicate.leased" not in faults.counts()
    assert "out_of_order" not in faults.counts()


def test_calm_ends_it_all_and_what_was_still_to_come(broker: Broker) -> None:
    faults = PubSubFaults(
        1, duplicate=1.0, end_early=0.5, out_of_order=0.5, forget_ack=0.5, unavailable=0.1
    )
    traffic = FaultyTraffic(broker, faults)
    publish(broker, *numbered(50))
    deliveries: list[Delivery] = []
    while not deliveries:
        with suppress(PubSubError):
            deliveries = pull(traffic)
    faults.calm()
    counts = faults.counts()
    traffic.acknowledge(SUBSCRIPTION, ack_ids(deliveries))
    for again in responses(traffic):
        traffic.acknowledge(SUBSCRIPTION, ack_ids(again))
    assert pull(traffic) == []
    assert broker.stats(SUBSCRIPTION).acked == 50
    assert faults.counts() == counts


PROBABILITY = st.sampled_from([0.0, 0.1, 0.5])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1_000),
    duplicate=PROBABILITY,
    end_early=PROBABILITY,
    out_of_order=PROBABILITY,
    forget_ack=PROBABILITY,
    unavailable=PROBABILITY,
    ordered=st.booleans(),
    limit=st.integers(1, 30),
)
def test_whatever_goes_wrong_every_message_comes_and_can_be_settled(
    seed: int,
    duplicate: float,
    end_early: float,
    out_of_order: float,
    forget_ack: float,
    unavailable: float,
    ordered: bool,
    limit: int,
) -> None:
    broker = make_broker(ordered)
    faults = PubSubFaults(
        seed,
        duplicate=duplicate,
        end_early=end_early,
        out_of_order=out_of_order,
        forget_ack=forget_ack,
        unavailable=unavailable,
    )
    traffic = FaultyTraffic(broker, faults)
    publish(broker, *numbered(30))
    publish(broker, *numbered(30), key="k")
    seen: Counter[str] = Counter()

    def step() -> None:
        deliveries = traffic.pull(SUBSCRIPTION, limit)
        assert len(deliveries) <= limit
        seen.update(delivery.message.message_id for delivery in deliveries)
        traffic.acknowledge(SUBSCRIPTION, ack_ids(deliveries))

    for _ in range(20):
        with suppress(PubSubError):
            step()
    faults.calm()
    for deliveries in iter(lambda: broker.pull(SUBSCRIPTION, 100), []):
        seen.update(delivery.message.message_id for delivery in deliveries)
        broker.acknowledge(SUBSCRIPTION, ack_ids(deliveries))
    stats = broker.stats(SUBSCRIPTION)
    assert stats.published == stats.acked + stats.undelivered + stats.outstanding == 60
    # After an error of its call a message can be leased to nobody until its lease ends.
    assert unavailable or (stats.acked == 60 and len(seen) == 60)
