"""Publishing and pulling: what arrives, where, and how much of it."""

from concurrent.futures import ThreadPoolExecutor

from google.pubsub_v1 import types

from tests.conformance.pubsub.client import PATIENCE_S, Client, data, numbered


def test_a_message_arrives_as_it_was_published(client: Client) -> None:
    messages = [
        types.PubsubMessage(
            data=b"\x00\xff", attributes={"source": "naïve", "empty": ""}, ordering_key="k"
        ),
        types.PubsubMessage(data=b"without attributes", ordering_key="k"),
    ]
    sent = client.publisher.publish(topic=client.topic, messages=messages).message_ids
    received = {each.message.message_id: each for each in client.drain()}
    assert received.keys() == set(sent)
    first, second = (received[message_id] for message_id in sent)
    assert first.message.data == b"\x00\xff"
    assert dict(first.message.attributes) == {"source": "naïve", "empty": ""}
    assert first.message.ordering_key == "k"
    assert first.message.publish_time.timestamp() > 1_700_000_000
    assert first.delivery_attempt == 0, "attempts are counted under a dead-letter policy only"
    assert second.message.data == b"without attributes"
    assert not second.message.attributes


def test_a_message_may_have_attributes_alone(client: Client) -> None:
    messages = [types.PubsubMessage(attributes={"a": "1"})]
    client.publisher.publish(topic=client.topic, messages=messages)
    [received] = client.pull()
    assert (received.message.data, dict(received.message.attributes)) == (b"", {"a": "1"})


def test_message_ids_and_ack_ids_are_different_for_each(client: Client) -> None:
    sent = client.publish(*numbered(50)) + client.publish(*numbered(50))
    received = client.drain()
    assert sorted(each.message.message_id for each in received) == sorted(sent)
    assert len({each.message.message_id for each in received}) == 100
    assert len({each.ack_id for each in received}) == 100


def test_every_subscription_gets_what_is_published_after_it_was_made(client: Client) -> None:
    client.publish(b"early")
    late = client.subscribe()
    client.publish(b"both")
    assert sorted(data(client.drain())) == [b"both", b"early"]
    received = client.drain(late)
    assert data(received) == [b"both"]
    client.acknowledge(received, late)
    client.server.advance(601)
    assert client.drain(late) == []


def test_a_pull_gives_at_most_what_was_asked_for(client: Client) -> None:
    client.publish(*numbered(30))
    assert 1 <= len(client.pull(7)) <= 7
    assert len(client.drain()) >= 23


def test_more_messages_than_a_pull_may_hold_come_in_several(client: Client) -> None:
    for _ in range(3):
        client.publish(*numbered(1_000))
    first = client.pull()
    assert 1 <= len(first) <= 1_000
    assert len(first) + len(client.drain()) == 3_000


def test_a_message_of_9_9_mb_comes(client: Client) -> None:
    body = bytes(range(256)) * 38_671
    client.publish(body)
    assert data(client.pull()) == [body]


def test_a_pull_of_nothing_is_answered_empty(client: Client) -> None:
    assert client.pull() == []
    held = client.subscriber.pull(subscription=client.subscription, max_messages=10)
    assert not held.received_messages


def test_a_held_pull_gives_what_is_published_meanwhile(client: Client) -> None:
    def until_something_comes() -> list[types.ReceivedMessage]:
        while True:
            response = client.subscriber.pull(subscription=client.subscription, max_messages=10)
            if response.received_messages:
                return list(response.received_messages)

    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(until_something_comes)
        client.publish(b"a")
        assert data(held.result(timeout=PATIENCE_S)) == [b"a"]


def test_two_clients_share_the_messages(client: Client) -> None:
    client.publish(*numbered(100))
    one, other = client.pull(40), client.pull(100)
    assert sorted(data(one + other), key=int) == numbered(100)
