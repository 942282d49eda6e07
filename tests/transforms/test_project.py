"""Project: the data of an event."""

from typing import Any

import pytest
from hypothesis import given

from tests.transforms.make import event, few, json_objects
from transforms.project import EventSelection, project_event
from transforms.properties import Selection
from transforms.reserved import RESERVED_EVENT_DATA
from transforms.tally import Tally

ALL = EventSelection("all", "all", "all")


def data_of(selection: EventSelection, **fields: Any) -> tuple[dict[str, Any], dict[str, int]]:
    tally = Tally()
    return project_event(event(**fields), selection, tally), dict(tally.counts)


FIELDS: dict[str, Any] = {
    "event_properties": {"plan": "pro", "n": 1, "none": None},
    "user_properties": {"country": "FR", "n": 2, "$set": {"age": 36}, "$add": {"visits": 1}},
    "group_properties": {"company": {"acme": {"seats": 5, "none": None}}},
}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param(EventSelection(), {}, id="nothing selected"),
        pytest.param(EventSelection("all"), {"plan": "pro", "n": 1}, id="event properties"),
        pytest.param(
            EventSelection("none", "all"),
            {"country": "FR", "n": 2, "age": 36},
            id="user properties, operators flattened",
        ),
        pytest.param(
            EventSelection("none", "none", "all"),
            {"groups": {"company": {"acme": {"seats": 5}}}},
            id="group properties",
        ),
        pytest.param(
            EventSelection(("plan", "missing", "none"), ("age", "visits", "$set"), ("seats",)),
            {"age": 36, "plan": "pro", "groups": {"company": {"acme": {"seats": 5}}}},
            id="lists",
        ),
        pytest.param(EventSelection((), (), ()), {}, id="empty lists"),
        pytest.param(EventSelection("none", "none", ("other",)), {}, id="no such group property"),
    ],
)
def test_selected_properties(selection: EventSelection, expected: dict[str, Any]) -> None:
    assert data_of(selection, **FIELDS) == (expected, {})


def test_an_event_property_wins_a_clash() -> None:
    data, counts = data_of(ALL, **FIELDS)
    assert list(data.items()) == [
        ("country", "FR"),
        ("n", 1),
        ("age", 36),
        ("plan", "pro"),
        ("groups", {"company": {"acme": {"seats": 5}}}),
    ]
    assert counts == {"clash.property": 1}


def test_a_null_event_property_is_no_clash() -> None:
    properties = {"event_properties": {"n": None}, "user_properties": {"n": 2}}
    assert data_of(ALL, **properties) == ({"n": 2}, {})


@pytest.mark.parametrize("space", ["event_properties", "user_properties"])
def test_a_property_named_groups_wins_over_the_groups(space: str) -> None:
    groups = {"company": {"acme": {"seats": 5}}}
    fields = {space: {"groups": ["mine"]}, "group_properties": groups}
    assert data_of(ALL, **fields) == ({"groups": ["mine"]}, {"clash.property": 1})


def test_both_clash_over_the_name_groups() -> None:
    fields = {
        "event_properties": {"groups": 1},
        "user_properties": {"groups": 2},
        "group_properties": {"company": {"acme": {"seats": 5}}},
    }
    assert data_of(ALL, **fields) == ({"groups": 1}, {"clash.property": 2})


@pytest.mark.parametrize(
    ("groups", "selection", "expected"),
    [
        pytest.param({"a": {"b": {"p": 1, "q": 2}}}, ("p",), {"a": {"b": {"p": 1}}}, id="chosen"),
        pytest.param({"a": {"b": {"q": 2}, "c": {"p": 1}}}, ("p",), {"a": {"c": {"p": 1}}}),
        pytest.param({"a": {"b": {"q": 2}}, "d": {}}, ("p",), None, id="nothing is left"),
        pytest.param({"a": {"b": {"p": None}}}, "all", None, id="null"),
        pytest.param({"a": {"b": {"p": {"q": None}}}}, "all", {"a": {"b": {"p": {"q": None}}}}),
        pytest.param({"a": "x", "b": {"c": 1}}, "all", None, id="no objects"),
        pytest.param([1], "all", None, id="list"),
        pytest.param(None, "all", None, id="null groups"),
        pytest.param({"a": {"b": {"recipient": 1}}}, "all", {"a": {"b": {"recipient": 1}}}),
    ],
)
def test_group_properties(groups: Any, selection: Selection, expected: Any) -> None:
    data, _ = data_of(EventSelection("none", "none", selection), group_properties=groups)
    assert data == ({} if expected is None else {"groups": expected})


@pytest.mark.parametrize("space", ["event_properties", "user_properties"])
@pytest.mark.parametrize("name", RESERVED_EVENT_DATA)
def test_names_that_redirect_mail_go_only_when_listed(space: str, name: str) -> None:
    fields = {space: {name: "a@b.example", "other": 1}}
    assert data_of(ALL, **fields) == ({"other": 1}, {"dropped.reserved_property": 1})
    listed = EventSelection((name,), (name,))
    assert data_of(listed, **fields) == ({name: "a@b.example"}, {})
    null = {space: {name: None}}
    assert data_of(ALL, **null) == ({}, {})


def test_the_names_that_redirect_mail() -> None:
    assert set(RESERVED_EVENT_DATA) == {"recipient", "from_address", "reply_to"}


def test_dropped_on_both_sides_is_counted_twice_and_is_no_clash() -> None:
    fields = {"event_properties": {"recipient": "a"}, "user_properties": {"recipient": "b"}}
    assert data_of(ALL, **fields) == ({}, {"dropped.reserved_property": 2})


def test_values_keep_their_type_and_their_inner_nulls() -> None:
    properties = {"a": [1, 1.0, None, {"x": None}], "b": False, "c": 2**70, "d": "", "e": {}}
    data, _ = data_of(ALL, event_properties=properties)
    assert repr(data) == repr(properties)


@few
@given(json_objects(["a", "recipient"]), json_objects(["a", "$set"]), json_objects())
def test_any_properties_are_projected_and_the_record_stays(
    own: dict[str, Any], person: dict[str, Any], groups: dict[str, Any]
) -> None:
    fields = {"event_properties": own, "user_properties": person, "group_properties": groups}
    before = repr(fields)
    data, _ = data_of(ALL, **fields)
    assert None not in data.values()
    assert repr(fields) == before
    for name, value in own.items():
        if value is not None and name not in RESERVED_EVENT_DATA:
            assert data[name] is value
