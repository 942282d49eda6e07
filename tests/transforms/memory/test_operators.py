"""Amplitude's operators on one property, several of them in one call, and reading a record's."""

import json
from typing import Any

import pytest

from tests.transforms.make import update
from tests.transforms.memory.reference import text_of
from transforms.identify import person_attributes
from transforms.limits import MAX_ATTRIBUTE_NAME_BYTES, MAX_ATTRIBUTE_VALUE_BYTES, value_bytes
from transforms.memory.operators import ORDER, apply, apply_to, operations_of
from transforms.memory.values import MAX_VALUE_BYTES
from transforms.properties import OPERATORS, Selection
from transforms.tally import Tally

ABSENT: Any = object()
"""There is no such property."""
BIG = "x" * (MAX_VALUE_BYTES - 4)
"""As the only item of a list, it is as large as a list may be."""
LONG = "\t" + "é" * 4_998
"""A text of as many bytes as it may have as JSON."""


def after(operator: str, stored: Any, argument: Any) -> tuple[str, int]:
    """The property `p` after an operator, as JSON text, and how often it was refused."""
    properties = {"q": "stays"} | ({} if stored is ABSENT else {"p": stored})
    refused = apply_to(properties, {operator: {"p": argument}})
    assert properties.pop("q") == "stays"
    value = properties.pop("p", ABSENT)
    assert not properties
    return ("absent" if value is ABSENT else text_of(value)), refused


@pytest.mark.parametrize(
    ("operator", "stored", "argument", "expected"),
    [
        pytest.param("$set", ABSENT, 1, "1", id="set"),
        pytest.param("$set", 1, "x", '"x"', id="set over another type"),
        pytest.param("$set", 1, 1.0, "1.0", id="set over an equal number of another type"),
        pytest.param("$set", None, [], "[]", id="set what was removed"),
        pytest.param("$setOnce", ABSENT, 1, "1", id="set once"),
        pytest.param("$setOnce", 0, 1, "0", id="set once over 0"),
        pytest.param("$setOnce", "", 1, '""', id="set once over an empty text"),
        pytest.param("$setOnce", False, 1, "false", id="set once over false"),
        pytest.param("$setOnce", [], 1, "[]", id="set once over an empty list"),
        pytest.param("$setOnce", None, 1, "1", id="set once what was removed"),
        pytest.param("$add", ABSENT, 2, "2", id="add to nothing"),
        pytest.param("$add", None, 2, "2", id="add to what was removed"),
        pytest.param("$add", 3, 2, "5", id="add"),
        pytest.param("$add", 3, -5, "-2", id="subtract"),
        pytest.param("$add", 3, 2.0, "5.0", id="a fraction makes it one"),
        pytest.param("$add", 2.5, 2, "4.5", id="to a fraction"),
        pytest.param("$add", 2**63, 2**64, str(2**63 + 2**64), id="beyond 64 bits"),
        pytest.param("$append", ABSENT, "a", '["a"]', id="append to nothing"),
        pytest.param("$append", None, "a", '["a"]', id="append to what was removed"),
        pytest.param("$append", ["a"], "b", '["a","b"]', id="append"),
        pytest.param("$append", ["a"], "a", '["a","a"]', id="append what is there"),
        pytest.param("$append", ["a"], ["b", "c"], '["a","b","c"]', id="append a list"),
        pytest.param("$append", "a", "b", '["a","b"]', id="append to a single value"),
        pytest.param("$append", [], {"k": 1}, '[{"k":1}]', id="append an object"),
        pytest.param("$append", ABSENT, [], "[]", id="append an empty list to nothing"),
        pytest.param("$prepend", ABSENT, "a", '["a"]', id="prepend to nothing"),
        pytest.param("$prepend", ["a"], "b", '["b","a"]', id="prepend"),
        pytest.param("$prepend", ["a"], ["b", "c"], '["b","c","a"]', id="prepend a list, in order"),
        pytest.param("$prepend", "a", "b", '["b","a"]', id="prepend to a single value"),
        pytest.param("$preInsert", ABSENT, "a", '["a"]', id="pre-insert into nothing"),
        pytest.param("$preInsert", ["a"], "b", '["b","a"]', id="pre-insert"),
        pytest.param("$preInsert", ["a", "b"], "b", '["a","b"]', id="pre-insert what is there"),
        pytest.param(
            "$preInsert", ["a"], ["b", "a", "c", "b"], '["b","c","a"]', id="pre-insert a list"
        ),
        pytest.param("$preInsert", [1], [True, 1.0, 1], "[true,1.0,1]", id="pre-insert by type"),
        pytest.param("$preInsert", "a", "b", '["b","a"]', id="pre-insert into a single value"),
        pytest.param("$preInsert", "a", "a", '"a"', id="pre-insert the single value"),
        pytest.param("$preInsert", ABSENT, [], "absent", id="pre-insert no value"),
        pytest.param("$postInsert", ABSENT, "a", '["a"]', id="post-insert into nothing"),
        pytest.param("$postInsert", ["a"], "b", '["a","b"]', id="post-insert"),
        pytest.param("$postInsert", ["a"], "a", '["a"]', id="post-insert what is there"),
        pytest.param(
            "$postInsert", ["a"], ["b", "a", "c", "b"], '["a","b","c"]', id="post-insert a list"
        ),
        pytest.param("$postInsert", [1], [True, 1.0, 1], "[1,true,1.0]", id="post-insert by type"),
        pytest.param(
            "$postInsert", [{"a": 1, "b": 2}], {"b": 2, "a": 1}, '[{"a":1,"b":2}]', id="objects"
        ),
        pytest.param("$remove", ["a", "b", "a"], "a", '["b"]', id="remove each"),
        pytest.param("$remove", ["a", "b", "c"], ["a", "c"], '["b"]', id="remove a list"),
        pytest.param("$remove", ["a"], "a", "[]", id="remove the last"),
        pytest.param("$remove", ["a"], "b", '["a"]', id="remove what is not there"),
        pytest.param("$remove", [1, 1.0, True, "1"], 1, '[1.0,true,"1"]', id="remove by type"),
        pytest.param("$remove", "a", "a", '"a"', id="remove from a single value"),
        pytest.param("$remove", ABSENT, "a", "absent", id="remove from nothing"),
        pytest.param("$unset", 1, "-", "null", id="unset"),
        pytest.param("$unset", ABSENT, "-", "null", id="unset nothing"),
        pytest.param("$set", ABSENT, LONG, text_of(LONG), id="the longest text"),
        pytest.param("$set", ABSENT, LONG + "xyz", text_of(LONG + "x"), id="a longer one is cut"),
        pytest.param("$append", ABSENT, BIG, text_of([BIG]), id="the largest list"),
    ],
)
def test_an_operator(operator: str, stored: Any, argument: Any, expected: str) -> None:
    assert after(operator, stored, argument) == (expected, 0)


@pytest.mark.parametrize(
    ("operator", "stored", "argument"),
    [
        pytest.param("$add", "3", 1, id="add to a text"),
        pytest.param("$add", True, 1, id="add to true"),
        pytest.param("$add", [1], 1, id="add to a list"),
        pytest.param("$add", 1e308, 1e308, id="beyond all floats"),
        pytest.param("$add", 10**400, 1, id="an integer beyond all floats"),
        pytest.param("$add", 10**400, 0.5, id="an integer that no fraction can be added to"),
        pytest.param("$append", [BIG], 1, id="a list too large"),
        pytest.param("$prepend", [BIG], 1, id="a list too large in front"),
        pytest.param("$preInsert", [BIG], 1, id="a set too large in front"),
        pytest.param("$postInsert", [BIG], 1, id="a set too large"),
    ],
)
def test_what_an_operator_cannot_work_on_stays_as_it_is(
    operator: str, stored: Any, argument: Any
) -> None:
    assert after(operator, stored, argument) == (text_of(stored), 1)


@pytest.mark.parametrize("operator", ["$set", "$setOnce"])
@pytest.mark.parametrize(
    "value", [[BIG, 1], {"k": BIG, "l": 1}, "x" * 20_000], ids=["list", "object", "text"]
)
def test_a_value_too_large_leaves_a_text_that_customerio_cannot_take(
    operator: str, value: Any
) -> None:
    text, refused = after(operator, ABSENT, value)
    assert refused == 0
    assert MAX_VALUE_BYTES < len(text) <= MAX_VALUE_BYTES + 6
    assert value_bytes(json.loads(text)) > MAX_ATTRIBUTE_VALUE_BYTES


def test_apply_leaves_its_arguments_alone() -> None:
    properties: dict[str, Any] = {"l": [1], "n": 1, "o": {"k": [1]}}
    operations = {"$append": {"l": [2]}, "$add": {"n": 1}, "$postInsert": {"o": 3}}
    before = repr((properties, operations))
    assert apply(properties, operations) == {"l": [1, 2], "n": 2, "o": [{"k": [1]}, 3]}
    assert repr((properties, operations)) == before


def test_clear_all() -> None:
    assert apply({"a": 1, "b": [2]}, {"$clearAll": {}}) == {"a": None, "b": None}
    assert apply({"a": 1}, {"$clearAll": {"b": "-"}}) == {"a": None, "b": None}


def test_the_order_of_operators_in_one_call() -> None:
    everything: dict[str, Any] = {
        "$unset": {"gone": "-"},
        "$remove": {"l": "removed"},
        "$postInsert": {"l": ["last", "removed", "first"]},
        "$preInsert": {"l": ["first", "removed"]},
        "$prepend": {"l": "prepended"},
        "$append": {"l": ["appended"], "gone": 1},
        "$add": {"n": 1, "m": 1},
        "$setOnce": {"n": 100, "m": 5, "l": ["once"]},
        "$set": {"n": 10, "gone": 1},
        "$clearAll": {},
    }
    assert set(everything) == set(ORDER) == OPERATORS
    assert apply({"n": 3, "old": 1, "l": ["old"]}, everything) == {
        "n": 11,
        "m": 6,
        "l": ["first", "prepended", "once", "appended", "last"],
        "gone": None,
        "old": None,
    }


def read(selection: Selection, properties: Any) -> tuple[Any, dict[str, int]]:
    """The operations of a record, and what was counted."""
    tally = Tally()
    operations = operations_of({"user_properties": properties}, selection, tally)
    return [(name, list(of.items())) for name, of in operations.items()], dict(tally.counts)


@pytest.mark.parametrize(
    ("selection", "properties", "expected"),
    [
        pytest.param("all", {"b": 1, "a": 2}, [("$set", [("b", 1), ("a", 2)])], id="plain"),
        pytest.param(("a", "b"), {"b": 1, "a": 2}, [("$set", [("a", 2), ("b", 1)])], id="listed"),
        pytest.param("none", {"a": 1, "$clearAll": "-", "$add": {"a": 1}}, [], id="none"),
        pytest.param((), {"a": 1, "$clearAll": "-", "$add": {"a": 1}}, [], id="empty list"),
        pytest.param("all", {"a": None}, [], id="null"),
        pytest.param("all", {"a": [None]}, [("$set", [("a", [None])])], id="null inside"),
        pytest.param("all", {"$set": {"a": 1, "b": None}}, [("$set", [("a", 1)])], id="$set"),
        pytest.param(
            "all",
            {"a": 1, "b": 1, "$set": {"a": None, "b": 2}},
            [("$set", [("a", 1), ("b", 2)])],
            id="plain < $set",
        ),
        pytest.param("all", {"$unset": {"a": None}}, [("$unset", [("a", "-")])], id="$unset"),
        pytest.param("all", {"$add": {"a": 1, "b": None}}, [("$add", [("a", 1)])], id="$add"),
        pytest.param(("b",), {"$add": {"a": 1}}, [], id="not selected"),
        pytest.param("all", {"$clearAll": "-"}, [("$clearAll", [])], id="clear all"),
        pytest.param(
            ("b", "a"),
            {"$clearAll": "-"},
            [("$clearAll", [("b", "-"), ("a", "-")])],
            id="clear those listed",
        ),
        pytest.param(
            "all",
            {"$unset": {"u": "-"}, "$add": {"n": 1}, "x": 1, "$clearAll": "-"},
            [
                ("$clearAll", []),
                ("$set", [("x", 1)]),
                ("$add", [("n", 1)]),
                ("$unset", [("u", "-")]),
            ],
            id="in the order in which they are applied",
        ),
        pytest.param("all", {"$other": 1}, [("$set", [("$other", 1)])], id="any other $ name"),
        pytest.param("all", None, [], id="no properties"),
        pytest.param("all", [1], [], id="properties that are no object"),
    ],
)
def test_the_operations_of_a_record(selection: Selection, properties: Any, expected: Any) -> None:
    assert read(selection, properties) == (expected, {})


@pytest.mark.parametrize("operator", sorted(OPERATORS - {"$clearAll"}))
def test_an_operator_without_an_object_is_counted(operator: str) -> None:
    assert read("all", {operator: ["a"], "b": 1}) == (
        [("$set", [("b", 1)])],
        {"unapplied.operator": 1},
    )


@pytest.mark.parametrize("amount", ["1", True, [1], {}])
def test_only_a_number_can_be_added(amount: Any) -> None:
    assert read(("a", "b"), {"$add": {"a": amount, "b": 1}}) == (
        [("$add", [("b", 1)])],
        {"unapplied.operator": 1},
    )


@pytest.mark.parametrize("operator", [None, "$set", "$append", "$unset"])
def test_reserved_names_stay_behind_unless_they_are_listed(operator: str | None) -> None:
    given = {"_a": 1, "id": 1, "email": 1, "cio_id": 1, "b": 1}
    properties = given if operator is None else {operator: given}
    value = "-" if operator == "$unset" else 1
    name = operator or "$set"
    assert read("all", properties) == ([(name, [("b", value)])], {"dropped.reserved_property": 4})
    assert read(("email", "_a"), properties) == (
        [(name, [("email", value), ("_a", value)])],
        {},
    )


def test_a_name_too_long_stays_too_long_and_no_longer() -> None:
    operations, _ = read("all", {"é" * 10_000: 1, "$unset": {"x" * 10_000: "-"}})
    for _, [(name, _)] in operations:
        assert len(name) == MAX_ATTRIBUTE_NAME_BYTES + 1


@pytest.mark.parametrize("selection", ["all", ("b", "a")])
@pytest.mark.parametrize(
    "properties",
    [
        {"a": 1, "b": None, "_c": 1},
        {"a": 1, "$set": {"a": 2, "b": [1]}, "$unset": {"c": "-"}},
        {"b": 1, "$unset": {"b": "-"}},
    ],
)
def test_without_a_memory_the_same_attributes_would_be_sent(
    selection: Selection, properties: dict[str, Any]
) -> None:
    record = update(**properties)
    operations = operations_of(record.fields, selection, Tally())
    assert apply({}, operations) == person_attributes(record, selection, Tally())
