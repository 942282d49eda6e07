"""Acknowledging, extending, giving back, and what happens when a lease ends."""

from google.pubsub_v1 import types

from tests.conformance.pubsub.client import LONG_S, Client, data, fresh, ids, numbered
from tests.conformance.pubsub.deviations import (
    NO_DEAD_LETTER_POLICY,
    SHORT_RETENTION,
    as_documented,
)


def short(client: Client) -> str:
    """A subscription whose leases end after 10 s."""
    return client.subscribe(ack_deadline_seconds=10)


def test_a_leased_message_is_delivered_to_nobody_else(client: Client) -> None:
    client.publish(*numbered(10))
    assert len(client.drain()) == 10
    assert client.pull() == []


def test_an_acknowledged_message_never_comes_again(client: Client) -> None:
    name = short(client)
    client.publish(*numbered(10))
    received = client.drain(name)
    client.acknowledge(received, name)
    client.server.advance(30)
    assert client.drain(name) == []


def test_acknowledgements_are_counted_by_both_servers(client: Client) -> None:
    client.publish(*numbered(10))
    received = client.drain()
    assert client.counts() == (10, 0, 10)
    client.acknowledge(received[:4])
    client.set_deadline(received[4:6], 0)
    client.acknowledge(client.drain())
    assert client.counts() == (10, 6, 12)


def test_an_expired_message_is_delivered_again_under_a_new_ack_id(client: Client) -> None:
    name = short(client)
    client.publish(b"a", b"b")
    first = client.drain(name)
    client.server.advance(9)
    assert client.drain(name) == []
    client.server.advance(1.1)
    again = client.drain(name)
    assert sorted(data(again)) == [b"a", b"b"]
    assert not set(ids(first)) & set(ids(again))
    assert {each.message.message_id for each in first} == {
        each.message.message_id for each in again
    }


def test_the_ack_id_of_an_earlier_delivery_is_void(client: Client) -> None:
    name = short(client)
    client.publish(b"a")
    first = client.drain(name)
    client.server.advance(11)
    again = client.drain(name)
    client.acknowledge(first, name)
    client.set_deadline(again, 0, name)
    assert data(client.drain(name)) == [b"a"]


def test_a_late_acknowledgement_counts_until_the_message_is_delivered_again(
    client: Client,
) -> None:
    name = short(client)
    client.publish(b"a")
    received = client.drain(name)
    client.server.advance(60)
    client.acknowledge(received, name)
    assert client.drain(name) == []


def test_a_deadline_can_be_moved_both_ways(client: Client) -> None:
    name = short(client)
    client.publish(b"long", b"short")
    received = {each.message.data: each for each in client.drain(name)}
    client.set_deadline([received[b"long"]], 100, name)
    client.set_deadline([received[b"short"]], 1, name)
    client.server.advance(1.1)
    assert data(client.drain(name)) == [b"short"]
    client.server.advance(90)
    assert data(client.drain(name)) == [b"short"]
    client.server.advance(10)
    assert b"long" in data(client.drain(name))


def test_a_lease_can_be_extended_again_and_again(client: Client) -> None:
    name = short(client)
    client.publish(b"a")
    received = client.drain(name)
    for _ in range(10):
        client.set_deadline(received, 20, name)
        client.server.advance(19)
        assert client.drain(name) == []
    client.acknowledge(received, name)


def test_a_message_that_is_given_back_comes_again_at_once(client: Client) -> None:
    client.publish(*numbered(3))
    received = client.drain()
    client.set_deadline(received[:2], 0)
    again = client.drain()
    assert sorted(data(again)) == sorted(data(received[:2]))
    assert not set(ids(received)) & set(ids(again))


def test_an_acknowledgement_after_giving_back_does_not_finish_the_next_delivery(
    client: Client,
) -> None:
    client.publish(b"a")
    first = client.drain()
    client.set_deadline(first, 0)
    again = client.drain()
    client.acknowledge(first)
    client.set_deadline(first, LONG_S)
    client.set_deadline(again, 0)
    assert data(client.drain()) == [b"a"]


def test_unknown_ack_ids_are_ignored_and_the_others_count(client: Client) -> None:
    name = short(client)
    client.publish(b"a", b"b")
    received = client.drain(name)
    strange = types.ReceivedMessage(ack_id="nobody-has-this")
    client.set_deadline([strange, received[0]], 60, name)
    client.acknowledge([strange, received[1]], name)
    client.server.advance(30)
    assert client.drain(name) == []
    client.server.advance(31)
    assert data(client.drain(name)) == data(received[:1])


def test_an_acknowledgement_can_be_repeated(client: Client) -> None:
    client.publish(b"a", b"b")
    received = client.drain()
    client.acknowledge(received[:1])
    client.acknowledge(received[:1])
    client.set_deadline(received[:1], 0)
    client.set_deadline(received[1:], 0)
    assert data(client.drain()) == data(received[1:])


def test_the_ack_ids_of_another_subscription_have_no_effect(client: Client) -> None:
    other = short(client)
    client.publish(b"a")
    received = client.drain(other)
    client.acknowledge(received, other)
    assert data(client.drain()) == [b"a"]


def test_messages_wait_for_hours(client: Client) -> None:
    client.publish(b"a")
    client.server.advance(3 * 3_600)
    with as_documented(client.server.name, SHORT_RETENTION):
        assert data(client.drain()) == [b"a"]


def test_messages_that_are_given_back_five_times_go_to_the_dead_letter_topic(
    client: Client,
) -> None:
    dead_letters = client.publisher.create_topic(name=fresh("topics")).name
    found = fresh("subscriptions")
    client.subscriber.create_subscription(name=found, topic=dead_letters)
    policy = types.DeadLetterPolicy(dead_letter_topic=dead_letters, max_delivery_attempts=5)
    with as_documented(client.server.name, NO_DEAD_LETTER_POLICY):
        name = client.subscribe(dead_letter_policy=policy)
        client.publish(b"a")
        for attempt in range(1, 6):
            [received] = client.drain(name)
            assert received.delivery_attempt == attempt
            client.set_deadline([received], 0, name)
        assert client.drain(name) == []
        # A set: pstest forwards a message that was given back anew with each of its turns, 10 ms
        # apart, because it then no longer knows the ack id under which it would delete it.
        assert set(data(client.drain(found))) == {b"a"}
