"""Tables, worked out by hand, of filters, triggers and limits in the expectation."""

import json
from typing import Any

import pytest

from tests.end_to_end.expectation import Expected, canonical, expect

Json = dict[str, Any]
RECORD: Json = {
    "event_type": "session_start",
    "user_id": "u1",
    "time": 1777888867,
    "platform": "Web",
    "event_properties": {
        "plan": "Pro plan",
        "n": 10,
        "digits": "10",
        "ok": True,
        "list": ["a", 2],
        "none": None,
        "empty": "",
    },
    "user_properties": {"seats": 1, "$set": {"seats": 5}},
}


def one(record: Json, settings: Json) -> Expected:
    (expected,) = expect(
        json.dumps(record, ensure_ascii=False).encode(), settings=settings, publish_time=None
    )
    return expected


@pytest.mark.parametrize(
    ("name", "operator", "values", "holds"),
    [
        pytest.param("event_properties.plan", "is", ["free", "Pro plan"], True, id="or"),
        pytest.param("event_properties.plan", "is", ["pro plan"], False, id="is, case"),
        pytest.param("event_properties.n", "is", [10.0], True, id="numbers"),
        pytest.param("event_properties.n", "is", ["10"], True, id="number and text"),
        pytest.param("event_properties.n", "is", ["10.0"], False, id="number and another text"),
        pytest.param("event_properties.digits", "is", [10], True, id="text and number"),
        pytest.param("event_properties.ok", "is", ["true"], True, id="true as text"),
        pytest.param("event_properties.ok", "is", [1], False, id="true is no number"),
        pytest.param("event_properties.list", "is", ['["a",2]'], True, id="list as text"),
        pytest.param("event_properties.gone", "is", ["x"], False, id="missing"),
        pytest.param("event_properties.gone", "is_not", ["x"], True, id="missing, negative"),
        pytest.param("event_properties.plan", "is_not", ["x", "Pro plan"], False, id="none of"),
        pytest.param("event_properties.plan", "contains", ["PRO"], True, id="contains"),
        pytest.param(
            "event_properties.plan", "does_not_contain", ["PRO"], False, id="contains not"
        ),
        pytest.param("event_properties.plan", "starts_with", ["pro"], False, id="starts, case"),
        pytest.param("event_properties.plan", "does_not_start_with", ["x"], True, id="not starts"),
        pytest.param("event_properties.n", "less", [9], False, id="as numbers"),
        pytest.param("event_properties.digits", "less", ["9"], False, id="both numeric texts"),
        pytest.param("event_properties.n", "less", ["9 "], True, id="as text"),
        pytest.param("event_properties.n", "less_or_equal", [10], True, id="less or equal"),
        pytest.param("event_properties.n", "greater", [10, 9.5], True, id="greater than any"),
        pytest.param("event_properties.n", "greater_or_equal", [10.5], False, id="not greater"),
        pytest.param("event_properties.gone", "greater", [0], False, id="missing is not greater"),
        pytest.param("event_properties.empty", "is_set", [], True, id="empty text is set"),
        pytest.param("event_properties.none", "is_set", [], False, id="null is not set"),
        pytest.param("event_properties.none", "is_not_set", [], True, id="null is missing"),
        pytest.param("event_properties.plan", "glob", ["P*n"], True, id="glob"),
        pytest.param("event_properties.plan", "glob", ["p*n"], False, id="glob, case"),
        pytest.param("event_properties.plan", "not_glob", ["P??"], True, id="not glob"),
        pytest.param("event_properties.list", "set_contains", ["b", "2"], True, id="set"),
        pytest.param("event_properties.plan", "set_contains", ["Pro plan"], False, id="no list"),
        pytest.param("event_properties.plan", "set_does_not_contain", ["x"], True, id="no list -"),
        pytest.param("user_properties.seats", "is", [5], True, id="$set over plain"),
        pytest.param("user_properties.$set", "is_set", [], False, id="no operator"),
        pytest.param("platform", "is", ["Web"], True, id="top-level field"),
    ],
)
def test_where(name: str, operator: str, values: list[Any], holds: bool) -> None:
    where = [{"property": name, "op": operator, "values": values}]
    ledger = one(RECORD, {"events": {"where": where}}).ledger
    assert ledger == ("delivered" if holds else "filtered.where")


@pytest.mark.parametrize(
    ("events", "ledger"),
    [
        pytest.param({"enabled": False, "include": []}, "filtered.events_disabled", id="off"),
        pytest.param({"include": []}, "filtered.event_type", id="nothing included"),
        pytest.param({"include": ["session_start"]}, "delivered", id="raw name"),
        pytest.param({"include": ["[Amplitude] Start Session"]}, "delivered", id="other name"),
        pytest.param({"exclude": ["[Amplitude] Start Session"]}, "filtered.event_type", id="out"),
        pytest.param(
            {"include": ["session_start"], "exclude": ["session_start"]},
            "filtered.event_type",
            id="exclude wins",
        ),
        pytest.param(
            {
                "where": [
                    {"property": "platform", "op": "is", "values": ["Web"]},
                    {"property": "platform", "op": "is", "values": ["iOS"]},
                ]
            },
            "filtered.where",
            id="every clause",
        ),
    ],
)
def test_filter(events: Json, ledger: str) -> None:
    assert one(RECORD, {"events": events}).ledger == ledger


@pytest.mark.parametrize(
    ("rename", "name"),
    [
        pytest.param({}, "session_start", id="its own name"),
        pytest.param({"session_start": "Began"}, "Began", id="renamed"),
        pytest.param({"[Amplitude] Start Session": "Began"}, "Began", id="by the other name"),
        pytest.param({"[Amplitude] Start Session": "a", "session_start": "b"}, "b", id="both"),
    ],
)
def test_rename(rename: dict[str, str], name: str) -> None:
    (sent,) = one(RECORD, {"events": {"rename": rename}}).operations
    assert sent.operation["name"] == name


@pytest.mark.parametrize(
    ("change", "events", "users", "ledger", "actions"),
    [
        pytest.param({}, {}, {}, "delivered", ["event", "identify"], id="both"),
        pytest.param({}, {"include": []}, {}, "delivered", ["identify"], id="event filtered"),
        pytest.param({}, {"enabled": False}, {}, "delivered", ["identify"], id="events off"),
        pytest.param({}, {}, {"enabled": False}, "delivered", ["event"], id="users off"),
        pytest.param({}, {}, {"user_properties": ["x"]}, "delivered", ["event"], id="none there"),
        pytest.param(
            {}, {"include": []}, {"user_properties": ["x"]}, "filtered.event_type", [], id="nothing"
        ),
        pytest.param(
            {"user_id": ""}, {"include": []}, {}, "skipped.anonymous", [], id="identify anonymous"
        ),
        pytest.param(
            {"event_type": "x" * 101},
            {},
            {},
            "dead_lettered.event_name_too_long",
            ["identify"],
            id="event refused",
        ),
    ],
)
def test_trigger_always(
    change: Json, events: Json, users: Json, ledger: str, actions: list[str]
) -> None:
    users = {"user_properties": ["seats"], "trigger": "always"} | users
    expected = one(RECORD | change, {"events": events, "users": users})
    assert expected.ledger == ledger
    assert [sent.operation["action"] for sent in expected.operations] == actions
    for sent in expected.operations:
        if sent.operation["action"] == "identify":
            assert sent.operation["attributes"] == {"seats": 5}
            assert sent.operation["timestamp"] == 1777888867


def test_users_disabled() -> None:
    record = {"user_id": "u", "user_properties": {"a": 1}}
    assert one(record, {"users": {"enabled": False}}).ledger == "filtered.users_disabled"


# What is left of the 32 000 bytes of an item for the value of the one property.
ROOM = 32_000 - len(
    '{"type":"person","action":"event","name":"E","attributes":{"v":""},"identifiers":{"id":"u"},'
    '"timestamp":1777888867,"id":"01ARZ3NDEKTSV4RRFFQ69G5FAV"}'
)


@pytest.mark.parametrize(
    ("change", "outcome", "trimmed"),
    [
        pytest.param({"event_type": "x" * 100}, "v2", None, id="name of 100"),
        pytest.param({"event_type": "x" * 101}, "event_name_too_long", "v2", id="name of 101"),
        pytest.param({"event_type": "é" * 51}, "event_name_too_long", "v2", id="name in bytes"),
        pytest.param({"event_properties": {"v": "x" * ROOM}}, "v2", None, id="32 000 bytes"),
        pytest.param({"event_properties": {"v": "x" * (ROOM + 1)}}, "v1", None, id="32 001 bytes"),
        pytest.param({"event_properties": {"v": "x" * 99992}}, "v1", None, id="data of 100 000"),
        pytest.param(
            {"event_properties": {"v": "x" * 99993}}, "event_data_too_large", "v2", id="100 001"
        ),
    ],
)
def test_limits_of_an_event(change: Json, outcome: str, trimmed: str | None) -> None:
    record = {"event_type": "E", "user_id": "u", "time": 1777888867} | change
    settings: Json = {"events": {"event_properties": "all"}}
    expected = one(record, settings)
    if outcome in ("v1", "v2"):
        assert [sent.via for sent in expected.operations] == [outcome]
    else:
        assert expected == Expected(f"dead_lettered.{outcome}", [], [outcome])
    expected = one(record, settings | {"limits": {"on_violation": "trim"}})
    assert [sent.via for sent in expected.operations] == [trimmed or outcome]


def test_trimming_an_event() -> None:
    values = {"a": "x" * 40000, "b": "x" * 40000, "cc": "x" * 39999, "d": 1}
    record = {"event_type": "é" * 51, "user_id": "u", "time": 1777888867}
    settings = {"events": {"event_properties": "all"}, "limits": {"on_violation": "trim"}}
    (sent,) = one(record | {"event_properties": values}, settings).operations
    # One of the three has to go; all weigh 40 003 with their names, so the last of them goes.
    assert list(sent.operation["attributes"]) == ["a", "b", "d"]
    assert sent.operation["name"] == "é" * 50


# 31 attributes `"aNN":"<1000>",` of 1009 bytes each; the rest of the 32 000 is left for one more.
FULL: Json = {f"a{number:02}": "x" * 1000 for number in range(31)}
REST = (32_000 - 31 * 1009) - len(
    '{"type":"person","action":"identify","attributes":{"z":""},"identifiers":{"id":"u"},'
    '"timestamp":1777888867}'
)


@pytest.mark.parametrize(
    ("properties", "reason", "trimmed"),
    [
        pytest.param({f"a{n}": n for n in range(300)}, None, 300, id="300 attributes"),
        pytest.param({f"a{n}": n for n in range(301)}, "too_many_attributes", 300, id="301"),
        pytest.param({"n" * 150: 1}, None, 1, id="name of 150"),
        pytest.param({"n" * 151: 1, "b": 1}, "attribute_name_too_long", 1, id="name of 151"),
        pytest.param({"n" * 151: 1}, "attribute_name_too_long", 0, id="nothing left"),
        pytest.param({"a": "é" * 500}, None, 1, id="value of 1000"),
        pytest.param({"a": "é" * 500 + "x", "b": 1}, "attribute_value_too_long", 1, id="1001"),
        pytest.param({"a": '"' * 1000}, None, 1, id="text is measured raw"),
        pytest.param({"a": ["x" * 996]}, None, 1, id="list of 1000"),
        pytest.param({"a": ["x" * 997]}, "attribute_value_too_long", 0, id="list of 1001"),
        pytest.param(FULL | {"z": "x" * REST}, None, 32, id="item of 32 000"),
        pytest.param(FULL | {"z": "x" * (REST + 1)}, "item_too_large", 0, id="item of 32 001"),
    ],
)
def test_limits_of_an_identify(properties: Json, reason: str | None, trimmed: int) -> None:
    record = {"user_id": "u", "time": 1777888867, "user_properties": properties}
    settings: Json = {"users": {"user_properties": "all"}}
    expected = one(record, settings)
    assert expected.dead_letters == ([reason] if reason else [])
    expected = one(record, settings | {"limits": {"on_violation": "trim"}})
    assert sum(len(sent.operation["attributes"]) for sent in expected.operations) == trimmed
    assert expected.dead_letters == ([reason] if reason and not trimmed else [])


def test_update_only_is_no_attribute_of_the_300() -> None:
    record = {
        "user_id": "u",
        "time": 1777888867,
        "user_properties": {f"a{n}": n for n in range(300)},
    }
    settings = {"users": {"user_properties": "all", "update_only": True}}
    (sent,) = one(record, settings).operations
    assert len(sent.operation["attributes"]) == 301


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"mappings": {"anonymous": "send"}}, id="anonymous"),
        pytest.param({"users": {"trigger": "changed"}}, id="changed"),
        pytest.param({"groups": {"enabled": True}}, id="groups"),
    ],
)
def test_what_is_not_covered_says_so(settings: Json) -> None:
    with pytest.raises(ValueError):
        one(RECORD, settings)


@pytest.mark.parametrize(
    ("left", "right"), [pytest.param(1, 1.0, id="float"), pytest.param(1, True, id="boolean")]
)
def test_canonical_tells_types_apart(left: Any, right: Any) -> None:
    assert canonical([left]) != canonical([right])
