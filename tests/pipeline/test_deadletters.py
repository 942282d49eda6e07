"""Dead letters: their lines, the places that keep them, and what happens when those fail."""

import gzip
import json
import logging
import os
import random
import re
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions
from google.api_core.exceptions import GoogleAPICallError

from pipeline import deadletters, generations
from pipeline.deadletters import (
    FileStore,
    Store,
    StoreDeadLetters,
    TopicStore,
    encode,
    letter_id,
)
from pipeline.generations import run_once, run_subscription
from pipeline.local.pubsub import SubscriptionConfig
from pipeline.sources.subscription import ReadFromSubscription
from tests.pipeline.conftest import SUBSCRIPTION, HookedStore, PubSub
from transforms.decode import Decode, decode_message
from transforms.records import DeadLetter, EventOperation, History, Message, Settled
from transforms.stage import StageOutput

FAILED_AT = "2024-01-02T03:04:05.678+00:00"


def letter(number: int = 0, **fields: Any) -> DeadLetter:
    """A letter about a record."""
    common: dict[str, Any] = {
        "reason": "invalid_time",
        "detail": "event_time: found 'soon'",
        "stage": "build",
        "kind": "record",
        "message_id": f"{number}",
        "publish_time": 1_700_000_000.25,
        "attributes": {"source": "amplitude"},
        "record": '{"event_type":"Zoë said \\"hi\\""}',
    }
    return DeadLetter(**(common | fields))


GOLDEN = {
    "a record": (
        letter(1),
        '{"letter_id":"1f8fac8709d82b4491ea20d3d0164389",'
        '"reason":"invalid_time","detail":"event_time: found \'soon\'","stage":"build",'
        '"kind":"record","message_id":"1","publish_time":1700000000.25,'
        '"failed_at":"2024-01-02T03:04:05.678+00:00",'
        '"attempts":1,"first_failed_at":"2024-01-02T03:04:05.678+00:00",'
        '"first_reason":"invalid_time","attributes":{"source":"amplitude"},'
        '"record":"{\\"event_type\\":\\"Zoë said \\\\\\"hi\\\\\\"\\"}","encoding":"text"}',
    ),
    "input that is no text": (
        letter(
            reason="not_utf8",
            detail="invalid start byte at byte 0",
            stage="decode",
            kind="input",
            message_id="/data/a.json:7",
            publish_time=None,
            attributes={},
            record="//79",
            encoding="base64",
        ),
        '{"letter_id":"836062781a99b36dcda120a514101edd",'
        '"reason":"not_utf8","detail":"invalid start byte at byte 0","stage":"decode",'
        '"kind":"input","message_id":"/data/a.json:7","publish_time":null,'
        '"failed_at":"2024-01-02T03:04:05.678+00:00",'
        '"attempts":1,"first_failed_at":"2024-01-02T03:04:05.678+00:00",'
        '"first_reason":"not_utf8","attributes":{},'
        '"record":"//79","encoding":"base64"}',
    ),
    "an operation": (
        letter(
            reason="rejected",
            detail="invalid: name: required",
            stage="deliver",
            kind="operation",
            record=None,
            operation=EventOperation(
                identifiers={"email": "ada@example.com"},
                name="Song Played",
                id="01HF7YAT000000000000000000",
                timestamp=1_700_000_000,
                attributes={"n": 10**20, "nested": {"list": [1.5, None, True]}},
            ),
        ),
        '{"letter_id":"bc47538fea1244e70327315bc2ba81c8",'
        '"reason":"rejected","detail":"invalid: name: required","stage":"deliver",'
        '"kind":"operation","message_id":"0","publish_time":1700000000.25,'
        '"failed_at":"2024-01-02T03:04:05.678+00:00",'
        '"attempts":1,"first_failed_at":"2024-01-02T03:04:05.678+00:00",'
        '"first_reason":"rejected","attributes":{"source":"amplitude"},'
        '"operation":{"action":"event","type":"person",'
        '"identifiers":{"email":"ada@example.com"},"name":"Song Played",'
        '"id":"01HF7YAT000000000000000000","timestamp":1700000000,'
        '"attributes":{"n":100000000000000000000,"nested":{"list":[1.5,null,true]}}}}',
    ),
}


@pytest.mark.parametrize(("dead", "line"), GOLDEN.values(), ids=GOLDEN)
def test_the_line_of_a_letter(dead: DeadLetter, line: str) -> None:
    assert encode(dead, FAILED_AT).decode() == line


def test_a_letter_that_failed_before_keeps_its_history() -> None:
    first = "2023-12-31T23:59:59.999+00:00"
    again = letter(reason="rejected", history=History(3, first, "invalid_time"))
    fields = json.loads(encode(again, FAILED_AT))
    assert [fields[name] for name in ("attempts", "reason", "failed_at")] == [
        4,
        "rejected",
        FAILED_AT,
    ]
    assert (fields["first_failed_at"], fields["first_reason"]) == (first, "invalid_time")


def test_a_letter_that_is_stored_twice_can_be_told() -> None:
    assert letter_id(letter(1)) == letter_id(letter(1, detail="in other words"))
    again = letter(1, history=History(1, FAILED_AT, "rejected"))
    assert letter_id(again) == letter_id(letter(1))
    operation = GOLDEN["an operation"][0].operation
    different = [
        letter(1),
        letter(2),
        letter(1, reason="rejected"),
        letter(1, stage="decode"),
        letter(1, record="{}"),
        letter(1, record=None, operation=operation),
    ]
    assert len(set(map(letter_id, different))) == len(different)


def encoded(*letters: DeadLetter) -> list[tuple[DeadLetter, bytes]]:
    return [(each, encode(each, FAILED_AT)) for each in letters]


def read_files(directory: Path) -> list[dict[str, Any]]:
    """All letters in the files of a directory."""
    return [
        json.loads(line)
        for path in sorted(directory.iterdir())
        for line in path.read_bytes().splitlines()
    ]


def test_files_are_lines_that_only_their_owner_reads(tmp_path: Path) -> None:
    store = FileStore(str(tmp_path / "new" / "directory" / "letters"))
    store.open()
    before = os.umask(0)
    try:
        store.write(encoded(letter(1), letter(2)))
    finally:
        os.umask(before)
    store.write(encoded(letter(3)))
    store.close()
    [path] = (tmp_path / "new" / "directory").iterdir()
    assert re.fullmatch(rf"letters-\d{{8}}T\d{{6}}Z-{os.getpid()}\.jsonl", path.name)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == b"".join(
        line + b"\n" for _, line in encoded(*map(letter, (1, 2, 3)))
    )


def test_a_file_that_exists_grows(tmp_path: Path) -> None:
    for number in (1, 2):
        store = FileStore(str(tmp_path / "letters"))
        store.open()
        store.write(encoded(letter(number)))
        store.close()
    assert [each["message_id"] for each in read_files(tmp_path)] == ["1", "2"]


def test_a_bucket_gets_an_object_a_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    created: list[str] = []

    def create(path: str, mime_type: str) -> Any:
        created.append(path)
        assert mime_type == "application/json"
        return (tmp_path / path.rpartition("/")[2]).open("wb")

    monkeypatch.setattr(FileSystems, "create", create)
    store = FileStore("gs://bucket/letters")
    store.open()
    store.write(encoded(letter(1)))
    store.write(encoded(letter(2), letter(3)))
    assert len(set(created)) == 2
    assert all(
        re.fullmatch(r"gs://bucket/letters-\S+-[0-9a-f]{32}\.jsonl", path) for path in created
    )
    assert sorted(each["message_id"] for each in read_files(tmp_path)) == ["1", "2", "3"]


LETTERS_TOPIC = "projects/tests/topics/letters"
LETTERS = "projects/tests/subscriptions/letters"


@pytest.fixture
def topic_store(pub_sub: PubSub) -> Iterator[TopicStore]:
    pub_sub.create_topic(LETTERS_TOPIC)
    pub_sub.create_subscription(SubscriptionConfig(LETTERS, LETTERS_TOPIC))
    store = TopicStore(LETTERS_TOPIC)
    store.open()
    yield store
    store.close()


def test_a_topic_gets_a_message_a_letter(pub_sub: PubSub, topic_store: TopicStore) -> None:
    letters = encoded(letter(1), letter(2, reason="rejected", stage="deliver"))
    topic_store.write(letters)
    messages = [delivery.message for delivery in pub_sub.pull(LETTERS, 10)]
    assert [message.data for message in messages] == [line for _, line in letters]
    assert [dict(message.attributes) for message in messages] == [
        {"reason": "invalid_time", "stage": "build"},
        {"reason": "rejected", "stage": "deliver"},
    ]


def from_input(data: bytes) -> tuple[DeadLetter, bytes]:
    """The letter of a message that is no record."""
    [settled] = decode_message(Message(data, "1", 0.0, {}))
    assert isinstance(settled, Settled)
    assert settled.letter is not None
    return settled.letter, encode(settled.letter, FAILED_AT)


def test_a_letter_above_what_a_message_holds_is_gzipped(
    pub_sub: PubSub, topic_store: TopicStore
) -> None:
    # Within what Pub/Sub takes, but twice as long once its quotes are escaped.
    [(dead, line)] = encoded(letter(record='"' * 9_900_000))
    assert len(line) > deadletters.MAX_MESSAGE_BYTES
    topic_store.write([(dead, line)])
    [delivery] = pub_sub.pull(LETTERS, 10)
    assert dict(delivery.message.attributes) == {
        "reason": "invalid_time",
        "stage": "build",
        "content_encoding": "gzip",
    }
    assert gzip.decompress(delivery.message.data) == line


def test_a_letter_at_the_limit_goes_as_it_is(pub_sub: PubSub, topic_store: TopicStore) -> None:
    room = deadletters.MAX_MESSAGE_BYTES - len(encode(letter(record=""), FAILED_AT))
    topic_store.write(encoded(letter(record="x" * room)))
    [delivery] = pub_sub.pull(LETTERS, 10)
    assert len(delivery.message.data) == deadletters.MAX_MESSAGE_BYTES
    assert "content_encoding" not in delivery.message.attributes


def test_a_letter_that_no_message_can_hold_is_cut_and_says_so(
    pub_sub: PubSub, topic_store: TopicStore
) -> None:
    # Noise: base64 makes it longer than it was, and gzip cannot undo more than that.
    dead, line = from_input(b"\xff" + random.Random(1).randbytes(9_980_000))
    assert dead.encoding == "base64"
    topic_store.write([(dead, line)])
    [delivery] = pub_sub.pull(LETTERS, 10)
    kept = json.loads(gzip.decompress(delivery.message.data))
    assert kept["record"] == (dead.record or "")[:1_000_000]
    assert kept["detail"] == (
        f"{dead.detail}; of the record only the first 1000000 characters are kept"
    )
    assert kept == json.loads(line) | {"record": kept["record"], "detail": kept["detail"]}


def test_a_topic_that_refuses_raises(pub_sub: PubSub, topic_store: TopicStore) -> None:
    pub_sub.delete_topic(LETTERS_TOPIC)
    with pytest.raises(GoogleAPICallError):
        topic_store.write(encoded(letter()))


STAGES = ("decode", "validate", "deliver")


def store_all(store: Store, letters: int) -> None:
    """Sends letters through a step a stage."""

    def build(pipeline: beam.Pipeline) -> None:
        for stage in STAGES:
            made = pipeline | stage >> beam.Create([letters], reshuffle=False)
            made |= f"Letters of {stage}" >> beam.FlatMap(letters_of, stage)
            _ = made | f"Store of {stage}" >> StoreDeadLetters(store)

    run_once(build, PipelineOptions([]))


def letters_of(count: int, stage: str) -> list[DeadLetter]:
    return [letter(number, stage=stage) for number in range(count)]


@pytest.mark.usefixtures("fresh_process")
def test_the_letters_of_all_stages_reach_the_store(tmp_path: Path) -> None:
    # More than one write each.
    store_all(FileStore(str(tmp_path / "letters")), letters=1_001)
    found = read_files(tmp_path)
    assert len({(each["stage"], each["message_id"]) for each in found}) == len(found) == 3 * 1_001
    assert {each["stage"] for each in found} == set(STAGES)
    failed_at = datetime.fromisoformat(found[0]["failed_at"])
    assert failed_at.utcoffset() is not None


@pytest.mark.usefixtures("fresh_process")
def test_a_bundle_fails_with_its_store() -> None:
    def fail(_letters: list[DeadLetter]) -> None:
        raise OSError("no space left on device")

    HookedStore.on_write = fail
    with pytest.raises(OSError, match="no space left on device"):
        store_all(HookedStore(), letters=1)


@pytest.mark.usefixtures("fresh_process")
def test_nothing_is_acknowledged_while_the_store_fails(
    pub_sub: PubSub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(generations, "_LONGEST_PAUSE_S", 0.01)
    caplog.set_level(logging.WARNING, "pipeline.generations")
    acked: list[int] = []
    stored: list[str | None] = []

    def fail_once(letters: list[DeadLetter]) -> None:
        acked.append(pub_sub.counts().acked)
        if len(acked) == 1:
            raise OSError("no space left on device")
        stored.extend(each.record for each in letters)

    HookedStore.on_write = fail_once
    pub_sub.put("no record", "nor this")

    def build(pipeline: beam.Pipeline) -> None:
        source = ReadFromSubscription(SUBSCRIPTION, 0.3)
        decoded: StageOutput = pipeline | "Read" >> source | "Decode" >> Decode()
        _ = decoded.dead_letters | "Store" >> StoreDeadLetters(HookedStore())

    run_subscription(build, PipelineOptions([]), SUBSCRIPTION, 0.3)
    assert acked == [0, 0]
    assert stored == ["no record", "nor this"]
    counts = pub_sub.counts()
    assert (counts.acked, counts.outstanding) == (2, 0)
    assert "no space left on device" in caplog.text


def test_a_write_that_failed_leaves_no_half_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FileStore(f"{tmp_path}/letters")
    store.open()
    store.write(encoded(letter(1)))

    def full(_descriptor: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space left"):
            store.write(encoded(letter(2)))
    store.write(encoded(letter(3)))
    assert [each["message_id"] for each in read_files(tmp_path)] == ["1", "3"]
