"""Our own Pub/Sub source on FnApiRunner: what is acknowledged, when, and what comes again."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.utils.timestamp import MAX_TIMESTAMP, Timestamp

from pipeline.generations import run_subscription
from pipeline.local.pubsub import SubscriptionStats
from pipeline.local.pubsub.errors import InvalidArgumentError
from pipeline.sources import session, subscription
from pipeline.sources.session import PullSession
from pipeline.sources.sessions import close_session, session_of
from pipeline.sources.subscription import (
    AckMark,
    AckMarkCoder,
    ReadFromSubscription,
    SubscriptionReader,
)
from pipeline.stop import STOP
from tests.one_by_one import one_by_one
from tests.pipeline.conftest import PUBLISHED_AT, SUBSCRIPTION, PubSub
from transforms.records import Message

pytestmark = pytest.mark.usefixtures("fresh_process")

A_PULL = 10
"""Messages; instead of 1 000."""


class Watcher:
    """Looks at the broker while a bundle runs."""

    def __init__(self, pub_sub: PubSub | None = None) -> None:
        self.pub_sub = pub_sub
        self.bundles: list[list[str]] = []
        self.counts: list[SubscriptionStats] = []
        """At the end of each bundle, before it is committed."""
        self.times: set[Timestamp] = set()
        self.on_message: Callable[[str], None] = lambda _text: None
        self.at_the_end: Callable[[], None] = lambda: None

    @property
    def seen(self) -> list[str]:
        return [text for bundle in self.bundles for text in bundle]

    def take_down(self, text: str, time: Timestamp) -> None:
        self.bundles[-1].append(text)
        self.times.add(time)
        self.on_message(text)

    def end(self) -> None:
        assert self.pub_sub is not None
        self.counts.append(self.pub_sub.counts())
        self.at_the_end()


class Watch(beam.DoFn):
    """Tells the watcher, of which there is one a process: a DoFn is pickled, the world is not."""

    watcher = Watcher()

    def __init__(self) -> None:
        """Keeps nothing itself."""

    def start_bundle(self) -> None:
        Watch.watcher.bundles.append([])

    def process(
        self, element: Message, timestamp: Any = beam.DoFn.TimestampParam
    ) -> Iterator[Message]:
        Watch.watcher.take_down(element.data.decode(), timestamp)
        yield element

    def finish_bundle(self) -> None:
        Watch.watcher.end()


@pytest.fixture
def watcher(pub_sub: PubSub, monkeypatch: pytest.MonkeyPatch) -> Watcher:
    """A watcher of small pulls, each a bundle of its own."""
    Watch.watcher = Watcher(pub_sub)
    monkeypatch.setattr(session, "MAX_MESSAGES_A_PULL", A_PULL)
    monkeypatch.setattr(subscription, "PULLS_A_BUNDLE", 1)
    return Watch.watcher


def run(stop_when_idle_s: float | None = None) -> int:
    """Runs generations until the stream stops; how many there were."""
    generations = 0

    def build(pipeline: beam.Pipeline) -> None:
        nonlocal generations
        generations += 1
        source = ReadFromSubscription(SUBSCRIPTION, stop_when_idle_s)
        _ = pipeline | "Read" >> source | one_by_one() | "Watch" >> beam.ParDo(Watch())

    run_subscription(build, PipelineOptions([]), SUBSCRIPTION, stop_when_idle_s)
    return generations


def stop_after(watcher: Watcher, messages: int) -> None:
    """Has the watcher stop the stream once it has seen so many different messages."""

    def look(_text: str) -> None:
        if len(set(watcher.seen)) == messages:
            STOP.set()

    watcher.on_message = look


def numbered(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_messages_are_acknowledged_after_their_bundle(pub_sub: PubSub, watcher: Watcher) -> None:
    pub_sub.put(*numbered(3 * A_PULL))
    stop_after(watcher, 3 * A_PULL)
    run()
    bundles = [bundle for bundle in watcher.bundles if bundle]
    counts = [c for c, bundle in zip(watcher.counts, watcher.bundles, strict=True) if bundle]
    assert [len(bundle) for bundle in bundles] == [A_PULL] * 3
    # A thread of its own acknowledges, so it may be a bundle late; early it must not be.
    assert all(
        (bundle - 1) * A_PULL <= c.acked <= bundle * A_PULL for bundle, c in enumerate(counts)
    )
    assert all(c.outstanding >= A_PULL for c in counts)
    assert pub_sub.counts() == SubscriptionStats(3 * A_PULL, 0, 0, 3 * A_PULL, 0)


def test_a_bundle_takes_several_pulls(
    pub_sub: PubSub, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "PULLS_A_BUNDLE", 5)
    pub_sub.put(*numbered(5 * A_PULL))
    pub_sub.until_pulled(5)
    stop_after(watcher, 5 * A_PULL)
    run()
    assert [len(bundle) for bundle in watcher.bundles if bundle] == [5 * A_PULL]
    assert pub_sub.counts().acked == 5 * A_PULL


def test_an_element_has_the_time_of_its_publication(pub_sub: PubSub, watcher: Watcher) -> None:
    pub_sub.put("a")
    stop_after(watcher, 1)
    run()
    assert watcher.times == {Timestamp.of(PUBLISHED_AT)}


@pytest.mark.parametrize("where", ["process", "finish_bundle"])
def test_a_bundle_that_fails_acknowledges_nothing(
    pub_sub: PubSub, watcher: Watcher, where: str
) -> None:
    pub_sub.put(*numbered(A_PULL))
    # Else the first bundle may be one that found nothing yet.
    pub_sub.until_pulled(1)
    failed: list[SubscriptionStats] = []

    def fail_once() -> None:
        if not failed:
            failed.append(pub_sub.counts())
            raise ValueError("the first bundle")

    def on_message(text: str) -> None:
        if where == "process" and text == "4":
            fail_once()
        if failed and set(watcher.bundles[-1]) == set(numbered(A_PULL)):
            STOP.set()

    watcher.on_message = on_message
    if where == "finish_bundle":
        watcher.at_the_end = fail_once
    assert run() == 2
    assert [(c.acked, c.outstanding) for c in failed] == [(0, A_PULL)]
    assert pub_sub.counts() == SubscriptionStats(A_PULL, 0, 0, A_PULL, 0)


def test_generations_follow_each_other_and_nothing_is_lost(
    pub_sub: PubSub, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "BUNDLES_A_GENERATION", 2)
    pub_sub.put(*numbered(5 * A_PULL))
    stop_after(watcher, 5 * A_PULL)
    assert run() >= 3
    assert Counter(watcher.seen) == Counter(numbered(5 * A_PULL))
    assert max(Counter(pub_sub.acknowledged).values()) == 1
    assert pub_sub.counts() == SubscriptionStats(5 * A_PULL, 0, 0, 5 * A_PULL, 0)


def test_an_idle_subscription_keeps_nobody_busy(
    pub_sub: PubSub, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    pub_sub.until_pulled(0)
    marks: list[AckMark] = []
    cut = SubscriptionReader.get_checkpoint_mark

    def counted(reader: SubscriptionReader) -> AckMark:
        marks.append(cut(reader))
        return marks[-1]

    monkeypatch.setattr(SubscriptionReader, "get_checkpoint_mark", counted)
    assert run(stop_when_idle_s=0.9) == 1
    # One for the second that it waited, one for the end; an eager loop makes hundreds of them.
    assert 1 <= len(marks) <= 3
    assert watcher.seen == []


def test_an_idle_subscription_ends_the_stream_after_its_messages(
    pub_sub: PubSub, watcher: Watcher
) -> None:
    pub_sub.put(*numbered(2 * A_PULL))
    run(stop_when_idle_s=0.3)
    assert sorted(watcher.seen, key=int) == numbered(2 * A_PULL)
    assert pub_sub.counts().acked == 2 * A_PULL


def test_a_stop_settles_what_is_in_flight_and_gives_back_the_rest(
    pub_sub: PubSub, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "PULLS_A_BUNDLE", 100)
    pub_sub.put(*numbered(4 * A_PULL))
    pub_sub.until_pulled(4)

    def on_message(text: str) -> None:
        if text == numbered(2 * A_PULL)[-1]:
            STOP.set()

    watcher.on_message = on_message
    assert run() == 1
    assert sorted(watcher.seen, key=int) == numbered(2 * A_PULL)
    counts = pub_sub.counts()
    assert (counts.acked, counts.outstanding, counts.undelivered) == (2 * A_PULL, 0, 2 * A_PULL)


def test_a_stop_before_the_start_reads_nothing(pub_sub: PubSub, watcher: Watcher) -> None:
    pub_sub.put("a")
    STOP.set()
    assert run() == 0
    assert watcher.bundles == []
    assert pub_sub.counts().undelivered == 1


def test_a_mark_acknowledges_once_it_is_final(pub_sub: PubSub) -> None:
    pub_sub.put("a")
    pub_sub.until_pulled(1)
    reader = SubscriptionReader(session_of(SUBSCRIPTION), None)
    assert reader.start()
    mark = reader.get_checkpoint_mark()
    copy = AckMarkCoder().decode(AckMarkCoder().encode(mark))
    copy.finalize_checkpoint()
    assert copy.sequence == mark.sequence
    assert pub_sub.counts().acked == 0, "what travelled is a number and nothing more"
    mark.finalize_checkpoint()
    close_session(SUBSCRIPTION)
    assert pub_sub.counts().acked == 1


def test_marks_are_told_apart_and_their_coder_is_deterministic(pub_sub: PubSub) -> None:
    pub_sub.put("a")
    reader = SubscriptionReader(session_of(SUBSCRIPTION), None)
    coder = AckMarkCoder()
    assert coder.is_deterministic()
    first, second = reader.get_checkpoint_mark(), reader.get_checkpoint_mark()
    assert coder.encode(first) != coder.encode(second)


def test_an_acknowledgement_that_pub_sub_refuses_does_not_end_the_stream(
    pub_sub: PubSub, watcher: Watcher
) -> None:
    pub_sub.put("a")
    pub_sub.refusal = InvalidArgumentError("no")
    stop_after(watcher, 1)
    assert run() == 1
    assert pub_sub.counts().acked == 0


def test_a_reader_that_has_ended_says_so(pub_sub: PubSub) -> None:
    pub_sub.put("a")
    pub_sub.until_pulled(1)
    reader = SubscriptionReader(session_of(SUBSCRIPTION), None)
    assert reader.start()
    assert reader.get_watermark() == reader.get_current_timestamp() < MAX_TIMESTAMP
    STOP.set()
    assert not reader.advance()
    assert reader.get_watermark() == MAX_TIMESTAMP
    STOP.clear()
    assert not reader.advance(), "an end is for good"


def test_a_reader_waits_for_a_bundle_to_begin_and_a_moment_for_it_to_fill(
    pub_sub: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked(PullSession):
        """A session that remembers how long a reader wants to wait, and never waits."""

        def __init__(self) -> None:
            self.waits: list[float] = []
            super().__init__(SUBSCRIPTION)

        def take(self, timeout_s: float) -> Any:
            self.waits.append(timeout_s)
            return super().take(0.0)

    # Longer than anything between two lines of this test can take.
    monkeypatch.setattr(subscription, "FILL_S", 60.0)
    monkeypatch.setattr(subscription, "_IDLE_WAIT_S", 90.0)
    pub_sub.put("a")
    session = Asked()
    try:
        pub_sub.until(lambda: pub_sub.pulls == 2)
        reader = SubscriptionReader(session, None)
        assert reader.start()
        assert not reader.advance()
        reader.get_checkpoint_mark().finalize_checkpoint()
        pub_sub.put("b")
        pub_sub.until(lambda: pub_sub.pulls == 3)
        assert reader.advance()
        first, fills, next_one = session.waits
        assert 0 < fills <= 60 < first == next_one == 90
    finally:
        session.close()


def test_a_bundle_that_failed_is_tried_again_as_it_was(
    pub_sub: PubSub, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "PULLS_A_BUNDLE", 100)
    pub_sub.put("first", "second")
    pub_sub.until_pulled(1)
    tries = 0

    def fail_twice() -> None:
        nonlocal tries
        if watcher.bundles[-1] and (tries := tries + 1) < 3:
            # More comes while nothing leaves: it waits, and does not make the bundle grow.
            pub_sub.put(f"later {tries}")
            # A pull more is asked for when the one before has arrived.
            pub_sub.until(lambda: pub_sub.pulls > 1 + tries)
            assert pub_sub.counts().outstanding == 2 + tries
            raise ValueError("nothing leaves")

    watcher.at_the_end = fail_twice
    stop_after(watcher, 4)
    run()

    assert [set(bundle) for bundle in watcher.bundles if bundle] == [
        {"first", "second"},
        {"first", "second"},
        {"first", "second"},
        {"later 1", "later 2"},
    ]
