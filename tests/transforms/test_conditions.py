"""The operators of `events.where`: every one on every kind of value."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import json_values, many, scalars
from transforms.conditions import OPERATORS, Clause, Scalar, compile_clause

NEGATIVES = {
    "is_not": "is",
    "does_not_contain": "contains",
    "does_not_start_with": "starts_with",
    "is_not_set": "is_set",
    "not_glob": "glob",
    "set_does_not_contain": "set_contains",
}
POSITIVES = sorted(OPERATORS.keys() - NEGATIVES.keys())
BIG = 2**70


def holds(op: str, value: Any, *values: Scalar) -> bool:
    fields = {"event_properties": {"p": value}}
    return compile_clause(Clause("event_properties.p", op, values))(fields)


def test_there_are_these_operators() -> None:
    assert set(POSITIVES) == {
        *("is", "contains", "starts_with", "less", "less_or_equal", "greater"),
        *("greater_or_equal", "is_set", "glob", "set_contains"),
    }
    with pytest.raises(KeyError):
        compile_clause(Clause("event_type", "equals", ("A",)))


@pytest.mark.parametrize("op", sorted(OPERATORS))
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="no properties"),
        pytest.param({"event_properties": {}}, id="missing"),
        pytest.param({"event_properties": {"p": None}}, id="null"),
        pytest.param({"event_properties": None}, id="null properties"),
        pytest.param({"event_properties": [{"p": "null"}]}, id="properties that are a list"),
        pytest.param({"event_properties": "p"}, id="properties that are a text"),
    ],
)
def test_a_missing_property_fails_what_is_positive(op: str, fields: dict[str, Any]) -> None:
    alternatives: list[tuple[Scalar, ...]] = [(), ("null",), ("",), (0,), ("*",)]
    for values in alternatives:
        test = compile_clause(Clause("event_properties.p", op, values))
        assert test(fields) is (op in NEGATIVES)


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        pytest.param("pro", "pro", True, id="text"),
        pytest.param("pro", "Pro", False, id="case matters"),
        pytest.param("pro ", "pro", False, id="blanks matter"),
        pytest.param("", "", True, id="empty text is set"),
        pytest.param(5, 5, True, id="integer"),
        pytest.param(5, 5.0, True, id="5 is 5.0"),
        pytest.param(5.0, 5, True, id="5.0 is 5"),
        pytest.param(5, "5", True, id="number against text"),
        pytest.param(5.0, "5", True, id="a float of a whole number reads 5"),
        pytest.param("5", 5, True, id="text against number"),
        pytest.param("5.0", 5, False, id="text is text"),
        pytest.param("05", 5, False, id="text with a zero"),
        pytest.param(1.5, "1.5", True, id="fraction"),
        pytest.param(1e22, "1" + "0" * 22, True, id="no exponent"),
        pytest.param(1e-7, "0.0000001", True, id="no negative exponent"),
        pytest.param(-0.0, "0", True, id="minus nothing"),
        pytest.param(BIG, BIG, True, id="beyond 64 bits"),
        pytest.param(BIG + 1, BIG, False, id="beyond 64 bits, one more"),
        pytest.param(BIG, str(BIG), True, id="beyond 64 bits, as text"),
        pytest.param(2**53 + 1, float(2**53), False, id="not rounded to a float"),
        pytest.param(True, "true", True, id="true"),
        pytest.param(False, "false", True, id="false"),
        pytest.param(True, "True", False, id="not as Python spells it"),
        pytest.param(True, True, True, id="boolean"),
        pytest.param(True, 1, False, id="true is not 1"),
        pytest.param(1, True, False, id="1 is not true"),
        pytest.param(0, False, False, id="0 is not false"),
        pytest.param([1, "é"], '[1,"é"]', True, id="list as compact JSON"),
        pytest.param({"a": {"b": None}}, '{"a":{"b":null}}', True, id="object as compact JSON"),
        pytest.param(["pro"], "pro", False, id="a list is not its element"),
        pytest.param([], "", False, id="an empty list is no empty text"),
    ],
)
def test_is(value: Any, wanted: Scalar, expected: bool) -> None:
    assert holds("is", value, wanted) is expected
    assert holds("is", value, "other", wanted) is expected
    assert holds("is_not", value, wanted) is not expected


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        pytest.param("Enterprise", "PRISE", True, id="case does not matter"),
        pytest.param("ÄÖÜ", "äö", True, id="nor beyond ASCII"),
        pytest.param("pro", "prof", False, id="longer"),
        pytest.param("", "", True, id="empty in empty"),
        pytest.param("pro", "", True, id="empty in any"),
        pytest.param(1234, 23, True, id="numbers as text"),
        pytest.param(12.0, ".0", False, id="no fraction of zeros"),
        pytest.param(True, "RU", True, id="boolean as text"),
        pytest.param(["a", "B"], '"b"', True, id="list as JSON"),
        pytest.param({"A": 1}, '"a":1', True, id="object as JSON"),
    ],
)
def test_contains(value: Any, wanted: Scalar, expected: bool) -> None:
    assert holds("contains", value, wanted) is expected
    assert holds("does_not_contain", value, wanted) is not expected


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        pytest.param("production", "prod", True, id="text"),
        pytest.param("production", "Prod", False, id="case matters"),
        pytest.param("production", "", True, id="empty"),
        pytest.param("pro", "prod", False, id="longer"),
        pytest.param(1234, 12, True, id="number"),
        pytest.param(False, "fa", True, id="boolean"),
        pytest.param(["a"], "[", True, id="list"),
    ],
)
def test_starts_with(value: Any, wanted: Scalar, expected: bool) -> None:
    assert holds("starts_with", value, wanted) is expected
    assert holds("starts_with", value, "other", wanted) is expected
    assert holds("does_not_start_with", value, wanted) is not expected


@pytest.mark.parametrize(
    ("value", "wanted", "order"),
    [
        pytest.param(1, 2, -1, id="numbers"),
        pytest.param(2.5, 2, 1, id="float and integer"),
        pytest.param(2, 2.0, 0, id="equal"),
        pytest.param("10", 9, 1, id="numeric text and number"),
        pytest.param(10, "9", 1, id="number and numeric text"),
        pytest.param("10", "9", 1, id="numeric texts"),
        pytest.param("-1.5e2", -100, -1, id="exponent"),
        pytest.param("+7", 7, 0, id="plus"),
        pytest.param("007", 7, 0, id="leading zeros"),
        pytest.param(BIG + 1, BIG, 1, id="beyond 64 bits"),
        pytest.param(2**53 + 1, 2**53, 1, id="beyond what a float tells apart"),
        pytest.param(0.1, "0.1", 0, id="0.1 is a tenth"),
        pytest.param("a", "b", -1, id="texts"),
        pytest.param("B", "a", -1, id="case matters"),
        pytest.param("10", "9a", -1, id="one is no number: as texts"),
        pytest.param("a", 5, 1, id="text and number, as texts"),
        pytest.param(True, 1, 1, id="a boolean is text: true > 1"),
        pytest.param(True, "true", 0, id="boolean and its text"),
        pytest.param([2], [1][0], 1, id="list as text"),
        pytest.param("1_0", "9", -1, id="an underscore is no digit"),
        pytest.param(" 10", "9", -1, id="a blank is no digit"),
        pytest.param("١٠", "9", 1, id="digits of another script are text"),
        pytest.param("Infinity", "9", 1, id="Infinity is text"),
        pytest.param("NaN", "9", 1, id="NaN is text"),
        pytest.param("0x10", "9", -1, id="hexadecimal is text"),
        pytest.param("", 0, -1, id="empty is text"),
        pytest.param("1e999999999", 5, 1, id="a vast exponent"),
        pytest.param("1e99999999999", "2", -1, id="too vast an exponent is text"),
        pytest.param("2026-05-04", "2026-05-10", -1, id="dates as text"),
    ],
)
def test_order(value: Any, wanted: Scalar, order: int) -> None:
    assert holds("less", value, wanted) is (order < 0)
    assert holds("less_or_equal", value, wanted) is (order <= 0)
    assert holds("greater", value, wanted) is (order > 0)
    assert holds("greater_or_equal", value, wanted) is (order >= 0)


@pytest.mark.parametrize(
    ("value", "pattern", "expected"),
    [
        pytest.param("checkout-eu-1", "checkout-*", True, id="star"),
        pytest.param("checkout", "checkout*", True, id="star for nothing"),
        pytest.param("a1", "a?", True, id="question mark"),
        pytest.param("a", "a?", False, id="question mark for nothing"),
        pytest.param("b", "[abc]", True, id="class"),
        pytest.param("d", "[!abc]", True, id="class, negated"),
        pytest.param("[", "[", True, id="a bracket alone"),
        pytest.param("A", "a", False, id="case matters"),
        pytest.param("xa", "a", False, id="the whole text"),
        pytest.param("a\nb", "a*b", True, id="line feed"),
        pytest.param("a\n", "a", False, id="line feed behind"),
        pytest.param("a.b", "a.b", True, id="a dot"),
        pytest.param("axb", "a.b", False, id="a dot is a dot"),
        pytest.param("a\\b", "a\\b", True, id="backslash"),
        pytest.param(404, "4*", True, id="number"),
        pytest.param(404.0, "404", True, id="float"),
        pytest.param(True, "t*", True, id="boolean"),
        pytest.param(["a"], '["a"]', False, id="list, brackets are a class"),
        pytest.param("a" * 5000, "*a" * 50 + "b", False, id="many stars"),
    ],
)
def test_glob(value: Any, pattern: str, expected: bool) -> None:
    assert holds("glob", value, pattern) is expected
    assert holds("glob", value, "\0", pattern) is expected
    assert holds("not_glob", value, pattern) is not expected


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        pytest.param(["a", "b"], "b", True, id="an element"),
        pytest.param(["ab"], "b", False, id="not a part of one"),
        pytest.param(["A"], "a", False, id="case matters"),
        pytest.param([1, 2], "2", True, id="numbers and text"),
        pytest.param([1.0], 1, True, id="numbers"),
        pytest.param([True], 1, False, id="true is not 1"),
        pytest.param([True], "true", True, id="boolean"),
        pytest.param([["a"]], '["a"]', True, id="a list in it"),
        pytest.param([["a"]], "a", False, id="one level only"),
        pytest.param([None], "x", False, id="null in it"),
        pytest.param([], "a", False, id="empty"),
        pytest.param("a", "a", False, id="no list"),
        pytest.param({"a": 1}, "a", False, id="object"),
    ],
)
def test_set_contains(value: Any, wanted: Scalar, expected: bool) -> None:
    assert holds("set_contains", value, wanted) is expected
    assert holds("set_contains", value, "other", wanted) is expected
    assert holds("set_does_not_contain", value, wanted) is not expected


@pytest.mark.parametrize("value", ["", 0, False, [], {}, "x", -0.0])
def test_whatever_is_not_null_is_set(value: Any) -> None:
    assert holds("is_set", value)
    assert not holds("is_not_set", value)


@pytest.mark.parametrize("op", [op for op in POSITIVES if op != "is_set"])
def test_without_values_nothing_positive_holds(op: str) -> None:
    assert not holds(op, ["x"])
    assert not holds(op, "")


@many
@given(st.sampled_from(sorted(NEGATIVES)), json_values(), st.lists(scalars(), max_size=3))
def test_a_negative_operator_is_the_opposite(op: str, value: Any, values: list[Scalar]) -> None:
    assert holds(op, value, *values) is not holds(NEGATIVES[op], value, *values)


@many
@given(st.sampled_from(POSITIVES), json_values(), st.lists(scalars(), min_size=1, max_size=3))
def test_values_are_alternatives(op: str, value: Any, values: list[Scalar]) -> None:
    assert holds(op, value, *values) is any(holds(op, value, one) for one in values)


@many
@given(scalars(), scalars())
def test_order_is_an_order(left: Scalar, right: Scalar) -> None:
    assert holds("less", left, right) is not holds("greater_or_equal", left, right)
    assert holds("greater", left, right) is holds("less", right, left)
    assert holds("greater", left, right) is not holds("less_or_equal", left, right)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("event_type", True, id="top level"),
        pytest.param("event_properties.a", True, id="event property"),
        pytest.param("user_properties.a", True, id="user property"),
        pytest.param("user_properties.b", True, id="from $set"),
        pytest.param("user_properties.$set", False, id="an operator is no property"),
        pytest.param("event_properties.x.y", True, id="a dot in the name"),
        pytest.param("event_properties.n.m", False, id="no way into a value"),
        pytest.param("group_properties.a", False, id="no such space"),
        pytest.param("a", False, id="not looked for elsewhere"),
    ],
)
def test_where_a_property_is_looked_for(path: str, expected: bool) -> None:
    fields = {
        "event_type": "A",
        "event_properties": {"a": 1, "x.y": 2, "n": {"m": 1}},
        "user_properties": {"a": 3, "$set": {"b": 4}, "$add": {"c": 1}},
        "group_properties": {"a": 5},
    }
    assert compile_clause(Clause(path, "is_set"))(fields) is expected
