"""Validate: every limit at N and N + 1, and what trimming leaves."""

import json
from typing import Any

import pytest

from tests.transforms.make import (
    event_operation,
    identify_operation,
)
from transforms.records import Item, Json, Operation, RelationshipsOperation
from transforms.tally import Tally
from transforms.validate import LimitError, OnViolation, validate_item

NAME = "event_name_too_long"
DATA = "event_data_too_large"
MANY = "too_many_attributes"
LONG_NAME = "attribute_name_too_long"
LONG_VALUE = "attribute_value_too_long"
ITEM = "item_too_large"


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def checked(operation: Operation, on_violation: OnViolation) -> tuple[Any, dict[str, int]]:
    """The item, or the reason against it; and what was counted."""
    tally = Tally()
    try:
        return validate_item(operation, on_violation, tally), dict(tally.counts)
    except LimitError as error:
        return error.args[0], dict(tally.counts)


def trimmed(operation: Operation) -> tuple[Any, dict[str, int]]:
    """Name and attributes of the trimmed operation, or the reason against it."""
    item, counts = checked(operation, "trim")
    if not isinstance(item, Item):
        return item, counts
    assert not isinstance(item.operation, RelationshipsOperation)
    assert json.loads(item.body)["attributes"] == item.operation.attributes
    return item.operation, counts


@pytest.mark.parametrize(
    ("name", "reason", "cut"),
    [
        pytest.param("x" * 100, None, "x" * 100, id="100"),
        pytest.param("x" * 101, NAME, "x" * 100, id="101"),
        pytest.param("é" * 50, None, "é" * 50, id="100 bytes in 50 characters"),
        pytest.param("é" * 50 + "x", NAME, "é" * 50, id="101 bytes"),
        pytest.param("x" + "é" * 50, NAME, "x" + "é" * 49, id="cut before a character"),
        pytest.param("xx" + "😀" * 25, NAME, "xx" + "😀" * 24, id="of four bytes"),
        pytest.param('"' * 100, None, '"' * 100, id="escapes do not count"),
    ],
)
def test_event_name(name: str, reason: str | None, cut: str) -> None:
    operation = event_operation(name)
    found, counts = checked(operation, "dead_letter")
    assert counts == {}
    assert (found if reason else found.operation.name) == (reason or name)
    kept, counts = trimmed(operation)
    assert kept.name == cut
    assert counts == ({f"trimmed.{reason}": 1} if reason else {})


def filler(size: int, character: str = "x") -> Json:
    """Attributes of so many bytes: {"a":"xxx"}."""
    count, rest = divmod(size - len('{"a":""}'), len(character.encode()))
    return {"a": character * count + "x" * rest}


@pytest.mark.parametrize("character", ["x", "é", "😀"])
def test_event_data(character: str) -> None:
    fits, too_large = filler(100_000, character), filler(100_001, character)
    assert len(encoded(fits)) == 100_000
    item, counts = checked(event_operation(**fits), "dead_letter")
    assert (item.operation.attributes, counts) == (fits, {})
    assert checked(event_operation(**too_large), "dead_letter") == (DATA, {})
    kept, counts = trimmed(event_operation(b=1, **too_large))
    assert (kept.attributes, counts) == ({"b": 1}, {"trimmed.event_data_too_large": 1})


def test_an_event_may_lose_all_its_data() -> None:
    kept, counts = trimmed(event_operation(**filler(100_001)))
    assert (kept.attributes, counts) == ({}, {"trimmed.event_data_too_large": 1})


LARGE = 60_000


@pytest.mark.parametrize(
    ("attributes", "left"),
    [
        pytest.param({"a": "x" * 50_001, "b": "x" * 50_000}, ["b"], id="the largest"),
        pytest.param({"a": "x" * LARGE, "b": "x" * LARGE}, ["a"], id="of a tie the later"),
        pytest.param(
            {"a": "x" * LARGE, "b": "x" * LARGE, "c": "x" * LARGE}, ["a"], id="until it fits"
        ),
        pytest.param({"small": 1, "a": "x" * 99_990, "end": 2}, ["small", "end"], id="order stays"),
        pytest.param({"aa": "x" * LARGE, "b": "x" * LARGE}, ["b"], id="the name counts"),
        pytest.param({"aa": "x" * LARGE, "b": "x" * (LARGE + 1)}, ["aa"], id="a tie of both"),
        pytest.param({'"': "x" * LARGE, "b": "x" * LARGE}, ['"'], id="not the name's escapes"),
        pytest.param({"a": "é" * 30_000, "b": "x" * LARGE}, ["a"], id="bytes, not characters"),
        pytest.param({"a": '"' * 30_001, "b": "x" * LARGE}, ["b"], id="the value's escapes"),
        pytest.param({"a": ["x" * LARGE], "b": "x" * LARGE}, ["b"], id="nested values"),
        pytest.param({"a": 1, "b": "x" * 100_000, "c": None}, ["a", "c"], id="small ones stay"),
    ],
)
def test_the_largest_properties_of_an_event_go_first(attributes: Json, left: list[str]) -> None:
    kept, counts = trimmed(event_operation(**attributes))
    assert list(kept.attributes) == left
    assert counts == {"trimmed.event_data_too_large": 1}


def test_trimming_takes_no_more_than_it_must() -> None:
    exact = filler(100_000 - len(',"b":1'))
    kept, _ = trimmed(event_operation(**exact, b=1, c="y" * 200_000))
    assert list(kept.attributes) == ["a", "b"]
    assert len(encoded(kept.attributes)) == 100_000


@pytest.mark.parametrize(
    ("number", "reason"), [pytest.param(300, None, id="300"), pytest.param(301, MANY, id="301")]
)
@pytest.mark.parametrize("update_only", [False, True])
def test_number_of_attributes(number: int, reason: str | None, update_only: bool) -> None:
    attributes: Json = {f"a{position}": position for position in range(number)}
    extra: Json = {"_update": True} if update_only else {}
    operation = identify_operation(**attributes, **extra)
    found, _ = checked(operation, "dead_letter")
    assert (found if reason else found.operation) == (reason or operation)
    kept, counts = trimmed(operation)
    assert kept.attributes == dict(list(attributes.items())[:300]) | extra
    assert list(kept.attributes) == [*list(attributes)[:300], *extra]
    assert counts == ({f"trimmed.{reason}": 1} if reason else {})


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        pytest.param("x" * 150, 1, None, id="name of 150"),
        pytest.param("x" * 151, 1, LONG_NAME, id="name of 151"),
        pytest.param("é" * 75, 1, None, id="name of 150 bytes"),
        pytest.param("é" * 75 + "x", 1, LONG_NAME, id="name of 151 bytes"),
        pytest.param('"' * 150, 1, None, id="name without its escapes"),
        pytest.param("a", "x" * 1000, None, id="value of 1000"),
        pytest.param("a", "x" * 1001, LONG_VALUE, id="value of 1001"),
        pytest.param("a", "é" * 500, None, id="value of 1000 bytes"),
        pytest.param("a", "é" * 500 + "x", LONG_VALUE, id="value of 1001 bytes"),
        pytest.param("a", "\n" * 1000, None, id="value without its escapes"),
        pytest.param("a", ["x" * 996], None, id="list of 1000"),
        pytest.param("a", ["x" * 997], LONG_VALUE, id="list of 1001"),
        pytest.param("a", {"b": "é" * 496}, None, id="object of 1000"),
        pytest.param("a", {"b": "é" * 496 + "x"}, LONG_VALUE, id="object of 1001"),
        pytest.param("a", ["\n" * 499], LONG_VALUE, id="list with its escapes"),
        pytest.param("a", 10**999, None, id="number of 1000 digits"),
        pytest.param("a", 10**1000, LONG_VALUE, id="number of 1001 digits"),
        pytest.param("x" * 151, "x" * 1001, LONG_NAME, id="name before value"),
        pytest.param("x" * 150, None, None, id="null"),
    ],
)
def test_attributes(name: str, value: Any, reason: str | None) -> None:
    operation = identify_operation(**{"first": 1, name: value, "last": None})
    found, counts = checked(operation, "dead_letter")
    assert (found if reason else found.operation) == (reason or operation)
    assert counts == {}
    kept, counts = trimmed(operation)
    assert list(kept.attributes) == ["first", *([] if reason else [name]), "last"]
    assert counts == ({f"trimmed.{reason}": 1} if reason else {})


@pytest.mark.parametrize(
    ("attributes", "dead_letter", "trim"),
    [
        pytest.param({"x" * 151: 1}, LONG_NAME, LONG_NAME, id="name"),
        pytest.param({"a": "x" * 1001}, LONG_VALUE, LONG_VALUE, id="value"),
        pytest.param({"a": "x" * 1001, "x" * 151: 1}, LONG_NAME, LONG_VALUE, id="both"),
        pytest.param(
            {f"{number:0151}": 1 for number in range(301)}, MANY, LONG_NAME, id="301, long names"
        ),
        pytest.param(
            {f"a{number}": "x" * 1001 for number in range(301)}, MANY, LONG_VALUE, id="301, values"
        ),
    ],
)
@pytest.mark.parametrize("update_only", [False, True])
def test_an_identify_that_loses_all_is_a_dead_letter(
    attributes: Json, dead_letter: str, trim: str, update_only: bool
) -> None:
    extra: Json = {"_update": True} if update_only else {}
    operation = identify_operation(**attributes, **extra)
    assert checked(operation, "dead_letter") == (dead_letter, {})
    assert checked(operation, "trim") == (trim, {})


def test_each_trimmed_attribute_is_counted() -> None:
    attributes: Json = {f"a{number}": number for number in range(299)}
    attributes |= {"x" * 151: 1, "cut": 1, "long": "x" * 1001}
    attributes = {"v1": "x" * 1001, "v2": ["x" * 1000], **attributes}
    kept, counts = trimmed(identify_operation(**attributes))
    assert list(kept.attributes) == [f"a{number}" for number in range(298)]
    assert counts == {f"trimmed.{MANY}": 1, f"trimmed.{LONG_VALUE}": 2}


def of_size(make: Any, size: int) -> Operation:
    """An operation whose item has so many bytes, all attributes within their own limits."""
    attributes = {f"a{number:02}": "é" * 500 for number in range(31)}
    room = size - len(validate_item(make(**attributes, z=""), "dead_letter", Tally()).body)
    operation: Operation = make(**attributes, z="y" * room)
    return operation


@pytest.mark.parametrize("on_violation", ["dead_letter", "trim"])
def test_an_event_over_the_size_of_an_item_goes_alone(on_violation: OnViolation) -> None:
    for size, alone in [(32_000, False), (32_001, True)]:
        item, counts = checked(of_size(event_operation, size), on_violation)
        assert (len(item.body), item.alone, counts) == (size, alone, {})


@pytest.mark.parametrize("on_violation", ["dead_letter", "trim"])
def test_an_identify_over_the_size_of_an_item_is_a_dead_letter(on_violation: OnViolation) -> None:
    item, counts = checked(of_size(identify_operation, 32_000), on_violation)
    assert (len(item.body), item.alone, counts) == (32_000, False, {})
    assert checked(of_size(identify_operation, 32_001), on_violation) == (ITEM, {})


def test_the_body_is_the_operation() -> None:
    operation = event_operation(a={"b": [1, None]}, c="é\n")
    item, _ = checked(operation, "dead_letter")
    assert item.body == encoded(
        {
            "action": "event",
            "type": "person",
            "identifiers": {"id": "ada"},
            "name": "Signed Up",
            "id": "0" * 26,
            "timestamp": operation.timestamp,
            "attributes": {"a": {"b": [1, None]}, "c": "é\n"},
        }
    )
