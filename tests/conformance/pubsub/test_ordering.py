"""Ordering keys, on subscriptions with and without message ordering."""

from tests.conformance.pubsub.client import Client, data, numbered


def ordered(client: Client) -> str:
    """A subscription with message ordering."""
    name = client.subscribe(enable_message_ordering=True)
    assert client.subscriber.get_subscription(subscription=name).enable_message_ordering
    return name


def test_the_messages_of_a_key_come_in_the_order_of_publishing(client: Client) -> None:
    name = ordered(client)
    for key in ("a", "b"):
        client.publish(*numbered(5), key=key)
        client.publish(*(str(number).encode() for number in range(5, 10)), key=key)
    seen: dict[str, list[bytes]] = {"a": [], "b": []}
    while received := client.pull(3, name):
        for each in received:
            seen[each.message.ordering_key].append(each.message.data)
        client.acknowledge(received, name)
    assert seen == {"a": numbered(10), "b": numbered(10)}


def test_a_key_waits_for_its_earlier_messages_and_others_do_not(client: Client) -> None:
    name = ordered(client)
    client.publish(b"a1", b"a2", key="a")
    [first] = client.pull(1, name)
    assert first.message.data == b"a1"
    client.publish(b"b1", key="b")
    client.publish(b"free")
    assert sorted(data(client.drain(name))) == [b"b1", b"free"]
    client.acknowledge([first], name)
    assert data(client.drain(name)) == [b"a2"]


def test_a_message_that_is_given_back_holds_up_its_key(client: Client) -> None:
    name = ordered(client)
    client.publish(b"a1", b"a2", key="a")
    [first] = client.pull(1, name)
    client.set_deadline([first], 0, name)
    [again] = client.pull(1, name)
    assert again.message.data == b"a1"
    client.acknowledge([again], name)
    assert data(client.drain(name)) == [b"a2"]


def test_an_expired_message_holds_up_its_key(client: Client) -> None:
    name = client.subscribe(enable_message_ordering=True, ack_deadline_seconds=10)
    client.publish(b"a1", b"a2", key="a")
    client.pull(1, name)
    client.server.advance(11)
    [again] = client.pull(1, name)
    assert again.message.data == b"a1"
    client.acknowledge([again], name)
    assert data(client.drain(name)) == [b"a2"]


def test_keys_hold_up_nothing_without_ordering(client: Client) -> None:
    client.publish(b"a1", b"a2", key="a")
    assert sorted(data(client.pull(1) + client.pull(1))) == [b"a1", b"a2"]
