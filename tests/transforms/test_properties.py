"""Reading properties: the view over operators, paths and selections."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import few, json_objects, many
from transforms.properties import (
    STATEFUL_OPERATORS,
    PropertyPath,
    as_object,
    decimal_text,
    select,
    stateful_operators,
    unset_properties,
    user_properties,
)


def test_these_operators_depend_on_the_stored_value() -> None:
    assert {
        *("$setOnce", "$add", "$append", "$prepend"),
        *("$preInsert", "$postInsert", "$remove", "$clearAll"),
    } == STATEFUL_OPERATORS


@pytest.mark.parametrize(
    ("given_properties", "expected"),
    [
        pytest.param({"a": 1}, {"a": 1}, id="plain"),
        pytest.param({"$set": {"a": 1}}, {"a": 1}, id="$set"),
        pytest.param({"a": 1, "b": 2, "$set": {"a": 3}}, {"a": 3, "b": 2}, id="$set over plain"),
        pytest.param({"a": 1, "$set": {"a": None}}, {"a": 1}, id="null in $set says nothing"),
        pytest.param({"a": 1, "$set": "x"}, {"a": 1}, id="$set that is no object"),
        pytest.param({"a": 1, "$unset": {"a": "-"}}, {"a": 1}, id="$unset is no property"),
        pytest.param({"$add": {"n": 1}, "$clearAll": "-"}, {}, id="nor is any operator"),
        pytest.param({"$custom": 1}, {"$custom": 1}, id="any other $ name is plain"),
        pytest.param(None, {}, id="null"),
        pytest.param([1], {}, id="list"),
        pytest.param("x", {}, id="text"),
    ],
)
def test_user_properties(given_properties: Any, expected: dict[str, Any]) -> None:
    assert user_properties({"user_properties": given_properties}) == expected
    assert user_properties({}) == {}


def test_reading_does_not_change_the_record() -> None:
    fields = {"user_properties": {"a": 1, "$set": {"a": 2}, "$unset": {"b": "-"}}}
    user_properties(fields)["c"] = 1
    select(user_properties(fields), "all")["d"] = 1
    assert fields == {"user_properties": {"a": 1, "$set": {"a": 2}, "$unset": {"b": "-"}}}


@pytest.mark.parametrize("value", [None, [], "x", 1])
def test_what_is_no_object_is_an_empty_one(value: Any) -> None:
    assert as_object(value) == {}
    assert list(unset_properties({"user_properties": {"$unset": value}})) == []
    assert stateful_operators({"user_properties": value}) == 0


def test_operators_are_counted_once_each() -> None:
    given_properties = {name: {"a": 1, "b": 2} for name in STATEFUL_OPERATORS}
    assert stateful_operators({"user_properties": given_properties | {"$set": {}, "a": 1}}) == 8


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("user_id", "ada", id="top level"),
        pytest.param("user_properties.plan", "pro", id="user property"),
        pytest.param("user_properties.a.b", 1, id="dots belong to the name"),
        pytest.param("event_properties.plan", "team", id="event property"),
        pytest.param("event_properties.", 7, id="a name of nothing"),
        pytest.param("user_properties", {"plan": "pro", "a.b": 1}, id="the whole object"),
        pytest.param("groups.company", "top", id="other spaces are names with a dot"),
        pytest.param("missing", None, id="missing"),
        pytest.param("event_properties.none", None, id="null"),
    ],
)
def test_property_path(path: str, expected: Any) -> None:
    fields = {
        "user_id": "ada",
        "user_properties": {"plan": "pro", "a.b": 1},
        "event_properties": {"plan": "team", "": 7, "none": None},
        "groups.company": "top",
        "groups": {"company": "inner"},
    }
    assert PropertyPath(path).read(fields) == expected


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        pytest.param("none", [], id="none"),
        pytest.param((), [], id="empty list"),
        pytest.param("all", [("b", 0), ("a", False), ("e", "")], id="all, without null"),
        pytest.param(("a", "x", "n", "b"), [("a", False), ("b", 0)], id="list, in its order"),
    ],
)
def test_select(selection: Any, expected: list[Any]) -> None:
    chosen = select({"b": 0, "n": None, "a": False, "e": ""}, selection)
    assert list(chosen.items()) == expected


@few
@given(json_objects("abc"), st.lists(st.sampled_from("abcd"), unique=True))
def test_a_selection_changes_no_value(properties: dict[str, Any], names: list[str]) -> None:
    chosen = select(properties, tuple(names))
    assert list(chosen) == [name for name in names if properties.get(name) is not None]
    assert all(chosen[name] is properties[name] for name in chosen)
    assert None not in select(properties, "all").values()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        pytest.param(12, "12", id="integer"),
        pytest.param(12.0, "12", id="whole float"),
        pytest.param(1.5, "1.5", id="fraction"),
        pytest.param(-7, "-7", id="negative"),
        pytest.param(0.0, "0", id="nothing"),
        pytest.param(-0.0, "0", id="minus nothing"),
        pytest.param(100, "100", id="zeros of an integer stay"),
        pytest.param(1e2, "100", id="zeros before the point stay"),
        pytest.param(1e22, "1" + "0" * 22, id="no exponent"),
        pytest.param(1.25e-7, "0.000000125", id="no negative exponent"),
        pytest.param(2**70, str(2**70), id="beyond 64 bits"),
        pytest.param(0.1, "0.1", id="a tenth"),
    ],
)
def test_decimal_text(number: float, text: str) -> None:
    assert decimal_text(number) == text


@many
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_decimal_text_reads_as_the_same_number(number: float) -> None:
    text = decimal_text(number)
    assert type(number)(text) == number
    assert set(text) <= set("-.0123456789")
