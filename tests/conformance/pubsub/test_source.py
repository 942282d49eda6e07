"""The pipeline's own source against both servers: what is acknowledged, and what comes again."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import ClassVar

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from google.pubsub_v1 import types

from pipeline import generations
from pipeline.generations import run_subscription
from pipeline.sources import session, subscription
from pipeline.sources.session import PullSession
from pipeline.sources.sessions import close_session
from pipeline.sources.subscription import ReadFromSubscription
from pipeline.stop import STOP
from tests.conformance.pubsub.client import PATIENCE_S, Client, data, fresh, numbered
from tests.conformance.pubsub.deviations import NO_DEAD_LETTER_POLICY, as_documented
from tests.conformance.pubsub.servers import Counts
from tests.one_by_one import one_by_one
from transforms.records import Message
from transforms.tally import PROCESS_LEDGER

A_PULL = 10
"""Messages at most; instead of 1 000."""


@pytest.fixture
def stream(client: Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client whose subscription this process can stream, from its beginning."""
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", client.server.address)
    STOP.clear()
    PROCESS_LEDGER.reset()
    Watch.bundles = []
    Watch.on_message = lambda _: None
    Watch.at_the_end = lambda: None
    yield client
    close_session(client.subscription)
    STOP.clear()
    PROCESS_LEDGER.reset()


class Watch(beam.DoFn):
    """Notes the bundles in its class, for a DoFn is pickled, and does what a test wants."""

    bundles: ClassVar[list[list[bytes]]]
    on_message: ClassVar[Callable[[bytes], None]]
    at_the_end: ClassVar[Callable[[], None]]

    def __init__(self) -> None:
        """Keeps nothing itself."""

    def start_bundle(self) -> None:
        Watch.bundles.append([])

    def process(self, element: Message) -> None:
        Watch.bundles[-1].append(element.data)
        Watch.on_message(element.data)

    def finish_bundle(self) -> None:
        Watch.at_the_end()


def seen() -> list[bytes]:
    """All that came, in order."""
    return [text for bundle in Watch.bundles for text in bundle]


def stop_after(count: int) -> Callable[[bytes], None]:
    """Stops the stream when so many different messages were seen."""

    def look(_: bytes) -> None:
        if len(set(seen())) == count:
            STOP.set()

    return look


def run(client: Client, name: str = "") -> None:
    """Streams the client's subscription, or the one of this name, until STOP."""
    name = name or client.subscription

    def build(pipeline: beam.Pipeline) -> None:
        source = ReadFromSubscription(name)
        _ = pipeline | source | one_by_one() | "Watch" >> beam.ParDo(Watch())

    run_subscription(build, PipelineOptions([]), name, None)


def test_messages_are_delivered_and_then_acknowledged(
    stream: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_MESSAGES_A_PULL", A_PULL)
    monkeypatch.setattr(subscription, "PULLS_A_BUNDLE", 1)
    stream.publish(*numbered(3 * A_PULL))
    acked: list[tuple[int, int]] = []

    def note() -> None:
        delivered_before = sum(map(len, Watch.bundles[:-1]))
        acked.append((stream.counts().acked, delivered_before))

    Watch.at_the_end = note
    Watch.on_message = stop_after(3 * A_PULL)
    run(stream)
    assert len(acked) >= 3
    # A thread of its own acknowledges, so it may be a bundle late; early it must not be.
    assert all(
        delivered_before - A_PULL <= number <= delivered_before
        for number, delivered_before in acked
    )
    assert stream.counts() == Counts(3 * A_PULL, 3 * A_PULL, 3 * A_PULL)


def test_the_messages_of_a_bundle_that_fails_are_worked_on_again(stream: Client) -> None:
    stream.publish(*numbered(A_PULL))
    failed: list[Counts] = []

    def fail_once() -> None:
        if Watch.bundles[-1] and not failed:
            failed.append(stream.counts())
            raise ValueError("the first bundle")

    def look(_: bytes) -> None:
        if failed and set(Watch.bundles[-1]) == set(numbered(A_PULL)):
            STOP.set()

    Watch.at_the_end = fail_once
    Watch.on_message = look
    run(stream)
    assert failed[0].acked == 0
    assert Counter(seen()) == Counter(numbered(A_PULL) * 2)
    # They stayed leased meanwhile: to Pub/Sub it is one delivery.
    assert stream.counts() == Counts(A_PULL, A_PULL, A_PULL)


def test_an_outage_uses_up_no_delivery_attempts(
    stream: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(generations, "_LONGEST_PAUSE_S", 0.0)
    dead_letters = stream.publisher.create_topic(name=fresh("topics")).name
    found = fresh("subscriptions")
    stream.subscriber.create_subscription(name=found, topic=dead_letters)
    policy = types.DeadLetterPolicy(dead_letter_topic=dead_letters, max_delivery_attempts=5)
    with as_documented(stream.server.name, NO_DEAD_LETTER_POLICY):
        name = stream.subscribe(dead_letter_policy=policy, ack_deadline_seconds=10)
        stream.publish(b"a")

        def fail_often() -> None:
            if len(seen()) < 7:
                raise ValueError("Customer.io is away")
            STOP.set()

        Watch.at_the_end = fail_often
        run(stream, name)
        assert seen() == [b"a"] * 7
        assert stream.drain(found) == []
        stream.server.advance(60)
        assert stream.drain(name) == []
        assert caplog.text.count(f"{name} has a dead-letter policy") == 1


def test_a_stop_settles_what_is_in_flight_and_gives_back_the_rest(
    stream: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MAX_MESSAGES_A_PULL", A_PULL)
    monkeypatch.setattr(subscription, "PULLS_A_BUNDLE", 1)
    # Else an answer that a slow machine has not brought yet is cancelled, and its messages leased.
    monkeypatch.setattr(session, "_LAST_ANSWER_S", PATIENCE_S)
    stream.publish(*numbered(4 * A_PULL))
    Watch.on_message = lambda _: STOP.set()
    run(stream)
    assert len(seen()) == A_PULL
    # The clock of the server stands still: it is no lease that has ended.
    rest = stream.drain()
    assert sorted(data(rest) + seen(), key=int) == numbered(4 * A_PULL)
    stream.acknowledge(rest)
    stream.server.advance(60)
    assert stream.drain() == []


def test_more_messages_than_a_pull_may_hold_are_streamed(stream: Client) -> None:
    published = numbered(5_500)
    for start in range(0, len(published), 1_000):
        stream.publish(*published[start : start + 1_000])
    Watch.on_message = stop_after(len(published))
    run(stream)
    assert Counter(seen()) == Counter(published)
    assert stream.counts() == Counts(5_500, 5_500, 5_500)


def test_messages_of_9_9_mb_are_streamed(stream: Client) -> None:
    bodies = {bytes([number]) * 9_900_000 for number in range(3)}
    for body in bodies:
        stream.publish(body)
    Watch.on_message = stop_after(len(bodies))
    run(stream)
    assert set(seen()) == bodies
    assert stream.counts() == Counts(3, 3, 3)


def test_a_message_is_read_with_all_that_belongs_to_it(stream: Client) -> None:
    message = types.PubsubMessage(data=b"\x00\xff", attributes={"k": "v", "l": ""})
    [message_id] = stream.publisher.publish(topic=stream.topic, messages=[message]).message_ids
    opened = PullSession(stream.subscription)
    try:
        pulled = opened.take(PATIENCE_S)
    finally:
        opened.close()
    assert pulled is not None
    [received] = pulled.messages
    assert received == Message(b"\x00\xff", message_id, received.publish_time, {"k": "v", "l": ""})
    assert received.publish_time is not None
    assert received.publish_time > 1_700_000_000
    [given_back] = stream.drain()
    assert given_back.message.message_id == message_id
