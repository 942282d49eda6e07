"""Marked credentials and marked people go through everything that can go wrong; nothing leaks."""

import gzip
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import SUBSCRIPTION, PubSub, Recorder, pub_sub
from tests.security.canaries import (
    AMPLITUDE_KEY,
    API_KEY,
    EMAIL,
    HASH_SALT,
    NAME,
    PROPERTY,
    SITE_ID,
    USER_ID,
    Kind,
    found_in,
)
from tests.security.quoting_server import HELD, REFUSED, REFUSED_BY_INDEX, QuotingServer
from tests.security.watched import Place, WatchedProgram, leaks
from tests.security.watched_main import CRASH

LETTERS_TOPIC = "projects/end-to-end/topics/letters"
SETTINGS = {
    "preset": "all_properties",
    "events": {"hash": ["mail"], "hash_salt": "${HASH_SALT}"},
    "users": {
        "user_properties": "all",
        "trigger": "always",
        "hash": ["mail"],
        "hash_salt": "${HASH_SALT}",
    },
    "mappings": {"anonymous": "dead_letter"},
    # Small requests: several lanes get into trouble together, and are through with it sooner.
    "delivery": {"lanes": 12, "max_batch_items": 2, "request_timeout_s": 30},
}


_people = itertools.count()


def record(**fields: Any) -> dict[str, Any]:
    """An event with every marked value in it, of a person of its own."""
    common = {
        "event_type": "Plan Upgraded",
        "user_id": f"{USER_ID.value}-{next(_people)}",
        "event_time": "2024-01-02 03:04:05",
        "event_properties": {"note": PROPERTY.value, PROPERTY.value: [NAME.value]},
        "user_properties": {"name": NAME.value, "mail": EMAIL.value},
        "api_key": AMPLITUDE_KEY.value,
    }
    return {name: value for name, value in (common | fields).items() if value is not None}


def line(**fields: Any) -> bytes:
    """A record alone."""
    return json.dumps(record(**fields)).encode()


def body(*records: Any) -> bytes:
    """An HTTP V2 request body, Amplitude's key first."""
    return json.dumps({"api_key": AMPLITUDE_KEY.value, "events": records}).encode()


def messages() -> Iterator[bytes]:
    """Good ones, and at least one that fails in every stage that can refuse a record."""
    yield body(record(), record(user_id=EMAIL.value), *(record() for _ in range(12)))
    yield gzip.compress(body(record(user_id="cio_" + USER_ID.marks[0])))
    yield line(user_id=EMAIL.value, event_properties={"too large": PROPERTY.value * 2000})
    yield line(event_type="$identify", user_properties={"$set": {"name": NAME.value}})
    # decode
    yield body(record())[:-2]
    yield gzip.compress(body(record()) + b" " * 5_000)[:-12]
    yield body(record()) + b"\xff"
    yield body(record(), NAME.value, [1])
    yield body(record(), record())[:-2] + b',{"n":1e999}]}'
    # route, resolve, build, validate
    yield line(event_type=None, user_properties=None)
    yield line(user_id=None)
    yield line(user_id=USER_ID.value * 9)
    yield line(event_time=PROPERTY.value)
    yield line(event_type=NAME.value * 5)
    yield line(user_properties={PROPERTY.value * 5: 1, EMAIL.value: "x" * 2_000})
    yield line(event_type=CRASH)
    # deliver
    yield body(record(event_type=REFUSED), record(event_type=REFUSED_BY_INDEX))


REASONS = {
    *("malformed_json", "not_utf8", "not_an_object", "unknown_record", "no_identifier"),
    *("identifier_too_long", "invalid_time", "event_name_too_long"),
    *("attribute_name_too_long", "rejected"),
}


@pytest.fixture(autouse=True)
def _end_programs() -> Iterator[None]:
    yield
    WatchedProgram.end_all()


@pytest.fixture
def broker() -> Iterator[PubSub]:
    with pub_sub() as running:
        yield running


@pytest.fixture
def elsewhere() -> Iterator[Recorder]:
    """Where redirects lead."""
    with Recorder() as recorder:
        yield recorder


@pytest.fixture
def customerio(elsewhere: Recorder) -> Iterator[QuotingServer]:
    with QuotingServer(other=elsewhere.url) as server:
        yield server


def until(happened: Callable[[], bool], program: WatchedProgram) -> None:
    """Waits until it has happened."""
    deadline = time.monotonic() + 240
    while not happened():
        assert time.monotonic() < deadline, program.said()[-3000:]
        time.sleep(0.05)


def acked(broker: PubSub) -> int:
    return broker.broker.stats(SUBSCRIPTION).acked


class LettersInFiles:
    """Away as long as a link to nowhere stands where the directory should be."""

    def __init__(self, directory: Path) -> None:
        self._place = directory / "letters"
        directory.mkdir()
        self._place.symlink_to(directory / "nowhere" / "at all")
        self.flag = f"--dead_letter_files={self._place / 'bad'}"

    def come_back(self) -> None:
        self._place.unlink()

    def read(self) -> list[bytes]:
        return [line for path in self._place.iterdir() for line in path.read_bytes().splitlines()]


class LettersInATopic:
    """Away as long as there is no such topic."""

    flag = f"--dead_letter_topic={LETTERS_TOPIC}"

    def __init__(self, broker: PubSub) -> None:
        self._broker = broker

    def come_back(self) -> None:
        self._broker.broker.create_topic(LETTERS_TOPIC)
        self._subscription = self._broker.subscribe(LETTERS_TOPIC)

    def read(self) -> list[bytes]:
        pulled = self._broker.broker.pull(self._subscription, 1_000)
        return [
            json.dumps([delivery.message.data.decode(), dict(delivery.message.attributes)]).encode()
            for delivery in pulled
        ]


@pytest.mark.parametrize(
    "loud", [pytest.param(False, id="as it comes"), pytest.param(True, id="all loggers at DEBUG")]
)
def test_nothing_leaks_whatever_goes_wrong(
    loud: bool, broker: PubSub, customerio: QuotingServer, elsewhere: Recorder, tmp_path: Path
) -> None:
    directory = tmp_path / "run"
    letters = LettersInATopic(broker) if loud else LettersInFiles(directory)
    sent = list(messages())
    broker.publish(sent)
    program = WatchedProgram(
        directory,
        SETTINGS,
        f"--input_subscription={SUBSCRIPTION}",
        f"--customerio_endpoint={customerio.url}",
        f"--ledger_file={directory / 'ledger.json'}",
        letters.flag,
        loud=loud,
        environment={
            "PUBSUB_EMULATOR_HOST": broker.emulator.address,
            "GRPC_VERBOSITY": "DEBUG",
            "HASH_SALT": HASH_SALT.value,
        },
    )
    program.wait_until_said("A bundle failed")
    assert leaks(program.places_now()) == []
    letters.come_back()
    until(lambda: acked(broker) == len(sent) and not customerio.troubles_left, program)
    broker.publish([body(record(event_type=HELD))])
    assert customerio.held.wait(240)
    assert leaks(program.places_now()) == []
    program.terminate()
    customerio.release.set()
    assert program.wait() == 0, program.said()[-3000:]

    outcomes = program.ledger()["outcomes"]
    assert program.ledger()["balanced"]
    kept = letters.read()
    assert {name.removeprefix("dead_lettered.") for name in outcomes} >= REASONS
    assert ("dead_lettered.internal_error" in outcomes) is loud
    assert leaks(program.places()) == []
    assert leaks(Place("a dead letter", letter, personal=True) for letter in kept) == []
    # What may be there is there: else the search would have looked at nothing.
    assert {canary.kind for letter in kept for canary in found_in(letter)} == {Kind.PERSONAL}

    salted = hmac.new(HASH_SALT.value.encode(), EMAIL.value.lower().encode(), "sha256").hexdigest()
    assert any(salted.encode() in request.body for request in customerio.requests)
    assert elsewhere.requests == []
    for request in customerio.requests:
        token = request.headers.pop("Authorization")
        assert found_in(token.encode()) == [SITE_ID, API_KEY]
        assert "Cookie" not in request.headers
        text = json.dumps([request.path, request.headers]).encode() + request.body
        assert leaks([Place("a request", text, personal=True)]) == []
