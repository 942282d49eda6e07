"""Tables, worked out by hand, of the operations that the expectation names."""

import json
from typing import Any

import pytest

from tests.end_to_end.expectation import Expected, canonical, expect, ulid_time_ms

Json = dict[str, Any]
ALL: Json = {
    "events": {"event_properties": "all", "user_properties": "all", "group_properties": "all"},
    "users": {"user_properties": "all"},
}


def one(record: Json, settings: Json, publish_time: float | None = None) -> Expected:
    (expected,) = expect(json.dumps(record).encode(), settings=settings, publish_time=publish_time)
    return expected


def event(**fields: Any) -> Json:
    return {"event_type": "Paid", "user_id": "u1", "time": 1777888867} | fields


def sent_attributes(record: Json, settings: Json) -> Any:
    (sent,) = one(record, settings).operations
    return sent.operation["attributes"]


def test_the_whole_event() -> None:
    expected = one(event(event_properties={"n": 2**70, "f": 1.0}), ALL)
    assert (expected.ledger, expected.dead_letters) == ("delivered", [])
    (sent,) = expected.operations
    assert sent.via == "v2"
    assert canonical(sent.operation) == (
        '{"action":"event","attributes":{"f":1.0,"n":1180591620717411303424},'
        '"identifiers":{"id":"u1"},"name":"Paid","timestamp":1777888867,"type":"person"}'
    )


def test_the_whole_identify() -> None:
    (sent,) = one(
        {"user_id": "u1", "user_properties": {"plan": "pro"}}, ALL, 1777888867.9
    ).operations
    assert sent.via == "v2"
    assert canonical(sent.operation) == (
        '{"action":"identify","attributes":{"plan":"pro"},"identifiers":{"id":"u1"},'
        '"timestamp":1777888867,"type":"person"}'
    )


# 1777888867 is 2026-05-04 10:01:07 UTC: 20 577 days of 86 400 s and 36 067 s.
@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        pytest.param({"event_time": "2026-05-04 10:01:07.999999"}, 1777888867, id="export"),
        pytest.param({"event_time": "2026-05-04T10:01:07Z"}, 1777888867, id="Z"),
        pytest.param({"event_time": "2026-05-04T12:01:07+02:00"}, 1777888867, id="offset"),
        pytest.param({"event_time": "2026-05-04 04:31:07.5-0530"}, 1777888867, id="short offset"),
        pytest.param({"event_time": "2026-05-04T12:01:07+02"}, 1777888867, id="hour offset"),
        pytest.param({"time": 1777888867}, 1777888867, id="s"),
        pytest.param({"time": 1777888867.9}, 1777888867, id="s with a fraction"),
        pytest.param({"time": 1777888867999}, 1777888867, id="ms"),
        pytest.param({"time": "1777888867"}, 1777888867, id="s as digits"),
        pytest.param({"time": "1777888867999"}, 1777888867, id="ms as digits"),
        pytest.param({"time": 1000000000}, 1000000000, id="earliest"),
        pytest.param({"time": 99999999999}, 99999999999, id="latest"),
        pytest.param({"time": 999999999}, None, id="too early"),
        pytest.param({"time": 100000000000}, None, id="too late"),
        pytest.param({"time": 1777888867999000}, None, id="microseconds"),
        pytest.param({"time": True}, None, id="boolean"),
        pytest.param({"time": [1777888867]}, None, id="list"),
        pytest.param({"time": ""}, None, id="empty text"),
        pytest.param({"time": "yesterday", "created_at": 1777888867}, None, id="no fall-through"),
        pytest.param({"time": "2026-02-30 00:00:00"}, None, id="no such day"),
        pytest.param({"time": "2026-05-04"}, None, id="a day only"),
        pytest.param({"time": "2026-05-04 10:01:07 +02:00"}, None, id="blank before offset"),
        pytest.param({"event_time": None, "created_at": 1777888867}, 1777888867, id="aliases"),
        pytest.param({"event_time": 1777888868, "time": 1777888867}, 1777888868, id="first alias"),
        pytest.param({"client_event_time": 1777888867}, 1777888867, id="client"),
        pytest.param({"server_upload_time": "2026-05-04 10:01:07"}, 1777888867, id="upload"),
        pytest.param({}, 1777800000, id="publish time"),
    ],
)
def test_time(fields: Json, seconds: int | None) -> None:
    record = {"event_type": "Paid", "user_id": "u1"} | fields
    expected = one(record, {}, publish_time=1777800000.9)
    if seconds is None:
        assert expected == Expected("dead_lettered.invalid_time", [], ["invalid_time"])
    else:
        assert expected.operations[0].operation["timestamp"] == seconds


def test_a_file_record_without_time() -> None:
    record = {"event_type": "Paid", "user_id": "u1"}
    assert one(record, {}, publish_time=None).dead_letters == ["invalid_time"]


@pytest.mark.parametrize(
    ("value", "identifiers"),
    [
        pytest.param("user-1", {"id": "user-1"}, id="text"),
        pytest.param(" user-1\n", {"id": "user-1"}, id="stripped"),
        pytest.param("Ada@Example.com", {"email": "Ada@Example.com"}, id="mail"),
        pytest.param("ada@localhost", {"id": "ada@localhost"}, id="no dot"),
        pytest.param("ada@example..com", {"id": "ada@example..com"}, id="two dots"),
        pytest.param("cio_a3000001", {"cio_id": "a3000001"}, id="cio"),
        pytest.param("cio_", {"id": "cio_"}, id="only the prefix"),
        pytest.param("cio_a@example.com", {"email": "cio_a@example.com"}, id="mail before cio"),
        pytest.param(4711, {"id": "4711"}, id="integer"),
        pytest.param(12.0, {"id": "12"}, id="whole float"),
        pytest.param(1.5, {"id": "1.5"}, id="float"),
        pytest.param(1e21, {"id": "1000000000000000000000"}, id="no exponent"),
        pytest.param(1e-7, {"id": "0.0000001"}, id="no negative exponent"),
        pytest.param("é" * 75, {"id": "é" * 75}, id="150 bytes"),
        pytest.param("cio_" + "a" * 150, {"cio_id": "a" * 150}, id="150 behind the prefix"),
    ],
)
def test_identifier(value: Any, identifiers: dict[str, str]) -> None:
    (sent,) = one(event(user_id=value), {}).operations
    assert sent.operation["identifiers"] == identifiers


@pytest.mark.parametrize(
    ("value", "anonymous", "ledger"),
    [
        pytest.param(None, "skip", "skipped.anonymous", id="null"),
        pytest.param("  ", "skip", "skipped.anonymous", id="blank"),
        pytest.param(True, "skip", "skipped.anonymous", id="boolean"),
        pytest.param({"id": 1}, "skip", "skipped.anonymous", id="object"),
        pytest.param(None, "dead_letter", "dead_lettered.no_identifier", id="dead letter"),
        pytest.param("é" * 76, "skip", "dead_lettered.identifier_too_long", id="152 bytes"),
    ],
)
def test_no_identifier(value: Any, anonymous: str, ledger: str) -> None:
    # The time is invalid as well, but the identifier is looked at first.
    record = event(user_id=value, time="never")
    assert one(record, {"mappings": {"anonymous": anonymous}}).ledger == ledger


@pytest.mark.parametrize(
    ("path", "identifiers"),
    [
        pytest.param("device_id", {"id": "d1"}, id="another field"),
        pytest.param("user_properties.crm.id", {"id": "x1"}, id="split at the first dot only"),
        pytest.param("user_properties.mail", {"email": "a@example.com"}, id="out of $set"),
        pytest.param("event_properties.account", {"id": "9"}, id="event property"),
    ],
)
def test_identifier_from_another_place(path: str, identifiers: dict[str, str]) -> None:
    record = event(
        device_id="d1",
        user_properties={"crm.id": "x1", "mail": "old", "$set": {"mail": "a@example.com"}},
        event_properties={"account": 9},
    )
    (sent,) = one(record, {"mappings": {"user_identifier": path}}).operations
    assert sent.operation["identifiers"] == identifiers


EVENT = event(
    event_properties={"a": 1, "b": None, "c": {"d": None}, "recipient": "x@example.com"},
    user_properties={"a": 2, "b": 3, "_p": 4, "$set": {"s": 5, "_p": 6}, "$add": {"n": 1}},
    group_properties={"company": {"Example": {"tier": "gold", "x": None}, "Other": {}}, "t": 1},
)
GROUPS: Json = {"company": {"Example": {"tier": "gold"}}}


@pytest.mark.parametrize(
    ("events", "attributes"),
    [
        pytest.param({}, {}, id="nothing selected"),
        pytest.param({"event_properties": "all"}, {"a": 1, "c": {"d": None}}, id="event"),
        pytest.param({"user_properties": "all"}, {"a": 2, "b": 3, "_p": 6, "s": 5}, id="user"),
        pytest.param({"group_properties": "all"}, {"groups": GROUPS}, id="group"),
        pytest.param({"group_properties": ["size"]}, {}, id="no empty groups"),
        pytest.param(
            {"event_properties": ["a", "b", "z", "recipient"], "user_properties": ["a", "b"]},
            {"a": 1, "b": 3, "recipient": "x@example.com"},
            id="lists: a clash, a null, a reserved name",
        ),
    ],
)
def test_attributes_of_an_event(events: Json, attributes: Json) -> None:
    assert canonical(sent_attributes(EVENT, {"events": events})) == canonical(attributes)


def test_preset() -> None:
    attributes = sent_attributes(EVENT, {"preset": "all_properties"})
    assert attributes == {"a": 1, "b": 3, "c": {"d": None}, "_p": 6, "s": 5, "groups": GROUPS}


def test_a_property_named_groups_wins() -> None:
    record = EVENT | {"event_properties": {"groups": "mine"}}
    assert sent_attributes(record, ALL)["groups"] == "mine"


@pytest.mark.parametrize(
    ("properties", "selected", "attributes"),
    [
        pytest.param({"a": 1, "b": None, "c": [None]}, "all", {"a": 1, "c": [None]}, id="plain"),
        pytest.param({"a": 1, "$set": {"a": 2}}, "all", {"a": 2}, id="$set over plain"),
        pytest.param(
            {"a": 1, "$set": {"a": 2}, "$unset": {"a": "-"}}, "all", {"a": None}, id="$unset"
        ),
        pytest.param({"$set": {"a": 1}, "$add": {"n": 1}}, "all", {"a": 1}, id="mixed operators"),
        pytest.param({"$price": 1}, "all", {"$price": 1}, id="a name with $"),
        pytest.param({"_a": 1, "id": 2, "email": 3, "cio_id": 4, "x": 5}, "all", {"x": 5}),
        pytest.param({"id": 2, "email": "e", "x": 5}, ["email", "id"], {"id": 2, "email": "e"}),
        pytest.param({"x": 5, "y": 6}, ["y", "z"], {"y": 6}, id="list"),
    ],
)
def test_attributes_of_an_identify(properties: Json, selected: Any, attributes: Json) -> None:
    record = event(event_type="$identify", user_properties=properties)
    sent = sent_attributes(record, {"users": {"user_properties": selected}})
    assert canonical(sent) == canonical(attributes)


@pytest.mark.parametrize(
    ("properties", "selected", "ledger"),
    [
        pytest.param({"a": 1}, "none", "skipped.no_selected_property", id="none"),
        pytest.param({"a": None}, "all", "skipped.no_selected_property", id="null"),
        pytest.param({"_a": 1}, "all", "skipped.no_selected_property", id="reserved"),
        pytest.param({}, "all", "skipped.no_selected_property", id="empty"),
        pytest.param({"$clearAll": "-"}, "all", "skipped.operator_needs_state", id="$clearAll"),
        pytest.param(
            {"$setOnce": {"a": 1}, "$append": {"b": 1}},
            "none",
            "skipped.operator_needs_state",
            id="operators are looked at before the selection",
        ),
    ],
)
def test_user_updates_that_are_skipped(properties: Json, selected: Any, ledger: str) -> None:
    record = event(event_type=None, user_id=None, user_properties=properties)
    assert one(record, {"users": {"user_properties": selected}}) == Expected(ledger)


def test_update_only() -> None:
    settings = {"users": {"user_properties": "all", "update_only": True}}
    record = {"user_id": "u", "time": 1777888867, "user_properties": {"a": 1}}
    assert canonical(sent_attributes(record, settings)) == '{"_update":true,"a":1}'


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        pytest.param("01ARZ3NDEKTSV4RRFFQ69G5FAV", 1469922850259, id="from the specification"),
        pytest.param("01arz3ndektsv4rrffq69g5fav", 1469922850259, id="small letters"),
        pytest.param("0000000000ZZZZZZZZZZZZZZZZ", 0, id="zero"),
        pytest.param("7ZZZZZZZZZZZZZZZZZZZZZZZZZ", 281474976710655, id="largest"),
        pytest.param("0000000010" + "0" * 16, 32, id="one digit up"),
    ],
)
def test_ulid(text: str, milliseconds: int) -> None:
    assert ulid_time_ms(text) == milliseconds


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "8" + "0" * 25, "0" * 25 + "U", "é" * 26])
def test_no_ulid(text: str) -> None:
    with pytest.raises(ValueError, match="ULID"):
        ulid_time_ms(text)
