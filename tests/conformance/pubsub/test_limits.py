"""Requests that break a rule of Pub/Sub. pstest checks hardly any of them."""

from collections.abc import Callable
from typing import Any

import pytest
from google.api_core import exceptions
from google.pubsub_v1 import types

from tests.conformance.pubsub.client import Client, fresh
from tests.conformance.pubsub.deviations import (
    NO_DEADLINE_RANGES,
    NO_LIMITS,
    NO_NAME_RULES,
    NO_REQUIRED_LISTS,
    Deviation,
    as_documented,
)


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        pytest.param([{"data": b"x"}] * 1_001, "message_count is too large", id="1001-messages"),
        pytest.param([{"data": b"x"}, {}], "is empty", id="one-is-empty"),
        pytest.param([{"ordering_key": "k"}], "is empty", id="empty-with-a-key"),
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
        pytest.param(
            [{"data": b"x", "ordering_key": "a"}, {"data": b"x", "ordering_key": "b"}],
            "same ordering key",
            id="two-ordering-keys",
        ),
        pytest.param(
            [{"data": b"x", "ordering_key": "a"}, {"data": b"x"}],
            "same ordering key",
            id="with-and-without-ordering-key",
        ),
    ],
)
def test_a_publish_over_a_limit_is_refused_whole(
    client: Client, messages: list[Any], complaint: str
) -> None:
    with as_documented(client.server.name, NO_LIMITS):
        with pytest.raises(exceptions.InvalidArgument, match=complaint):
            client.publisher.publish(topic=client.topic, messages=messages)
        assert client.counts().published == 0


@pytest.mark.parametrize(
    "messages",
    [
        pytest.param([{"data": b"x"}] * 1_000, id="1000-messages"),
        pytest.param([{"data": b"x" * 9_999_900}], id="10-MB"),
        pytest.param(
            [{"attributes": {"k" * 256: "v" * 1_024}, "ordering_key": "k" * 1_024}],
            id="attributes-and-key",
        ),
        pytest.param([{"attributes": {str(i): "v" for i in range(100)}}], id="100-attributes"),
    ],
)
def test_a_publish_at_a_limit_is_taken(client: Client, messages: list[Any]) -> None:
    client.publisher.publish(topic=client.topic, messages=messages)
    assert client.counts().published == len(messages)


@pytest.mark.parametrize(
    ("call", "deviation", "complaint"),
    [
        pytest.param(
            lambda c: c.publisher.publish(topic=c.topic, messages=[]),
            NO_REQUIRED_LISTS,
            "message_count is too small",
            id="publish-nothing",
        ),
        pytest.param(lambda c: c.pull(0), NO_REQUIRED_LISTS, "max_messages", id="pull-0"),
        pytest.param(
            lambda c: c.acknowledge([]), NO_REQUIRED_LISTS, "ack ID", id="acknowledge-nothing"
        ),
        pytest.param(
            lambda c: c.set_deadline([], 10), NO_REQUIRED_LISTS, "ack ID", id="extend-nothing"
        ),
        pytest.param(
            lambda c: c.acknowledge([types.ReceivedMessage(ack_id="x" * 164)] * 3_200),
            NO_LIMITS,
            "524288 bytes",
            id="acknowledge-512-KiB",
        ),
        pytest.param(
            lambda c: c.set_deadline([types.ReceivedMessage(ack_id="a")], 601),
            NO_DEADLINE_RANGES,
            "between 0 and 600",
            id="long-deadline",
        ),
        pytest.param(
            lambda c: c.set_deadline([types.ReceivedMessage(ack_id="a")], -1),
            NO_DEADLINE_RANGES,
            "between 0 and 600",
            id="negative-deadline",
        ),
        pytest.param(
            lambda c: c.subscribe(ack_deadline_seconds=9),
            NO_DEADLINE_RANGES,
            "between 10 and 600",
            id="short-subscription",
        ),
        pytest.param(
            lambda c: c.subscribe(ack_deadline_seconds=601),
            NO_DEADLINE_RANGES,
            "between 10 and 600",
            id="long-subscription",
        ),
        pytest.param(
            lambda c: c.pull(subscription="nonsense"), NO_NAME_RULES, "name given", id="bad-name"
        ),
        pytest.param(
            lambda c: c.publisher.create_topic(name=fresh("subscriptions")),
            NO_NAME_RULES,
            "name given",
            id="name-of-the-other-kind",
        ),
        pytest.param(
            lambda c: c.publisher.create_topic(name=f"{fresh('topics')} "),
            NO_NAME_RULES,
            "name given",
            id="name-with-space",
        ),
        pytest.param(
            lambda c: list(c.subscriber.list_subscriptions(project="p")),
            NO_NAME_RULES,
            "name given",
            id="bad-project-name",
        ),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused(
    client: Client, call: Callable[[Client], object], deviation: Deviation, complaint: str
) -> None:
    with (
        as_documented(client.server.name, deviation),
        pytest.raises(exceptions.InvalidArgument, match=complaint),
    ):
        call(client)


def test_a_pull_of_less_than_nothing_is_refused(client: Client) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        client.pull(-1)
