"""ULIDs: valid, dated, the same for ever, and different for different events."""

from hashlib import blake2b
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.transforms.make import json_objects, many, texts
from transforms.ulid import event_ulid, ulid

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32, https://github.com/ulid/spec."""
TIME = 1_777_888_867_123
GOLDEN_BY_INSERT_ID = "01KQS6YCSK9XTKSR775HBEVZBX"
GOLDEN_BY_EVENT = "01KQS6YCSK6JN49KDS8SH3P5XH"
FIELDS: dict[str, Any] = {"app": 12345, "device_id": "d1", "$insert_id": "i1"}


def number_in(text: str) -> int:
    number = 0
    for character in text:
        number = number * 32 + ALPHABET.index(character)
    return number


def of(**changes: Any) -> str:
    return event_ulid(FIELDS | changes, TIME)


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
@example(0, bytes(10))
@example(2**48 - 1, b"\xff" * 10)
def test_a_ulid_holds_its_time_and_its_digest(time_ms: int, digest: bytes) -> None:
    text = ulid(time_ms, digest)
    assert len(text) == 26
    assert text[0] <= "7"
    assert number_in(text) == time_ms << 80 | int.from_bytes(digest, "big")


@pytest.mark.parametrize(
    ("time_ms", "digest"),
    [
        pytest.param(-1, bytes(10), id="before 1970"),
        pytest.param(2**48, bytes(10), id="49 bits"),
        pytest.param(0, bytes(9), id="9 bytes"),
        pytest.param(0, bytes(11), id="11 bytes"),
    ],
)
def test_what_does_not_fit_is_refused(time_ms: int, digest: bytes) -> None:
    with pytest.raises(ValueError, match="48-bit"):
        ulid(time_ms, digest)


@given(st.lists(st.integers(0, 2**48 - 1), min_size=2, max_size=5))
def test_ulids_sort_by_time(times: list[int]) -> None:
    ordered = [ulid(time, b"\xff" * 10) for time in sorted(times)]
    assert ordered == sorted(ordered)


def test_the_same_record_has_had_this_ulid_since_the_first_release() -> None:
    """Whoever changes these values lets Customer.io count everything twice that is replayed."""
    assert of() == GOLDEN_BY_INSERT_ID
    assert event_ulid({"event_id": 7, "event_type": "A", "user_id": "ada"}, TIME) == GOLDEN_BY_EVENT


def test_the_digest_is_over_length_prefixed_app_device_and_insert_id() -> None:
    parts = b"\0\0\0\x0512345" + b"\0\0\0\x02d1" + b"\0\0\0\x02i1"
    assert of() == ulid(TIME, blake2b(parts, digest_size=10).digest())


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"event_type": "B"}, id="type"),
        pytest.param({"user_id": "grace"}, id="user"),
        pytest.param({"event_properties": {"a": 1}}, id="properties"),
        pytest.param({"uuid": "u2"}, id="uuid"),
        pytest.param({"server_upload_time": "2026-05-04 10:01:07"}, id="upload time"),
        pytest.param({"insert_id": "other"}, id="the other spelling"),
    ],
)
def test_what_a_second_delivery_may_change_does_not_count(changes: dict[str, Any]) -> None:
    assert of(**changes) == of()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"app": 12346}, id="app"),
        pytest.param({"device_id": "d2"}, id="device"),
        pytest.param({"$insert_id": "i2"}, id="insert id"),
        pytest.param({"app": None}, id="no app"),
        pytest.param({"device_id": None}, id="no device"),
        pytest.param({"$insert_id": None}, id="no insert id"),
        pytest.param({"app": "1234", "device_id": "5d1"}, id="the border between two parts"),
        pytest.param({"device_id": "d1i", "$insert_id": "1"}, id="the border between the others"),
    ],
)
def test_another_app_device_or_insert_id_is_another_event(changes: dict[str, Any]) -> None:
    assert of(**changes) != of()


_parts = st.tuples(texts(), texts(), texts().filter(bool))


@many
@given(_parts, _parts)
@example(("a", "bc", "d"), ("ab", "c", "d"))
def test_records_share_a_ulid_only_if_they_share_all_three(
    left: tuple[str, str, str], right: tuple[str, str, str]
) -> None:
    names = ("app", "device_id", "$insert_id")
    ulids = {event_ulid(dict(zip(names, parts, strict=True)), TIME) for parts in (left, right)}
    assert len(ulids) == (1 if left == right else 2)


@pytest.mark.parametrize("field", ["$insert_id", "insert_id", "uuid"])
def test_the_first_of_these_is_the_insert_id(field: str) -> None:
    empty = {"$insert_id": None, "insert_id": "", "event_id": 1, "event_type": "A"}
    assert event_ulid({**empty, field: "x"}, TIME) == event_ulid({"$insert_id": "x"}, TIME)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"event_id": 8}, id="event_id"),
        pytest.param({"client_event_time": "2026-05-04 10:01:08"}, id="client_event_time"),
        pytest.param({"event_type": "B"}, id="event_type"),
        pytest.param({"user_id": "grace"}, id="user_id"),
        pytest.param({"device_id": "d2"}, id="device_id"),
    ],
)
def test_without_any_insert_id_these_tell_events_apart(changes: dict[str, Any]) -> None:
    fields = {
        "device_id": "d1",
        "event_id": 7,
        "client_event_time": "2026-05-04 10:01:07",
        "event_type": "A",
        "user_id": "ada",
    }
    same = {**fields, "event_properties": {"a": 1}, "server_upload_time": "later"}
    assert event_ulid(same, TIME) == event_ulid(fields, TIME)
    assert event_ulid(fields | changes, TIME) != event_ulid(fields, TIME)


def test_either_spelling_of_the_event_type_is_the_same() -> None:
    left = event_ulid({"event_type": "A", "event_id": 1}, TIME)
    assert left == event_ulid({"event_name": "A", "event_id": 1}, TIME)


def test_without_an_event_id_the_properties_tell_events_apart() -> None:
    fields: dict[str, Any] = {"event_type": "A", "user_id": "ada"}
    page = [event_ulid(fields | {"event_properties": {"page": page}}, TIME) for page in "ab"]
    assert page[0] != page[1]


def test_the_order_of_keys_does_not_count() -> None:
    fields: dict[str, Any] = {"event_type": "A"}
    left = fields | {"event_properties": {"a": 1, "b": {"c": 1, "d": 2}}}
    right = fields | {"event_properties": {"b": {"d": 2, "c": 1}, "a": 1}}
    assert event_ulid(left, TIME) == event_ulid(right, TIME)


@many
@given(
    json_objects(["app", "device_id", "$insert_id", "uuid", "event_id", "event_properties"]),
    st.integers(0, 2**48 - 1),
)
def test_any_record_has_one_dated_ulid(fields: dict[str, Any], time_ms: int) -> None:
    text = event_ulid(fields, time_ms)
    again = msgspec.json.decode(msgspec.json.encode(fields))
    assert event_ulid(again, time_ms) == text
    assert number_in(text) >> 80 == time_ms


_any_part = st.none() | st.booleans() | st.integers() | texts() | st.text("aé😀", min_size=250)


@many
@given(app=_any_part, device_id=_any_part, insert_id=_any_part)
def test_what_most_records_have_is_hashed_as_everything_else(
    app: Any, device_id: Any, insert_id: Any
) -> None:
    fields = {"app": app, "device_id": device_id, "$insert_id": insert_id, "uuid": "u1"}
    own = "u1" if insert_id in (None, "") and insert_id is not False else insert_id
    digest = blake2b(digest_size=10)
    for part in (app, device_id, own):
        digest.update(len(written(part)).to_bytes(4, "big") + written(part))

    assert event_ulid(fields, TIME) == ulid(TIME, digest.digest())


def written(part: Any) -> bytes:
    if part is None:
        return b""
    return part.encode() if isinstance(part, str) else msgspec.json.encode(part)
