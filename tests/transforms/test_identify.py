"""Identify: the attributes of a person."""

from typing import Any

import pytest
from hypothesis import given

from tests.transforms.make import (
    event,
    few,
    json_objects,
    outcome_of,
    projected,
    record,
    update,
)
from transforms.identify import person_attributes, select_person
from transforms.properties import STATEFUL_OPERATORS, Selection
from transforms.records import Projected, Selected
from transforms.tally import Tally

NOTHING = "skipped.no_selected_property"
NEEDS_STATE = "skipped.operator_needs_state"


def of_update(
    selection: Selection, properties: dict[str, Any]
) -> tuple[list[tuple[str, Any]] | str, dict[str, int]]:
    """The attributes in their order, or the outcome; and what was counted."""
    tally = Tally()
    result = select_person(projected(update(**properties)), selection, tally)
    if not isinstance(result, Selected):
        return outcome_of(result), dict(tally.counts)
    assert result.event is None
    assert result.person is not None
    return list(result.person.items()), dict(tally.counts)


@pytest.mark.parametrize(
    ("selection", "properties", "expected"),
    [
        pytest.param("all", {"b": 1, "a": 2}, [("b", 1), ("a", 2)], id="all, the record's order"),
        pytest.param(("a", "b"), {"b": 1, "a": 2}, [("a", 2), ("b", 1)], id="the list's order"),
        pytest.param(("a", "x"), {"a": 1, "b": 2}, [("a", 1)], id="what the record has"),
        pytest.param("none", {"a": 1}, NOTHING, id="none"),
        pytest.param((), {"a": 1}, NOTHING, id="empty list"),
        pytest.param(("x",), {"a": 1}, NOTHING, id="nothing selected is there"),
        pytest.param("all", {}, NOTHING, id="no properties"),
        pytest.param("all", {"a": None}, NOTHING, id="null is left out"),
        pytest.param("all", {"a": [None, {"b": None}]}, [("a", [None, {"b": None}])], id="inner"),
        pytest.param("all", {"a": 1, "$set": {"a": 2, "b": 3}}, [("a", 2), ("b", 3)], id="$set"),
        pytest.param("all", {"$set": {"a": None}}, NOTHING, id="null in $set"),
        pytest.param("all", {"$set": {}}, NOTHING, id="empty $set"),
        pytest.param("all", {"$unset": {"a": "-"}}, [("a", None)], id="$unset sends null"),
        pytest.param(
            "all",
            {"a": 1, "b": 1, "$set": {"b": 2}, "$unset": {"a": "-", "b": "-"}},
            [("a", None), ("b", None)],
            id="plain < $set < $unset",
        ),
        pytest.param(
            ("c", "a", "b"),
            {"b": 1, "$set": {"a": 2}, "$unset": {"c": "-", "d": "-"}},
            [("c", None), ("a", 2), ("b", 1)],
            id="$unset keeps the list's order",
        ),
        pytest.param(("b",), {"$unset": {"a": "-"}}, NOTHING, id="$unset of what is not selected"),
        pytest.param("none", {"$unset": {"a": "-"}}, NOTHING, id="$unset with none"),
        pytest.param("all", {"$unset": ["a"]}, NOTHING, id="$unset that is no object"),
        pytest.param("all", {"$custom": 1}, [("$custom", 1)], id="any other $ name is plain"),
        pytest.param(("$set",), {"$set": {"a": 1}}, NOTHING, id="an operator is no property"),
    ],
)
def test_attributes(selection: Selection, properties: dict[str, Any], expected: Any) -> None:
    assert of_update(selection, properties) == (expected, {})


@pytest.mark.parametrize("name", ["id", "email", "cio_id", "_update", "_", "__x"])
def test_reserved_names_go_only_when_listed(name: str) -> None:
    dropped = {"dropped.reserved_property": 1}
    assert of_update("all", {name: 1, "a": 2}) == ([("a", 2)], dropped)
    assert of_update("all", {name: 1}) == (NOTHING, dropped)
    assert of_update("all", {"a": 2, "$unset": {name: "-"}}) == ([("a", 2)], dropped)
    assert of_update((name,), {name: 1}) == ([(name, 1)], {})
    assert of_update("all", {name: None, "a": 2}) == ([("a", 2)], {})


@pytest.mark.parametrize("name", ["ID", "e-mail", "user_id", "a_b", "$id"])
def test_names_that_only_look_reserved_go(name: str) -> None:
    assert of_update("all", {name: 1}) == ([(name, 1)], {})


@pytest.mark.parametrize("operator", sorted(STATEFUL_OPERATORS))
def test_operators_that_need_the_stored_value(operator: str) -> None:
    assert of_update("all", {operator: {"a": 1}}) == (NEEDS_STATE, {})
    assert of_update("none", {operator: {"a": 1}}) == (NEEDS_STATE, {})
    assert of_update("all", {operator: {"a": 1}, "b": 2}) == ([("b", 2)], {"unapplied.operator": 1})
    assert of_update(("a",), {operator: {"a": 1}, "b": 2}) == (NOTHING, {})
    assert of_update("all", {operator: {"a": 1}, "$set": {}}) == (NOTHING, {})


def test_each_operator_of_a_record_is_counted() -> None:
    operators = {name: {"a": 1} for name in STATEFUL_OPERATORS}
    assert of_update("all", operators) == (NEEDS_STATE, {})
    mixed = {**operators, "$unset": {"b": "-"}}
    assert of_update("all", mixed) == ([("b", None)], {"unapplied.operator": 8})


@pytest.mark.parametrize("fields", [{}, {"user_properties": None}, {"user_properties": []}])
def test_an_update_without_properties(fields: dict[str, Any]) -> None:
    of = projected(record({"event_type": "$identify", "user_id": "u"}, **fields))
    assert outcome_of(select_person(of, "all", Tally())) == NOTHING


def of_event(
    properties: dict[str, Any], *, event_data: Any, filtered: str | None
) -> tuple[Any, Any, str | None] | str:
    of = projected(event(user_properties=properties), event=event_data, filtered=filtered)
    result = select_person(of, "all", Tally())
    if isinstance(result, Selected):
        return result.event, result.person, result.filtered
    return outcome_of(result)


@pytest.mark.parametrize(
    ("properties", "event_data", "filtered", "expected"),
    [
        pytest.param({"a": 1}, {"x": 1}, None, ({"x": 1}, {"a": 1}, None), id="event and person"),
        pytest.param({"a": 1}, {}, None, ({}, {"a": 1}, None), id="event without data"),
        pytest.param({}, {"x": 1}, None, ({"x": 1}, None, None), id="no person left"),
        pytest.param(
            {"a": 1}, None, "filtered.where", (None, {"a": 1}, "filtered.where"), id="filtered"
        ),
        pytest.param({}, None, "filtered.where", "filtered.where", id="filtered, no person left"),
        pytest.param({"$add": {"a": 1}}, {}, None, ({}, None, None), id="operators of an event"),
    ],
)
def test_an_event_that_identifies_too(
    properties: dict[str, Any], event_data: Any, filtered: str | None, expected: Any
) -> None:
    assert of_event(properties, event_data=event_data, filtered=filtered) == expected


def test_an_event_that_does_not_identify_passes_untouched() -> None:
    of = event(user_properties={"a": 1})
    result = select_person(Projected(of, False, {"x": 1}, False, None), "all", Tally())
    assert result == Selected(of, {"x": 1}, None, None)


@few
@given(json_objects(["a", "_b", "id", "$set", "$unset", "$add"]))
def test_with_all_nothing_reserved_goes_and_null_only_removes(properties: dict[str, Any]) -> None:
    before = repr(properties)
    chosen = person_attributes(update(**properties), "all", Tally())
    assert not {"id", "email", "cio_id", "$set", "$unset", "$add"} & chosen.keys()
    assert not any(name.startswith("_") for name in chosen)
    removed = properties.get("$unset")
    for name, value in chosen.items():
        assert value is not None or (isinstance(removed, dict) and name in removed)
    assert repr(properties) == before
