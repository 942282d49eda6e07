"""Replay, by the real programs over real sockets: what failed once arrives, and counts once."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.customerio.faults import ItemErrors
from pipeline.local.pubsub import SubscriptionStats
from pipeline.local.traffic import generate
from tests.end_to_end.harness import (
    API_KEY,
    PUBLISHED_AT,
    SITE_ID,
    Program,
    PubSub,
    patient,
)
from tests.end_to_end.held import hold_after, let_go, wait_until_held

LETTERS_TOPIC = "projects/end-to-end/topics/letters"
NOW = 1_795_372_845.0
REFUSALS = 6
DELIVERY = {"max_requests_per_second": 0, "lanes": 4, "max_batch_items": 20}
STRICT: dict[str, Any] = {
    "preset": "all_properties",
    "users": {"user_properties": "all"},
    "mappings": {"anonymous": "dead_letter"},
    "delivery": DELIVERY,
}
MENDED = STRICT | {"mappings": {"anonymous": "skip"}, "limits": {"on_violation": "trim"}}
LEASE_S = 60


class Replay(Program):
    """`python -m pipeline replay` in a directory of its own; what fails again goes there."""

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, Any],
        endpoint: str,
        source: str,
        *flags: str,
        pub_sub: PubSub | None = None,
    ) -> None:
        directory.mkdir(parents=True)
        self.directory = directory
        self._log = directory / "log.txt"
        (directory / "settings.json").write_text(json.dumps(patient(settings)))
        environment = os.environ | {"CUSTOMERIO_SITE_ID": SITE_ID, "CUSTOMERIO_API_KEY": API_KEY}
        if pub_sub is not None:
            environment["PUBSUB_EMULATOR_HOST"] = pub_sub.emulator.address
        arguments = [
            f"--from={source}",
            f"--settings={directory / 'settings.json'}",
            f"--customerio_endpoint={endpoint}",
            f"--ledger_file={directory / 'ledger.json'}",
            f"--dead_letter_files={directory / 'dead'}",
            *flags,
        ]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", "replay", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._started.append(self)


def settle(program: Program) -> dict[str, Any]:
    """Waits for a program to end well; its ledger, which balances."""
    return settled(program, program.wait())


def settled(program: Program, code: int) -> dict[str, Any]:
    """The ledger of a program that has ended well; it balances."""
    assert code == 0, program.log()
    ledger = program.ledger()
    assert ledger["balanced"], ledger
    assert "Traceback" not in program.log()
    return ledger


def make_letters(
    directory: Path, broker: PubSub, customerio: CustomerIoStandIn, *flags: str
) -> Counter[str]:
    """Has the job stream trouble while Customer.io refuses some items; letters by reason."""
    broker.publish(sample.data for sample in generate(700, seed=5, now=NOW, trouble=0.5))
    customerio.faults.next(ItemErrors((0,)), times=REFUSALS)
    job = Program(directory, STRICT, customerio.url, *flags, pub_sub=broker)
    outcomes = settled(job, job.finish(broker))["outcomes"]
    reasons = {
        name.removeprefix("dead_lettered."): count
        for name, count in outcomes.items()
        if name.startswith("dead_lettered.")
    }
    assert len(reasons) > 8
    return Counter(reasons)


def state(customerio: CustomerIoStandIn) -> tuple[list[str], list[str]]:
    """All that a workspace knows of people and events, but for when it was told."""
    people = [
        json.dumps([each.id, each.email, each.newest_identify, each.attributes], sort_keys=True)
        for each in customerio.workspace.people()
    ]
    events = [
        json.dumps([each.id, each.name, each.timestamp, each.identifiers, each.data])
        for each in customerio.workspace.events()
    ]
    assert len(set(events)) == len(events)
    return sorted(people), sorted(events)


def read_letters(directory: Path) -> list[dict[str, Any]]:
    """The letters in the files of a directory."""
    return [
        json.loads(line)
        for path in sorted(directory.glob("dead-*.jsonl"))
        for line in path.read_bytes().splitlines()
    ]


def ids(letters: list[dict[str, Any]]) -> list[str]:
    """What letters are about, whenever they were written."""
    return sorted(each["letter_id"] for each in letters)


def test_replayed_once_and_twice(
    broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    job = make_letters(tmp_path / "job", broker, customerio)
    source = f"{tmp_path / 'job' / 'dead'}"
    before = state(customerio)

    first = Replay(tmp_path / "first", MENDED, customerio.url, source)
    outcomes = settle(first)["outcomes"]
    after = state(customerio)
    assert set(after[1]) > set(before[1])
    assert outcomes["delivered"] >= job["rejected"] > 0
    assert outcomes["skipped.anonymous"] == job["no_identifier"]
    assert "dead_lettered.rejected" not in outcomes
    assert "dead_lettered.event_name_too_long" not in outcomes

    duplicates = customerio.workspace.counters().duplicate_events
    second = Replay(tmp_path / "second", MENDED, customerio.url, source)
    assert settle(second)["outcomes"] == outcomes
    assert state(customerio) == after
    assert customerio.workspace.counters().duplicate_events > duplicates

    # What failed again says the same after both, and has not forgotten.
    origins = {
        (each["message_id"], each["reason"], each["failed_at"])
        for each in read_letters(tmp_path / "job")
    }
    again = first.dead_letters()
    assert ids(again) == ids(second.dead_letters())
    third = Replay(tmp_path / "third", MENDED, customerio.url, f"{tmp_path / 'first' / 'dead'}")
    settle(third)
    assert ids(again) == ids(third.dead_letters())
    for attempts, letters in ((2, again), (3, third.dead_letters())):
        for each in letters:
            assert each["attempts"] == attempts
            assert (each["message_id"], each["first_reason"], each["first_failed_at"]) in origins
            assert each["first_failed_at"] < each["failed_at"]


def test_a_refused_operation_that_is_refused_again_keeps_its_history(
    broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    make_letters(tmp_path / "job", broker, customerio)
    customerio.faults.next(ItemErrors((0,)))
    source = f"{tmp_path / 'job' / 'dead'}"
    replay = Replay(tmp_path / "again", MENDED, customerio.url, source, "--reason=rejected")
    outcomes = settle(replay)["outcomes"]
    assert outcomes["dead_lettered.rejected"] == 1
    [letter] = replay.dead_letters()
    assert letter["attempts"] == 2
    assert letter["first_failed_at"] < letter["failed_at"]
    assert letter["first_reason"] == "rejected"


def stats(broker: PubSub, subscription: str) -> SubscriptionStats:
    return broker.broker.stats(subscription)


def test_a_subscription_keeps_what_is_not_asked_for(
    broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path
) -> None:
    broker.broker.create_topic(LETTERS_TOPIC)
    letters = broker.subscribe(LETTERS_TOPIC)
    to_topic = f"--dead_letter_topic={LETTERS_TOPIC}"
    refused = make_letters(tmp_path / "job", broker, customerio, to_topic)["rejected"]
    stored = stats(broker, letters).published
    before = state(customerio)

    chosen = "--reason=rejected"
    flags = (chosen, "--stop_when_idle_s=5", "--dry_run")
    dry = Replay(tmp_path / "dry", MENDED, customerio.url, LETTERS_TOPIC, *flags, pub_sub=broker)
    assert dry.wait() == 0, dry.log()
    assert f"Dry run: {refused} dead letters; nothing is sent" in dry.log()
    assert stats(broker, letters).acked == 0
    assert state(customerio) == before
    assert dry.dead_letters() == []

    replay = Replay(
        tmp_path / "replay", MENDED, customerio.url, LETTERS_TOPIC, chosen, pub_sub=broker
    )
    settled(replay, replay.finish(broker, letters, acked=refused))
    left = stats(broker, letters)
    assert (left.acked, left.outstanding, left.undelivered) == (refused, 0, stored - refused)
    assert state(customerio) != before
    reasons = Counter(
        json.loads(delivery.message.data)["reason"]
        for delivery in broker.broker.pull(letters, stored)
    )
    assert reasons.total() == stored - refused
    assert "rejected" not in reasons


LETTERS = 3_000
BY_DEVICE = {
    "events": {"event_properties": "all"},
    "mappings": {"user_identifier": "device_id"},
    "delivery": DELIVERY,
}


@pytest.fixture
def many_letters(broker: PubSub, customerio: CustomerIoStandIn, tmp_path: Path) -> str:
    """A subscription with a letter for each of LETTERS different events."""
    broker.broker.create_topic(LETTERS_TOPIC)
    letters = broker.subscribe(LETTERS_TOPIC)
    broker.publish(
        msgspec.json.encode(
            {
                "event_type": "Step",
                "device_id": f"device-{number % 70}",
                "event_time": PUBLISHED_AT + number,
                "$insert_id": f"insert-{number}",
                "event_properties": {"number": number},
            }
        )
        for number in range(LETTERS)
    )
    flag = f"--dead_letter_topic={LETTERS_TOPIC}"
    job = Program(tmp_path / "job", STRICT, customerio.url, flag, pub_sub=broker)
    settled(job, job.finish(broker))
    assert stats(broker, letters).published == LETTERS
    assert customerio.workspace.counters().items == 0
    return letters


def numbers(customerio: CustomerIoStandIn) -> list[int]:
    """What every event that counts at Customer.io says, sorted."""
    return sorted(event.data["number"] for event in customerio.workspace.events())


def test_killed_in_the_middle(
    broker: PubSub, customerio: CustomerIoStandIn, many_letters: str, tmp_path: Path
) -> None:
    for kill in (1, 2):
        hold_after(customerio, answered=20)
        replay = Replay(
            tmp_path / f"killed-{kill}", BY_DEVICE, customerio.url, many_letters, pub_sub=broker
        )
        wait_until_held(customerio)
        replay.kill()
        broker.wait_until_left()
        assert len(numbers(customerio)) < LETTERS
        assert stats(broker, many_letters).acked < LETTERS
        let_go(customerio)
        broker.pass_time(LEASE_S)
    last = Replay(tmp_path / "last", BY_DEVICE, customerio.url, many_letters, pub_sub=broker)
    settled(last, last.finish(broker, many_letters))
    assert numbers(customerio) == list(range(LETTERS))
    assert stats(broker, many_letters).acked == LETTERS


def test_stopped_in_the_middle(
    broker: PubSub, customerio: CustomerIoStandIn, many_letters: str, tmp_path: Path
) -> None:
    hold_after(customerio, answered=20)
    replay = Replay(tmp_path / "stopped", BY_DEVICE, customerio.url, many_letters, pub_sub=broker)
    wait_until_held(customerio)
    replay.terminate()
    replay.wait_for_log("Stopping: ", times=1)
    let_go(customerio)
    received = settle(replay)["received"]
    left = stats(broker, many_letters)
    assert left.acked == received == len(numbers(customerio)) > 0
    assert left.undelivered + left.outstanding == LETTERS - received
    assert customerio.workspace.counters().duplicate_events == 0
