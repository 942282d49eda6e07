"""The pull session against the emulator, over a socket."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.api_core.exceptions import InvalidArgument, RetryError
from google.auth.exceptions import RefreshError
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from pipeline.local.pubsub import Draft, PubSubEmulator, PubSubFaults
from pipeline.local.pubsub.errors import InvalidArgumentError
from pipeline.sources import session as session_module
from pipeline.sources.client import subscriber_client
from pipeline.sources.leases import LEASE_S
from pipeline.sources.pulled import Pulled
from pipeline.sources.session import (
    MAX_MESSAGES_A_PULL,
    MAX_WAITING,
    PullSession,
    SubscriptionError,
)
from pipeline.sources.sessions import close_session, session_of
from tests.pipeline.conftest import PATIENCE_S, PUBLISHED_AT, SUBSCRIPTION, TOPIC, PubSub
from transforms.records import Message

OFTEN_S = 0.02
NEVER_S = 3_600.0
LESS_THAN_A_PULL_S = 25.0
"""The shortest of the time-outs that would end a session which nothing else ends is 30 s."""

Opener = Callable[..., PullSession]


@pytest.fixture
def opened(pub_sub: PubSub) -> Iterator[Opener]:
    """Opens sessions, and closes them in the end."""
    sessions: list[PullSession] = []

    def open_session(client: SubscriberClient | None = None, every_s: float = 5.0) -> PullSession:
        sessions.append(PullSession(SUBSCRIPTION, client, extend_every_s=every_s))
        return sessions[-1]

    yield open_session
    for session in sessions:
        session.close()


def taken(session: PullSession) -> Pulled:
    """The next pull; it has to come."""
    pulled = session.take(PATIENCE_S)
    assert pulled is not None
    return pulled


def texts(pulled: Pulled) -> list[str]:
    return [message.data.decode() for message in pulled.messages]


def in_time(call: Callable[[], Any]) -> Any:
    """What a call returns; it has to return before any of the session's own time-outs."""
    with ThreadPoolExecutor(1) as pool:
        future: Future[Any] = pool.submit(call)
        return future.result(timeout=LESS_THAN_A_PULL_S)


def test_messages_come_with_their_id_attributes_and_publish_time(
    pub_sub: PubSub, opened: Opener
) -> None:
    [message_id] = pub_sub.publish(TOPIC, [Draft(b"\x00\xff data", {"k": "v", "l": ""})])
    pulled = taken(opened())
    assert pulled.messages == [
        Message(b"\x00\xff data", message_id, PUBLISHED_AT, {"k": "v", "l": ""})
    ]
    assert len(pulled.ack_ids) == 1


def test_a_message_as_large_as_pub_sub_takes_comes(pub_sub: PubSub, opened: Opener) -> None:
    data = bytes(9_900_000)
    pub_sub.publish(TOPIC, [Draft(data)])
    assert taken(opened()).messages[0].data == data


def test_nothing_comes_from_an_empty_subscription(opened: Opener) -> None:
    session = opened()
    assert session.take(0.0) is None
    assert session.take(0.01) is None


def test_no_more_than_a_bound_is_pulled_ahead(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put(*map(str, range(MAX_WAITING + 2 * MAX_MESSAGES_A_PULL)))
    session = opened()
    pub_sub.until(lambda: pub_sub.counts().outstanding == MAX_WAITING)
    first = taken(session)
    pub_sub.until(lambda: pub_sub.counts().outstanding == MAX_WAITING + MAX_MESSAGES_A_PULL)
    # A whole request later there is still no more than the one pull for which there was room.
    session.acknowledge(first.ack_ids)
    assert pub_sub.counts().undelivered == MAX_MESSAGES_A_PULL
    assert pub_sub.pulls == MAX_WAITING // MAX_MESSAGES_A_PULL + 1


def test_acknowledged_messages_are_gone(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put("a", "b")
    session = opened()
    session.acknowledge(taken(session).ack_ids)
    counts = pub_sub.counts()
    assert (counts.acked, counts.outstanding, counts.undelivered) == (2, 0, 0)


def test_many_acknowledgements_go_in_several_requests(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put(*map(str, range(2_500)))
    session = opened()
    ack_ids: list[str] = []
    while len(ack_ids) < 2_500:
        ack_ids += taken(session).ack_ids
    session.acknowledge(ack_ids)
    assert pub_sub.counts().acked == 2_500
    assert pub_sub.acknowledged == ack_ids


def test_leases_are_extended_until_the_acknowledgement(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put("slow")
    session = opened(every_s=OFTEN_S)
    slow = taken(session)
    pub_sub.put("waits to be taken")
    pub_sub.until(lambda: pub_sub.counts().outstanding == 2)
    for _ in range(3):
        # The first may have been asked for before the clock was moved.
        pub_sub.deadlines.clear()
        pub_sub.until(lambda: [len(ids) for _s, ids in pub_sub.deadlines[1:]].count(2) > 0)
        assert {seconds for seconds, _ids in pub_sub.deadlines} == {LEASE_S}
        pub_sub.pass_time(LEASE_S - 1)
    assert pub_sub.counts().outstanding == 2
    assert pub_sub.counts().redelivered == 0

    session.acknowledge(slow.ack_ids)
    pub_sub.deadlines.clear()
    pub_sub.until(lambda: len(pub_sub.deadlines) > 1)
    assert pub_sub.deadlines[-1][1].isdisjoint(slow.ack_ids)


def test_what_failed_is_taken_again_and_never_left(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put("settled")
    session = opened(every_s=NEVER_S)
    settled = taken(session)
    for text in ("first", "second"):
        pub_sub.put(text)
        assert texts(taken(session)) == [text]
    session.acknowledge(settled.ack_ids)
    pub_sub.put("waits")
    pub_sub.until(lambda: pub_sub.counts().outstanding == 3)

    session.take_again()

    assert session.idle_s() == 0
    # What waits may still be on its way from Pub/Sub.
    found = texts(taken(session))
    while len(found) < 3:
        found += texts(taken(session))
    assert found == ["first", "second", "waits"]
    # Its leases were kept: nobody else could have worked on it, no delivery attempt was used up.
    assert pub_sub.counts().redelivered == 0
    assert pub_sub.counts().outstanding == 3
    assert session.take(0.0) is None


def test_what_is_taken_again_is_acknowledged_once(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put("a")
    session = opened()
    first = taken(session)
    session.take_again()
    again = taken(session)
    session.acknowledge(again.ack_ids)
    session.take_again()

    assert again.ack_ids == first.ack_ids
    assert session.take(0.0) is None
    assert pub_sub.counts().acked == 1


def test_closing_gives_back_what_is_to_be_taken_again(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put("a")
    session = opened(every_s=NEVER_S)
    taken(session)
    session.take_again()
    session.close()
    assert pub_sub.counts().undelivered == 1


def test_messages_that_wait_are_not_idleness(pub_sub: PubSub, opened: Opener) -> None:
    session = opened()
    pub_sub.until(lambda: session.idle_s() > 0)
    pub_sub.put("a")
    # The first is answered at once, the second one has brought the message.
    pub_sub.until(lambda: pub_sub.pulls == 3)
    assert session.idle_s() == 0
    taken(session)
    pub_sub.until(lambda: session.idle_s() > 0)


def test_stop_gives_back_what_was_not_taken(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put("taken")
    session = opened()
    pulled = taken(session)
    pub_sub.put("waits", "waits too")
    pub_sub.until(lambda: pub_sub.pulls == 3)
    session.stop()
    assert pub_sub.counts().undelivered == 2
    assert session.take(PATIENCE_S) is None
    session.acknowledge(pulled.ack_ids)
    assert pub_sub.counts().acked == 1


def test_a_pull_that_is_held_does_not_hold_up_the_end(pub_sub: PubSub, opened: Opener) -> None:
    session = opened(every_s=NEVER_S)
    pub_sub.until(lambda: pub_sub.pulls == 1)
    in_time(session.close)


def test_taken_messages_do_not_hold_up_the_end(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put("a")
    session = opened(every_s=NEVER_S)
    taken(session)
    in_time(session.close)
    assert pub_sub.counts().undelivered == 1


def test_closing_ends_the_threads(opened: Opener) -> None:
    before = set(threading.enumerate())
    session = opened()
    mine = {t for t in set(threading.enumerate()) - before if t.name in ("pull", "lease")}
    assert len(mine) == 2
    session.close()
    assert not any(thread.is_alive() for thread in mine)


MISSING = "projects/tests/subscriptions/missing"
NOT_FOUND = (
    f"Pub/Sub refuses to give messages of {MISSING}: NOT_FOUND. "
    "Check that the subscription exists and that this account has roles/pubsub.subscriber."
)


def test_a_subscription_that_is_missing_is_an_error_that_says_what_to_do(pub_sub: PubSub) -> None:
    session = PullSession(MISSING, extend_every_s=NEVER_S)
    try:
        with pytest.raises(SubscriptionError) as refused:
            session.take(PATIENCE_S)
        assert str(refused.value) == NOT_FOUND
        assert session.error is refused.value
    finally:
        in_time(session.close)


def test_what_was_pulled_is_given_before_the_error(pub_sub: PubSub, opened: Opener) -> None:
    pub_sub.put("a")
    session = opened()
    pub_sub.until(lambda: pub_sub.counts().outstanding == 1)
    pub_sub.delete_subscription(SUBSCRIPTION)
    assert texts(taken(session)) == ["a"]
    with pytest.raises(SubscriptionError, match="NOT_FOUND"):
        session.take(PATIENCE_S)


class _Heard(logging.Handler):
    """An event for a line of the log."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self.event = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if self._words in record.getMessage():
            self.event.set()


@pytest.fixture
def out_of_reach() -> Iterator[threading.Event]:
    """Set when a session says that it cannot reach Pub/Sub."""
    log = logging.getLogger("pipeline.sources.session")
    heard = _Heard("pulling again")
    log.addHandler(heard)
    yield heard.event
    log.removeHandler(heard)


@pytest.fixture
def kept_port() -> Iterator[int]:
    """A port that nobody else gets while the server on it is away."""
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_pulling_goes_on_when_pub_sub_is_back(
    pub_sub: PubSub, opened: Opener, out_of_reach: threading.Event, kept_port: int
) -> None:
    with PubSubEmulator(port=kept_port, broker=pub_sub, hold_s=60.0) as emulator:
        # gRPC itself waits a second and more before it connects again.
        channel = grpc.insecure_channel(
            emulator.address,
            [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 50)],
        )
        session = opened(SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)))
        pub_sub.put("before")
        session.acknowledge(taken(session).ack_ids)
        emulator.stop()
        assert out_of_reach.wait(PATIENCE_S)
        assert session.idle_s() == 0, "nobody knows whether the subscription is empty"
        pub_sub.put("meanwhile")
        emulator.start()
        assert texts(taken(session)) == ["meanwhile"]
        session.close()


def test_a_subscription_that_nobody_has_reached_yet_is_not_idle(opened: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE_S)
        channel = grpc.insecure_channel(f"127.0.0.1:{silent.getsockname()[1]}")
        session = opened(SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)))
        accepted, _ = silent.accept()
        with accepted:
            # It is connected, and waits for the first word.
            assert session.idle_s() == 0


def test_pulls_that_fail_at_once_are_no_empty_subscription(
    pub_sub: PubSub, out_of_reach: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = PubSubFaults(1, deadline_exceeded=1.0, methods=frozenset({"pull"}))
    with PubSubEmulator(broker=pub_sub, faults=faults) as emulator:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", emulator.address)
        session = PullSession(SUBSCRIPTION)
        assert out_of_reach.wait(PATIENCE_S)
        assert session.idle_s() == 0
        session.close()


def test_an_acknowledgement_that_is_refused_lets_the_messages_come_again(
    pub_sub: PubSub, opened: Opener
) -> None:
    pub_sub.put("a")
    session = opened(every_s=OFTEN_S)
    refused = taken(session)
    pub_sub.refusal = InvalidArgumentError("no")
    with pytest.raises(InvalidArgument):
        session.acknowledge(refused.ack_ids)
    pub_sub.put("b")
    other = taken(session)
    pub_sub.deadlines.clear()
    pub_sub.until(lambda: len(pub_sub.deadlines) > 1)
    assert pub_sub.deadlines[-1] == (LEASE_S, frozenset(other.ack_ids))
    pub_sub.pass_time(LEASE_S)
    assert "a" in texts(taken(session))


def test_an_acknowledgement_waits_for_the_one_before_and_the_end_for_the_last(
    pub_sub: PubSub,
) -> None:
    gate = threading.Event()

    class Slow(SubscriberClient):  # type: ignore[misc]
        """Takes acknowledgements only once the gate is open."""

        def acknowledge(self, *args: Any, **kwargs: Any) -> None:
            assert gate.wait(PATIENCE_S)
            super().acknowledge(*args, **kwargs)

    pub_sub.put("a", "b")
    session = PullSession(SUBSCRIPTION, Slow())
    first, second = ([ack_id] for ack_id in taken(session).ack_ids)
    session.acknowledge_soon(first)
    handed_over = threading.Event()

    def go_on() -> None:
        session.acknowledge_soon(second)
        handed_over.set()

    thread = threading.Thread(target=go_on)
    thread.start()
    assert not handed_over.wait(0.2), "one is under way: no more are to pile up behind it"
    gate.set()
    thread.join(PATIENCE_S)
    assert handed_over.is_set()
    session.close()
    assert pub_sub.acknowledged == first + second


def test_acknowledging_that_fails_in_an_unforeseen_way_is_told_and_lets_go(
    pub_sub: PubSub, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(SubscriberClient):  # type: ignore[misc]
        """Fails as no answer of Pub/Sub makes it fail."""

        def acknowledge(self, *args: Any, **kwargs: Any) -> None:
            raise RefreshError("of the credentials")

    pub_sub.put("a")
    session = PullSession(SUBSCRIPTION, Broken())
    session.acknowledge_soon(taken(session).ack_ids)
    session.close()
    assert "Acknowledging failed: RefreshError" in caplog.text
    assert pub_sub.deadlines == [], "neither extended nor given back: its lease ends by itself"


def test_leases_are_extended_again_after_pub_sub_was_away(pub_sub: PubSub, opened: Opener) -> None:
    class Away(SubscriberClient):  # type: ignore[misc]
        """What the client says when Pub/Sub was unavailable for a minute."""

        calls = 0

        def modify_ack_deadline(self, *args: Any, **kwargs: Any) -> None:
            Away.calls += 1
            if Away.calls == 1:
                raise RetryError("Timeout of 60.0s exceeded", None)
            super().modify_ack_deadline(*args, **kwargs)

    pub_sub.put("a")
    session = opened(Away(transport=subscriber_client().transport), OFTEN_S)
    pulled = taken(session)
    pub_sub.until(lambda: (LEASE_S, frozenset(pulled.ack_ids)) in pub_sub.deadlines)
    assert Away.calls > 1


@pytest.mark.usefixtures("pub_sub", "fresh_process")
def test_a_process_has_one_session_a_subscription() -> None:
    first = session_of(SUBSCRIPTION)
    assert session_of(SUBSCRIPTION) is first
    close_session(SUBSCRIPTION)
    close_session(SUBSCRIPTION)
    assert session_of(SUBSCRIPTION) is not first


def test_a_thread_that_breaks_is_no_idle_subscription(
    pub_sub: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_self: PullSession) -> None:
        raise ValueError("the channel is closed")

    monkeypatch.setattr(PullSession, "_pull", broken)
    pub_sub.put("a")
    session = PullSession(SUBSCRIPTION)
    try:
        with pytest.raises(SubscriptionError, match="the channel is closed"):
            session.take(PATIENCE_S)
    finally:
        session.close()


def test_it_does_not_hoard_bytes(pub_sub: PubSub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_WAITING_BYTES", 3_000)
    monkeypatch.setattr(session_module, "MAX_MESSAGES_A_PULL", 2)
    pub_sub.put(*[str(number) * 1_000 for number in range(8)])
    session = PullSession(SUBSCRIPTION)
    try:
        taken = [session.take(PATIENCE_S)]
        assert pub_sub.counts().undelivered >= 2
        while len(taken) < 4:
            taken.append(session.take(PATIENCE_S))
        assert all(pulled is not None and len(pulled.messages) == 2 for pulled in taken)
    finally:
        session.close()
