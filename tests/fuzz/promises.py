"""The judge: what is promised of every message, whatever is in it. No product code.

Each broken promise is an AssertionError.
"""

import base64
import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from tests.fuzz.plain_reading import (
    MARK,
    NotComparableError,
    Reading,
    inflate,
    read_json,
    read_message,
    same,
)
from tests.fuzz.promised_operations import Json, check_operation, check_source, strict

MAX_REQUEST_BYTES = 475_000
_V2 = "/api/v2/batch"
_V1 = re.compile(r"/api/v1/customers/((?:[A-Za-z0-9_~-]|%[0-9A-F]{2})+)/events")
_PLANTED = re.compile(
    rb'api_key(?:(?<=".......)"\s*:\s*"|(?<![\w\\].......)\s*[:=]\s*)'
    + MARK.encode()
    + rb'(?=["\s&]|\Z)'
)
_LETTER = {
    *("letter_id", "reason", "detail", "stage", "kind", "message_id", "publish_time", "failed_at"),
    *("attributes", "attempts", "first_failed_at", "first_reason", "record", "encoding"),
}
_DEAD = {
    *("malformed_json", "not_utf8", "too_large", "too_deep", "not_an_object"),
    *("unknown_record", "no_identifier", "identifier_too_long", "invalid_time"),
    *("event_name_too_long", "event_data_too_large", "too_many_attributes"),
    *("attribute_name_too_long", "attribute_value_too_long", "item_too_large"),
}
_QUIET = {
    *("filtered.events_disabled", "filtered.event_type", "filtered.where"),
    *("filtered.users_disabled", "skipped.anonymous", "skipped.no_selected_property"),
    *("skipped.operator_needs_state", "skipped.cohort_message", "skipped.group_type"),
}
_OUTCOMES = _QUIET | {f"dead_lettered.{reason}" for reason in _DEAD}


class Ended(NamedTuple):
    """How one record ended: outcomes, dead letters as stored, items (body, goes alone)."""

    outcomes: list[str]
    letters: list[bytes]
    items: list[tuple[bytes, bool]]


class Sent(NamedTuple):
    """One request."""

    path: str
    body: bytes


def check(
    page: Json,
    data: bytes,
    ended: list[Ended],
    sent: list[Sent],
    *,
    of_bug: Callable[[], bytes],
    logged: list[str],
) -> None:
    """Checks everything that came of a message.

    `of_bug`: the dead letter that a bug of the product's would make of the whole message.
    """
    reading = read_message(data)
    operations: list[tuple[Json, bool]] = []
    for position, end in enumerate(ended):
        mine = [(check_operation(body, alone=alone), alone) for body, alone in end.items]
        read = [_check_letter(letter) for letter in end.letters]
        _check_outcomes(end, read)
        operations += mine
        if reading.records is not None:
            _check_against(page, reading, position, [of for of, _alone in mine], read)
    if reading.records is not None:
        assert len(ended) == len(reading.records), "a record is lost, or one too many"
    _check_requests(page, operations, sent)
    for line in logged:
        check_line(line)
    if MARK.encode() in reading.text:
        stored = [letter for end in ended for letter in end.letters]
        _check_no_key(reading, [request.body for request in sent], stored, of_bug())


def check_line(text: str) -> None:
    """What is logged or shown is one line without control characters."""
    assert text.isprintable(), ascii(text)


def _check_outcomes(end: Ended, stored: list[Json]) -> None:
    assert set(end.outcomes) <= _OUTCOMES
    dead = [outcome for outcome in end.outcomes if outcome.startswith("dead_lettered.")]
    assert dead == [f"dead_lettered.{letter['reason']}" for letter in stored]
    if end.items:
        assert len(end.items) + len(end.outcomes) <= 2
    else:
        assert len(end.outcomes) == 1, "settled more or less than once"


def _check_letter(encoded: bytes) -> Json:
    letter: Json = strict(encoded)
    assert letter.keys() == _LETTER
    assert letter["reason"] in _DEAD
    check_line(letter["detail"])
    return letter


def _letter_bytes(encoded: bytes) -> bytes:
    letter = json.loads(encoded)
    record = letter.pop("record")
    raw = base64.b64decode(record) if letter["encoding"] == "base64" else record.encode()
    inflated = inflate(raw)[0] if raw[:2] == b"\x1f\x8b" else b""
    # What is compressed within the message was not counted: only what is a key there matters.
    return json.dumps(letter).encode() + raw + b"".join(_PLANTED.findall(inflated))


def _check_against(
    page: Json, reading: Reading, position: int, operations: list[Json], stored: list[Json]
) -> None:
    """Holds the end of one record against the record, as Python reads it."""
    assert reading.records is not None
    assert position < len(reading.records), "one record too many"
    record = reading.records[position]
    for operation in operations:
        check_source(page, record, operation)
    reasons = {letter["reason"] for letter in stored}
    assert not reasons & {"malformed_json", "not_utf8", "too_large"}, "Python reads it"
    assert ("not_an_object" in reasons) is not isinstance(record, dict)
    assert reading.deep or "too_deep" not in reasons
    for letter in stored:
        if letter["kind"] == "record":
            whole = {key: value for key, value in record.items() if key != "api_key"}
            try:
                assert same(read_json(letter["record"].encode()), whole), "a record is changed"
            except NotComparableError:
                raise AssertionError("a dead letter that cannot be read") from None


def _check_requests(page: Json, operations: list[tuple[Json, bool]], sent: list[Sent]) -> None:
    delivery = page.get("delivery", {})
    events: list[Json] = []
    people: dict[str, Json] = {}
    for request in sent:
        body = strict(request.body)
        match = _V1.fullmatch(request.path)
        if match is None:
            assert request.path == _V2
            assert len(request.body) <= delivery.get("max_batch_bytes", MAX_REQUEST_BYTES)
            assert 1 <= len(body["batch"]) <= delivery.get("max_batch_items", 100)
            assert body.keys() == {"batch"}
            for item in body["batch"]:
                if item["action"] == "identify":
                    check_operation(_compact(item), alone=False)
                _collect(item, events, people)
        else:
            assert len(request.body) <= MAX_REQUEST_BYTES
            assert body.keys() == {"name", "id", "timestamp", "data"}
            person = unquote_to_bytes(match[1]).decode()
            events.append({**body, "person": person})
    wanted: list[Json] = []
    wanted_people: dict[str, Json] = {}
    for operation, alone in operations:
        if alone:
            [(kind, value)] = operation["identifiers"].items()
            person = f"cio_{value}" if kind == "cio_id" else value
            rest = {key: operation[key] for key in ("name", "id", "timestamp")}
            wanted.append({**rest, "data": operation["attributes"], "person": person})
        else:
            _collect(operation, wanted, wanted_people)
    assert events == wanted, "an event is lost, changed or overtaken"
    assert people == wanted_people, "an attribute is lost"


def _collect(operation: Json, events: list[Json], people: dict[str, Json]) -> None:
    if operation["action"] == "event":
        events.append(operation)
        return
    [(kind, value)] = operation["identifiers"].items()
    person = f"{kind}:{value.casefold() if kind == 'email' else value}"
    people.setdefault(person, {}).update(operation["attributes"])


def _compact(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    # The shortest spelling of a number, as it is sent.
    return text.replace(b"e+", b"e").replace(b"e-0", b"e-")


def _check_no_key(
    reading: Reading, bodies: list[bytes], stored: list[bytes], of_bug: bytes
) -> None:
    """The planted key is nowhere, where it is planted as a key and not as somebody's data."""
    mark = MARK.encode()
    if b"\x1f\x8b" in reading.text:
        # Compressed data within the message may hold the mark under any name, or none.
        return
    if len(_PLANTED.findall(reading.text)) != reading.text.count(mark):
        return
    assert mark not in _letter_bytes(of_bug), "a key in the letter of an internal error"
    known = reading.records is not None and not reading.key_may_stay
    for letter in stored:
        if known or json.loads(letter)["kind"] == "input":
            assert mark not in _letter_bytes(letter), "a key in a dead letter"
    for body in bodies if known else []:
        assert mark not in body, "a key goes out"
