"""Acknowledgements and leases while Pub/Sub fails."""

from collections.abc import Callable, Iterator

import pytest
from google.api_core.exceptions import NotFound, ServiceUnavailable
from google.api_core.retry import Retry, if_exception_type

from pipeline.local.pubsub import Broker, Draft, PubSubEmulator, PubSubFaults, SubscriptionConfig
from pipeline.local.pubsub.faults import Method
from pipeline.sources import leases as leases_module
from pipeline.sources.client import subscriber_client
from pipeline.sources.leases import Leases
from tests.pipeline.conftest import SUBSCRIPTION, TOPIC, PubSub

OFTEN_S, NEVER_S = 0.02, 3_600.0
COUNT = 2_500
"""Messages: three requests."""

Opener = Callable[..., Leases]


@pytest.fixture
def broker() -> PubSub:
    return PubSub()


def pulled(broker: Broker) -> list[str]:
    """All messages leased; their ack ids."""
    ack_ids: list[str] = []
    while deliveries := broker.pull(SUBSCRIPTION, 1_000):
        ack_ids += [delivery.ack_id for delivery in deliveries]
    return ack_ids


@pytest.fixture
def opened(broker: PubSub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opener]:
    """Opens leases on messages of an emulator with these faults."""
    running: list[tuple[Leases, PubSubEmulator]] = []

    def open_leases(faults: PubSubFaults, every_s: float = OFTEN_S) -> Leases:
        emulator = PubSubEmulator(broker=broker, faults=faults)
        emulator.start()
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.address)
        leases = Leases(SUBSCRIPTION, subscriber_client(), every_s)
        running.append((leases, emulator))
        return leases

    yield open_leases
    for leases, emulator in running:
        leases.close()
        emulator.stop()


def failing(method: Method, **rates: float) -> PubSubFaults:
    """Faults of one method, before it is carried out."""
    return PubSubFaults(1, methods=frozenset({method}), carried_out=0.0, **rates)


@pytest.mark.parametrize("status", ["internal", "deadline_exceeded", "unavailable"])
def test_an_acknowledgement_that_fails_is_made_again(
    broker: PubSub, opened: Opener, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    # The client's own tries come to an end soon; a call itself may take as long as ever.
    monkeypatch.setattr(
        leases_module, "_RETRY", Retry(if_exception_type(ServiceUnavailable), timeout=0.2)
    )
    broker.publish(TOPIC, [Draft(b"x")] * COUNT)
    faults = failing("acknowledge", **{status: 1.0})
    leases = opened(faults)
    ack_ids = pulled(broker)
    leases.hold(ack_ids)
    leases.acknowledge(ack_ids)
    assert broker.counts().acked == 0
    broker.until(lambda: any(ids >= set(ack_ids[:1]) for _s, ids in broker.deadlines))
    faults.calm()
    broker.until(lambda: broker.counts().acked == COUNT)
    assert broker.counts().redelivered == 0
    broker.deadlines.clear()
    broker.publish(TOPIC, [Draft(b"y")])
    leases.hold(pulled(broker))
    broker.until(lambda: len(broker.deadlines) > 1)
    assert len(broker.deadlines[-1][1]) == 1, "what is acknowledged is not extended any more"


def test_a_request_that_fails_does_not_hold_up_the_others(broker: PubSub, opened: Opener) -> None:
    broker.publish(TOPIC, [Draft(b"x")] * COUNT)
    faults = failing("acknowledge", internal=0.5)
    leases = opened(faults)
    ack_ids = pulled(broker)
    leases.hold(ack_ids)
    leases.acknowledge(ack_ids)
    broker.until(lambda: broker.counts().acked == COUNT)
    assert broker.counts().redelivered == 0


def test_a_refusal_is_for_good(broker: PubSub, opened: Opener) -> None:
    broker.publish(TOPIC, [Draft(b"x")])
    leases = opened(PubSubFaults(1))
    ack_ids = pulled(broker)
    leases.hold(ack_ids)
    broker.delete_subscription(SUBSCRIPTION)
    with pytest.raises(NotFound):
        leases.acknowledge(ack_ids)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC))


def test_leases_are_extended_around_a_request_that_fails(broker: PubSub, opened: Opener) -> None:
    broker.publish(TOPIC, [Draft(b"x")] * COUNT)
    leases = opened(failing("modify_ack_deadline", internal=0.5))
    ack_ids = pulled(broker)
    leases.hold(ack_ids)

    def all_extended() -> bool:
        return set(ack_ids) <= {each for _s, ids in broker.deadlines for each in ids}

    broker.until(all_extended)
    assert broker.counts().outstanding == COUNT


def test_acknowledgements_that_wait_are_bounded(
    broker: PubSub, opened: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases_module, "MAX_SETTLED", 10)
    broker.publish(TOPIC, [Draft(b"x")] * 100)
    faults = failing("acknowledge", internal=1.0)
    # What is told again meanwhile may be some of those that are given up next.
    leases = opened(faults, NEVER_S)
    ack_ids = pulled(broker)
    leases.hold(ack_ids)
    for ack_id in ack_ids:
        leases.acknowledge([ack_id])
    faults.calm()
    leases.close()
    assert broker.counts().acked == 10


def test_the_end_tells_pub_sub_once_more(broker: PubSub, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = failing("acknowledge", internal=1.0)
    with PubSubEmulator(broker=broker, faults=faults) as emulator:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.address)
        broker.publish(TOPIC, [Draft(b"x")] * 5)
        leases = Leases(SUBSCRIPTION, subscriber_client(), NEVER_S)
        ack_ids = pulled(broker)
        leases.hold(ack_ids)
        leases.acknowledge(ack_ids[:3])
        faults.calm()
        leases.close()
    counts = broker.counts()
    assert (counts.acked, counts.undelivered, counts.outstanding) == (3, 2, 0)
