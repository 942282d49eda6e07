"""Opening stored letters: what goes in again is what came out, and nothing else is a letter."""

import base64
import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given

from pipeline.deadletters import encode
from pipeline.replay import letter as letter_module
from pipeline.replay.letter import NotALetterError, open_letter
from tests.transforms.make import few, json_objects
from transforms.deadletter import dead_letter
from transforms.decode import decode_message
from transforms.limits import MAX_ITEM_BYTES
from transforms.records import (
    DeadLetter,
    Delivery,
    EventOperation,
    History,
    IdentifyOperation,
    Json,
    Message,
    ObjectIdentifiers,
    Operation,
    Origin,
    Record,
    Relationship,
    RelationshipsOperation,
    Settled,
    time_of,
)
from transforms.tally import Tally
from transforms.validate import validate_item

FAILED_AT = "2024-01-02T03:04:05.678+00:00"
ORIGIN = Origin("17", 1_700_000_000.123456, {"source": "amplitude"})
FIRST = History(1, FAILED_AT, "invalid_time")


def stored(letter: DeadLetter) -> Message:
    """A letter as a topic gives it."""
    return Message(encode(letter, FAILED_AT), "99", 1_800_000_000.0, {"reason": letter.reason})


def changed(**fields: Any) -> Message:
    """A letter about a record, some fields of it changed; None takes a field out."""
    settled = dead_letter("invalid_time", "soon", stage="build", record=Record({"a": 1}, ORIGIN))
    assert settled.letter is not None
    line = json.loads(encode(settled.letter, FAILED_AT)) | fields
    line = {name: value for name, value in line.items() if value is not None}
    return Message(json.dumps(line).encode(), "99", None, {})


def record_of(message: Message) -> Record | Settled:
    """The one record in what a letter is opened to."""
    content = open_letter(message).content
    assert isinstance(content, Message)
    [result] = decode_message(content)
    return result


@given(json_objects())
@few
def test_a_record_comes_out_as_it_went_in(fields: Json) -> None:
    fields.pop("api_key", None)
    settled = dead_letter("invalid_time", "", stage="build", record=Record(fields, ORIGIN))
    assert settled.letter is not None
    result = record_of(stored(settled.letter))
    assert isinstance(result, Record)
    assert result.fields == fields
    assert json.dumps(result.fields) == json.dumps(fields)
    assert result.origin == Origin(ORIGIN.message_id, ORIGIN.publish_time, ORIGIN.attributes, FIRST)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"events": [{"event_type": "A"}]}, id="events"),
        pytest.param({"identification": '{"user_id":"u"}'}, id="identification"),
    ],
)
def test_a_record_is_no_request_body(fields: Json) -> None:
    body = json.dumps({"events": [fields]}).encode()
    [record] = decode_message(Message(body, "17", None, {}))
    assert isinstance(record, Record)
    settled = dead_letter("unknown_record", "", stage="route", record=record)
    assert settled.letter is not None
    result = record_of(stored(settled.letter))
    assert isinstance(result, Record)
    assert result.fields == fields


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"{broken", id="malformed"),
        pytest.param(b"\xff\xfe{}", id="not UTF-8"),
        pytest.param(b"[1]", id="no object"),
        pytest.param(b'{"a":' * 200 + b"1" + b"}" * 200, id="too deep"),
        pytest.param(gzip.compress(b"{}", mtime=0)[:-9], id="damaged gzip"),
    ],
)
def test_input_that_cannot_be_read_fails_in_the_same_way(data: bytes) -> None:
    message = Message(data, "17", 1.5, {"k": "v"})
    [first] = decode_message(message)
    assert isinstance(first, Settled)
    assert first.letter is not None
    second = record_of(stored(first.letter))
    assert isinstance(second, Settled)
    assert second.letter is not None
    history = History(1, FAILED_AT, first.letter.reason)
    assert second.letter.history == history
    plain = DeadLetter(**{name: getattr(second.letter, name) for name in _FIELDS})
    assert plain == first.letter


_FIELDS = [name for name in DeadLetter.__struct_fields__ if name != "history"]


def event(size: int = 0) -> EventOperation:
    """An event whose data has about so many bytes."""
    return EventOperation(
        identifiers={"cio_id": "a1"},
        name="Song Played",
        id="01HF7YAT000000000000000000",
        timestamp=1_700_000_000,
        attributes={"big": 10**20, "float": 1.0, "text": "x" * size},
    )


IDENTIFY = IdentifyOperation(
    identifiers={"email": "ada@example.com"},
    attributes={"plan": "pro", "gone": None, "_update": True},
    timestamp=1_700_000_001,
)


RELATED = RelationshipsOperation(
    identifiers={"id": "ada"}, cio_relationships=(Relationship(ObjectIdentifiers("1", "Acme")),)
)
OBJECT = IdentifyOperation(
    type="object",
    identifiers={"object_type_id": "1", "object_id": "Acme"},
    attributes={"tier": "a", "gone": None},
)
ANONYMOUS = msgspec.structs.replace(event(), identifiers={"anonymous_id": "d1"})


def refused(operation: Operation) -> DeadLetter:
    """The letter of an operation that Customer.io refused."""
    return DeadLetter(
        reason="rejected",
        detail="invalid",
        stage="deliver",
        kind="operation",
        message_id=ORIGIN.message_id,
        publish_time=ORIGIN.publish_time,
        attributes=ORIGIN.attributes,
        operation=operation,
    )


@pytest.mark.parametrize(
    ("operation", "alone"),
    [
        pytest.param(event(), False, id="event"),
        pytest.param(event(MAX_ITEM_BYTES), True, id="an event for v1"),
        pytest.param(IDENTIFY, False, id="identify"),
        pytest.param(RELATED, False, id="relationships"),
        pytest.param(OBJECT, False, id="object"),
        pytest.param(ANONYMOUS, True, id="anonymous event"),
    ],
)
def test_an_operation_is_sent_with_the_same_bytes(operation: Operation, alone: bool) -> None:
    delivery = open_letter(stored(refused(operation))).content
    assert isinstance(delivery, Delivery)
    [item] = delivery.items
    assert item == validate_item(operation, "dead_letter", Tally())
    assert item.alone is alone
    # What has no time of its own comes in the order in which it was refused.
    failed_at = int(datetime.fromisoformat(FAILED_AT).timestamp())
    assert delivery.time_ms == (time_of(operation) or failed_at) * 1000
    assert delivery.origin.history == History(1, FAILED_AT, "rejected")
    assert (delivery.fallen, delivery.letters) == ((), ())


def test_an_operation_that_was_made_too_large_since_is_a_letter_again() -> None:
    delivery = open_letter(stored(refused(event(200_000)))).content
    assert isinstance(delivery, Delivery)
    assert delivery.items == ()
    assert delivery.fallen == ("dead_lettered.event_data_too_large",)
    [letter] = delivery.letters
    assert (letter.stage, letter.kind, letter.operation) == (
        "validate",
        "operation",
        event(200_000),
    )
    assert letter.history == History(1, FAILED_AT, "rejected")


def test_the_history_goes_on() -> None:
    first = "2023-12-31T00:00:00.000+00:00"
    opened = open_letter(changed(attempts=4, first_failed_at=first, first_reason="rejected"))
    assert opened.attempts == 4
    assert isinstance(opened.content, Message)
    assert opened.content.history == History(4, first, "rejected")


def test_a_letter_of_old_has_failed_once() -> None:
    old = changed(letter_id=None, attempts=None, first_failed_at=None, first_reason=None)
    opened = open_letter(old)
    assert isinstance(opened.content, Message)
    assert opened.content.history == FIRST
    assert opened.failed_at == datetime(2024, 1, 2, 3, 4, 5, 678_000, UTC)


def test_a_time_without_a_zone_is_utc() -> None:
    assert open_letter(changed(failed_at="2024-01-02T03:04:05")).failed_at.tzinfo is UTC


SECRET = "ada@example.com"
TIMED = {"attributes": {}, "timestamp": 1}
OTHERS: dict[str, Json] = {
    "an anonymous identify": {
        "action": "identify",
        "identifiers": {"anonymous_id": "d"},
        **TIMED,
    },
    "an identify without a time": {
        "action": "identify",
        "identifiers": {"id": "ada"},
        "attributes": {},
    },
    "an object with a time": {
        "action": "identify",
        "type": "object",
        "identifiers": {"object_type_id": "1", "object_id": "A"},
        **TIMED,
    },
    "an object by another id": {
        "action": "identify",
        "type": "object",
        "identifiers": {"cio_object_id": "1"},
        "attributes": {},
    },
    "an event of an object": {
        "action": "event",
        "type": "object",
        "identifiers": {"object_type_id": "1", "object_id": "A"},
        "name": "A",
        "id": "0" * 26,
        **TIMED,
    },
    "relationships of an object": {
        "action": "add_relationships",
        "type": "object",
        "identifiers": {"object_type_id": "1", "object_id": "A"},
        "cio_relationships": [],
    },
}


@pytest.mark.parametrize(
    ("message", "why"),
    [
        pytest.param(lambda: Message(b"", "1", None, {}), "it is not JSON", id="empty"),
        pytest.param(
            lambda: Message(b'{"a":"ada@example.com"', "1", None, {}), "it is not JSON", id="half"
        ),
        pytest.param(lambda: Message(b'"\xff"', "1", None, {}), "it is not JSON", id="not UTF-8"),
        pytest.param(lambda: Message(b"[" * 10_000, "1", None, {}), "it is not JSON", id="deep"),
        pytest.param(
            lambda: Message(b'{"event_type":"A"}', "1", None, {}),
            "it is JSON, but no dead letter",
            id="a record",
        ),
        pytest.param(lambda: changed(reason=SECRET), "it is JSON, but no dead letter", id="reason"),
        pytest.param(
            lambda: changed(first_reason=SECRET),
            "it is JSON, but no dead letter",
            id="first reason",
        ),
        pytest.param(lambda: changed(attempts=0), "it is JSON, but no dead letter", id="attempts"),
        pytest.param(lambda: changed(kind=SECRET), "it is JSON, but no dead letter", id="kind"),
        pytest.param(
            lambda: changed(failed_at=SECRET), "it is JSON, but no dead letter", id="failed_at"
        ),
        pytest.param(
            lambda: changed(failed_at="9999-12-31T23:59:59-10:00"),
            "it is JSON, but no dead letter",
            id="a time that no clock shows",
        ),
        pytest.param(
            lambda: changed(record=None), "it is JSON, but no dead letter", id="empty one"
        ),
        pytest.param(
            lambda: changed(operation=json.loads(validate_item(event(), "trim", Tally()).body)),
            "it is JSON, but no dead letter",
            id="both",
        ),
        pytest.param(
            lambda: changed(record=None, operation={"action": SECRET}),
            "it is JSON, but no dead letter",
            id="action",
        ),
        pytest.param(
            lambda: changed(
                record=None,
                operation={
                    "action": "identify",
                    "identifiers": {},
                    "attributes": {},
                    "timestamp": 1,
                },
            ),
            "its operation is none that this program sends",
            id="nobody",
        ),
        *(
            pytest.param(
                lambda given=operation: changed(record=None, operation=given),
                "its operation is none that this program sends",
                id=name,
            )
            for name, operation in OTHERS.items()
        ),
        pytest.param(
            lambda: changed(encoding="base64", record="no base64: é"),
            "its record is not base64",
            id="base64",
        ),
        pytest.param(
            lambda: Message(b"{}", "1", None, {"content_encoding": "gzip"}),
            "it says that it is gzip, but does not inflate",
            id="no gzip",
        ),
    ],
)
def test_what_is_no_letter_is_told_without_a_word_of_it(
    message: Callable[[], Message], why: str
) -> None:
    with pytest.raises(NotALetterError) as caught:
        open_letter(message())
    assert str(caught.value) == why
    assert caught.value.__cause__ is None


def test_a_gzipped_letter_is_inflated_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = changed()
    zipped = Message(gzip.compress(plain.data), "99", None, {"content_encoding": "gzip"})
    assert open_letter(zipped) == open_letter(plain)
    monkeypatch.setattr(letter_module, "MAX_LETTER_BYTES", len(plain.data) - 1)
    for message in (zipped, plain):
        with pytest.raises(NotALetterError, match=f"it has over {len(plain.data) - 1} bytes"):
            open_letter(message)


def test_bytes_come_back_from_base64() -> None:
    data = bytes(range(256))
    message = changed(kind="input", encoding="base64", record=base64.b64encode(data).decode())
    content = open_letter(message).content
    assert isinstance(content, Message)
    assert content.data == data
