"""Replaying from a subscription: what is taken, and what is still there afterwards."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.__main__ import main as commands
from pipeline.launch import EXIT_FAILED, EXIT_OK, EXIT_USAGE
from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.pubsub import Draft, SubscriptionConfig
from pipeline.replay.choice import Choice
from pipeline.replay.from_subscription import Sorter, SourceError, subscription_of
from pipeline.replay.left import LEFT, Left
from pipeline.sources.choice import Fate, chosen
from pipeline.sources.session import PullSession
from pipeline.sources.sessions import choosing, close_session, session_of
from tests.pipeline.conftest import PATIENCE_S, SUBSCRIPTION, TOPIC, PubSub
from transforms.records import Message

pytestmark = pytest.mark.usefixtures("fresh_process")

SITE_ID, API_KEY = "site-of-the-tests", "key-of-the-tests"
AGAIN = "--dead_letter_files=again"
LONG_AGO = "2024-01-02T03:04:05.678+00:00"
NEVER_YET = "2999-01-01T00:00:00.000+00:00"


def letter(number: int, reason: str = "no_identifier", failed_at: str = LONG_AGO) -> str:
    """The letter of an event of a person of its own."""
    record = {"event_type": "Played", "user_id": f"user-{number}", "time": 1_700_000_000 + number}
    fields: dict[str, Any] = {
        "reason": reason,
        "kind": "record",
        "message_id": str(number),
        "publish_time": None,
        "failed_at": failed_at,
        "attributes": {},
        "record": json.dumps(record),
    }
    return json.dumps(fields)


def message(text: str, message_id: str = "1") -> Message:
    return Message(text.encode(), message_id, None, {})


BEGAN = datetime(2026, 7, 1, 12, 0, 0, 123_999, UTC)


@pytest.mark.parametrize(
    ("text", "fate", "counts"),
    [
        pytest.param(letter(1), Fate.TAKE, (0, 0, 0), id="taken"),
        pytest.param(letter(1, "rejected"), Fate.LEAVE, (0, 1, 0), id="another reason"),
        pytest.param(
            letter(1, failed_at="2023-12-31T23:59:59+00:00"),
            Fate.LEAVE,
            (0, 1, 0),
            id="before the time",
        ),
        pytest.param("{}", Fate.LEAVE, (1, 0, 0), id="no letter"),
        pytest.param(
            letter(1, failed_at="2026-07-01T12:00:00.122+00:00"),
            Fate.TAKE,
            (0, 0, 0),
            id="just before the replay",
        ),
        pytest.param(
            letter(1, failed_at="2026-07-01T12:00:00.123+00:00"),
            Fate.IGNORE,
            (0, 0, 1),
            id="in the millisecond that the replay began",
        ),
        pytest.param(
            letter(1, "rejected", NEVER_YET), Fate.IGNORE, (0, 0, 1), id="later, another reason"
        ),
    ],
)
def test_the_fate_of_a_message(text: str, fate: Fate, counts: tuple[int, int, int]) -> None:
    left = Left()
    choice = Choice(frozenset({"no_identifier"}), datetime(2024, 1, 1, tzinfo=UTC))
    sorter = Sorter(choice, BEGAN, left)
    # What comes again is counted once.
    assert [sorter(message(text)), sorter(message(text))] == [fate, fate]
    assert (left.damaged, left.unmatched, left.later) == counts
    sorter(message(text, "2"))
    assert (left.damaged, left.unmatched, left.later) == tuple(2 * count for count in counts)


def test_what_is_chosen_of_a_pull() -> None:
    fates = iter([Fate.TAKE, Fate.LEAVE, Fate.IGNORE, Fate.TAKE])
    messages = [message(str(number)) for number in range(4)]
    found = chosen(messages, ["a", "b", "c", "d"], lambda _message: next(fates))
    assert found == ([messages[0], messages[3]], ["a", "d"], True)
    assert chosen(messages[:1], ["a"], lambda _message: Fate.LEAVE) == ([], [], True)
    assert chosen(messages[:1], ["a"], lambda _message: Fate.IGNORE) == ([], [], False)


def by_text(each: Message) -> Fate:
    return Fate[each.data.decode().partition(" ")[0]]


def test_a_session_holds_what_is_not_chosen_and_gives_it_back(pub_sub: PubSub) -> None:
    pub_sub.put("LEAVE 1", "TAKE 1", "IGNORE 1", "TAKE 2", "LEAVE 2")
    with choosing(SUBSCRIPTION, by_text):
        session = session_of(SUBSCRIPTION)
        pulled = session.take(PATIENCE_S)
        assert pulled is not None
        assert [each.data for each in pulled.messages] == [b"TAKE 1", b"TAKE 2"]
        session.acknowledge(pulled.ack_ids)
        counts = pub_sub.counts()
        assert (counts.acked, counts.outstanding, counts.undelivered) == (2, 3, 0)
        close_session(SUBSCRIPTION)
    counts = pub_sub.counts()
    assert (counts.acked, counts.outstanding, counts.undelivered) == (2, 0, 3)
    pulled = session_of(SUBSCRIPTION).take(PATIENCE_S)
    assert pulled is not None
    assert sorted(each.data for each in pulled.messages) == [b"IGNORE 1", b"LEAVE 1", b"LEAVE 2"]


def test_what_is_not_chosen_stays_leased(pub_sub: PubSub) -> None:
    pub_sub.put("LEAVE 1", "IGNORE 1")
    session = PullSession(SUBSCRIPTION, extend_every_s=0.02, choose=by_text)
    try:
        pub_sub.until(lambda: any(len(ids) == 2 for _seconds, ids in pub_sub.deadlines))
        for _ in range(3):
            pub_sub.deadlines.clear()
            pub_sub.until(lambda: len(pub_sub.deadlines) > 1)
            pub_sub.pass_time(9)
        assert pub_sub.counts().redelivered == 0
        assert session.take(0.0) is None
    finally:
        session.close()


def test_only_what_is_ignored_leaves_a_subscription_idle(pub_sub: PubSub) -> None:
    session = PullSession(SUBSCRIPTION, choose=by_text)
    try:
        # The first is answered at once, the second one waits.
        pub_sub.until(lambda: pub_sub.pulls == 2)
        opened_at = pub_sub.waited_s()
        pub_sub.put("IGNORE 1")
        pub_sub.until(lambda: pub_sub.pulls == 3)
        ignored_at = pub_sub.waited_s()
        assert session.idle_s() >= ignored_at - opened_at
        pub_sub.put("LEAVE 1")
        pub_sub.until(lambda: pub_sub.pulls == 4)
        assert session.idle_s() <= pub_sub.waited_s() - ignored_at
    finally:
        session.close()


def test_a_message_that_is_not_chosen_does_not_stand_in_the_way(
    pub_sub: PubSub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.sources.session.MAX_MESSAGES_A_PULL", 10)
    monkeypatch.setattr("pipeline.sources.session.MAX_WAITING", 10)
    pub_sub.put(*(f"LEAVE {number}" for number in range(100)), "TAKE 1")
    session = PullSession(SUBSCRIPTION, choose=by_text)
    try:
        pulled = session.take(PATIENCE_S)
        assert pulled is not None
        assert [each.data for each in pulled.messages] == [b"TAKE 1"]
    finally:
        session.close()


@pytest.mark.usefixtures("pub_sub")
def test_the_one_subscription_of_a_topic() -> None:
    assert subscription_of(TOPIC) == SUBSCRIPTION


def test_none_or_several_are_told(pub_sub: PubSub) -> None:
    empty = "projects/tests/topics/empty"
    pub_sub.create_topic(empty)
    with pytest.raises(SourceError, match=f"{empty} has no subscription, and a topic keeps noth"):
        subscription_of(empty)
    pub_sub.create_subscription(SubscriptionConfig("projects/tests/subscriptions/bbb", empty))
    pub_sub.create_subscription(SubscriptionConfig("projects/tests/subscriptions/aaa", empty))
    with pytest.raises(SourceError) as caught:
        subscription_of(empty)
    assert str(caught.value) == (
        f"{empty} has 2 subscriptions, each with all letters: name the one to read (--from "
        "projects/P/subscriptions/S): projects/tests/subscriptions/aaa, "
        "projects/tests/subscriptions/bbb"
    )
    with pytest.raises(SourceError, match="there is no topic projects/tests/topics/none; check"):
        subscription_of("projects/tests/topics/none")


def test_a_pub_sub_that_is_away_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    with pytest.raises(SourceError, match=r"cannot be looked up \(ServiceUnavailable\); see that"):
        subscription_of(TOPIC)


@pytest.fixture
def stand_in() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn(SITE_ID, API_KEY) as server:
        yield server


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: CustomerIoStandIn
) -> Iterator[list[str]]:
    """What every replay of these tests is called with, but for its source."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE_ID)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", API_KEY)
    (tmp_path / "settings.yaml").write_text("events: {event_properties: all}\n")
    yield [
        "--settings=settings.yaml",
        f"--customerio_endpoint={stand_in.url}",
        "--stop_when_idle_s=0.8",
        "--ledger_file=ledger.json",
    ]
    LEFT.reset()


def ledger() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path("ledger.json").read_text())
    return found


def test_what_is_left_out_stays_in_place(
    pub_sub: PubSub,
    stand_in: CustomerIoStandIn,
    here: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    pub_sub.put(letter(1), letter(2, "rejected"), letter(3), letter(4, failed_at=NEVER_YET))
    assert (
        commands(["replay", f"--from={SUBSCRIPTION}", AGAIN, *here, "--reason=no_identifier"])
        == EXIT_OK
    )
    assert len(stand_in.workspace.events()) == 2
    counts = pub_sub.counts()
    assert (counts.acked, counts.outstanding, counts.undelivered) == (2, 0, 2)
    assert ledger()["received"] == 2
    output = capsys.readouterr().out
    assert f"Replaying the dead letters of {SUBSCRIPTION} (of reason no_identifier) to" in output
    assert "Left where they are: 1 that --reason and --since leave out." in output
    assert "Left for the next replay: 1 that failed while this one ran." in output


def test_what_is_no_letter_is_neither_lost_nor_acknowledged(
    pub_sub: PubSub,
    stand_in: CustomerIoStandIn,
    here: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    [_, bad] = pub_sub.put(letter(1), "ada@example.com")
    assert commands(["replay", f"--from={TOPIC}", AGAIN, *here]) == EXIT_FAILED
    assert len(stand_in.workspace.events()) == 1
    counts = pub_sub.counts()
    assert (counts.acked, counts.outstanding, counts.undelivered) == (1, 0, 1)
    assert f"message {bad} is no dead letter and stays where it is: it is not JSON" in caplog.text
    assert "ada@example.com" not in caplog.text


def test_what_fails_again_waits_in_the_same_topic_for_the_next_replay(
    pub_sub: PubSub, stand_in: CustomerIoStandIn, here: list[str]
) -> None:
    """It is not taken again at once, and again, for ever."""
    broken = json.loads(letter(1)) | {"record": '{"event_type":"Played","user_id":"u","time":"-"}'}
    pub_sub.put(json.dumps(broken))
    for attempts in (2, 3):
        flags = [f"--from={SUBSCRIPTION}", f"--dead_letter_topic={TOPIC}", *here]
        assert commands(["replay", *flags]) == EXIT_OK
        counts = pub_sub.counts()
        assert (counts.acked, counts.outstanding, counts.undelivered) == (attempts - 1, 0, 1)
        [delivery] = pub_sub.pull(SUBSCRIPTION, 10)
        pub_sub.modify_ack_deadline(SUBSCRIPTION, [delivery.ack_id], 0)
        found = json.loads(delivery.message.data)
        assert (found["reason"], found["attempts"]) == ("invalid_time", attempts)
        assert (found["first_reason"], found["first_failed_at"]) == ("no_identifier", LONG_AGO)
    assert stand_in.workspace.counters().requests == 0


def test_new_letters_do_not_keep_a_replay_from_ending(
    pub_sub: PubSub, stand_in: CustomerIoStandIn, here: list[str]
) -> None:
    pub_sub.put(letter(1))
    ended = threading.Event()

    def go_on_failing() -> None:
        number = 1
        while not ended.wait(0.1):
            number += 1
            pub_sub.put(letter(number, failed_at=NEVER_YET))

    other = threading.Thread(target=go_on_failing)
    other.start()
    try:
        flags = [f"--from={SUBSCRIPTION}", AGAIN, *here]
        assert commands(["replay", *flags]) == EXIT_OK
    finally:
        ended.set()
        other.join()
    assert pub_sub.counts().acked == 1
    assert len(stand_in.workspace.events()) == 1


def test_a_dry_run_of_a_subscription_takes_nothing_away(
    pub_sub: PubSub,
    stand_in: CustomerIoStandIn,
    here: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    pub_sub.publish(TOPIC, [Draft(letter(number).encode()) for number in range(30)])
    assert commands(["replay", f"--from={SUBSCRIPTION}", "--dry_run", *here]) == EXIT_OK
    assert "Dry run: 30 dead letters; nothing is sent" in capsys.readouterr().out
    counts = pub_sub.counts()
    assert (counts.acked, counts.outstanding, counts.undelivered) == (0, 0, 30)
    assert stand_in.workspace.counters().requests == 0
    assert not Path("ledger.json").exists()


@pytest.mark.usefixtures("pub_sub")
@pytest.mark.parametrize("flags", [["--dry_run"], ["--dead_letter_files=again"]], ids=str)
def test_a_subscription_that_cannot_be_read_is_told(
    flags: list[str], here: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    source = "--from=projects/tests/subscriptions/none"
    assert commands(["replay", source, *flags, *here]) == EXIT_FAILED
    assert "projects/tests/subscriptions/none: NOT_FOUND. Check that" in caplog.text


def test_a_topic_without_a_subscription_is_an_error(
    pub_sub: PubSub, here: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pub_sub.delete_subscription(SUBSCRIPTION)
    assert commands(["replay", f"--from={TOPIC}", AGAIN, *here]) == EXIT_USAGE
    assert f"error: {TOPIC} has no subscription" in capsys.readouterr().err
