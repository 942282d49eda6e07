"""Resolve: every shape of an identifier."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from tests.transforms.make import (
    event,
    json_values,
    letter_of,
    many,
    outcome_of,
    record,
    selected,
    update,
)
from transforms.properties import PropertyPath
from transforms.records import Group, Identified, Settled
from transforms.resolve import Anonymous, resolve_identifier


def of_value(value: Any, anonymous: Anonymous = "skip") -> dict[str, str] | str:
    """The identifier of a record with this user_id, or the outcome."""
    result = resolve_identifier(
        selected(record(user_id=value), event={}), PropertyPath("user_id"), anonymous
    )
    return result.identifiers if isinstance(result, Identified) else outcome_of(result)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("ada", {"id": "ada"}, id="id"),
        pytest.param("  ada\t\n", {"id": "ada"}, id="stripped"),
        pytest.param("a da", {"id": "a da"}, id="a blank inside"),
        pytest.param("Ünïcödé 😀", {"id": "Ünïcödé 😀"}, id="any text"),
        pytest.param(12, {"id": "12"}, id="integer"),
        pytest.param(0, {"id": "0"}, id="0 is an id"),
        pytest.param(-7, {"id": "-7"}, id="negative"),
        pytest.param(12.0, {"id": "12"}, id="12.0"),
        pytest.param(1.5, {"id": "1.5"}, id="1.5"),
        pytest.param(1e21, {"id": "1" + "0" * 21}, id="no exponent"),
        pytest.param(1e-7, {"id": "0.0000001"}, id="no negative exponent"),
        pytest.param(-0.0, {"id": "0"}, id="minus nothing"),
        pytest.param(2**64, {"id": "18446744073709551616"}, id="beyond 64 bits"),
        pytest.param("12.0", {"id": "12.0"}, id="text stays as it is"),
        pytest.param("null", {"id": "null"}, id="the word null"),
        pytest.param("a@b.c", {"email": "a@b.c"}, id="e-mail"),
        pytest.param(" Ada@Example.COM ", {"email": "Ada@Example.COM"}, id="not lower-cased"),
        pytest.param("a+b.c@d.e-f.museum", {"email": "a+b.c@d.e-f.museum"}, id="e-mail, long"),
        pytest.param("é@ü.example", {"email": "é@ü.example"}, id="e-mail beyond ASCII"),
        pytest.param("a@b", {"id": "a@b"}, id="no dot"),
        pytest.param("a@b.", {"id": "a@b."}, id="a dot at the end"),
        pytest.param("a@.b", {"id": "a@.b"}, id="a dot in front"),
        pytest.param("a@b..c", {"id": "a@b..c"}, id="two dots"),
        pytest.param("@b.c", {"id": "@b.c"}, id="nobody"),
        pytest.param("a@b@c.d", {"id": "a@b@c.d"}, id="two at signs"),
        pytest.param("a b@c.d", {"id": "a b@c.d"}, id="a blank in an address"),
        pytest.param("a@b.c\nd", {"id": "a@b.c\nd"}, id="a line feed in an address"),
        pytest.param("cio_03000001", {"cio_id": "03000001"}, id="cio_id"),
        pytest.param("cio_cio_1", {"cio_id": "cio_1"}, id="one prefix only"),
        pytest.param("cio_", {"id": "cio_"}, id="nothing behind cio_"),
        pytest.param(" cio_ ", {"id": "cio_"}, id="a blank behind cio_"),
        pytest.param("CIO_1", {"id": "CIO_1"}, id="case matters"),
        pytest.param("xcio_1", {"id": "xcio_1"}, id="not in front"),
        pytest.param("cio_a@b.c", {"email": "cio_a@b.c"}, id="an address first"),
    ],
)
def test_shapes(value: object, expected: dict[str, str]) -> None:
    assert of_value(value) == expected


@pytest.mark.parametrize("value", [None, "", "  ", True, False, [], ["ada"], {}, {"id": "ada"}])
def test_missing(value: object) -> None:
    assert of_value(value, "skip") == "skipped.anonymous"
    assert of_value(value, "dead_letter") == "dead_lettered.no_identifier"


TOO_LONG = "dead_lettered.identifier_too_long"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("x" * 150, {"id": "x" * 150}, id="150"),
        pytest.param("x" * 151, TOO_LONG, id="151"),
        pytest.param(" " + "x" * 150 + " ", {"id": "x" * 150}, id="150 when stripped"),
        pytest.param("é" * 75, {"id": "é" * 75}, id="75 of 2 bytes"),
        pytest.param("é" * 75 + "x", TOO_LONG, id="151 bytes in 76 characters"),
        pytest.param("😀" * 38, TOO_LONG, id="152 bytes in 38 characters"),
        pytest.param("cio_" + "x" * 150, {"cio_id": "x" * 150}, id="the prefix does not count"),
        pytest.param("cio_" + "x" * 151, TOO_LONG, id="cio_id of 151"),
        pytest.param("x" * 146 + "@b.c", {"email": "x" * 146 + "@b.c"}, id="e-mail of 150"),
        pytest.param("x" * 147 + "@b.c", TOO_LONG, id="e-mail of 151"),
        pytest.param(1e149, {"id": "1" + "0" * 149}, id="number of 150 digits"),
        pytest.param(1e150, TOO_LONG, id="number of 151 digits"),
        pytest.param(10**4000, TOO_LONG, id="number of 4001 digits"),
    ],
)
def test_length(value: object, expected: Any) -> None:
    assert of_value(value) == expected
    assert of_value(value, "dead_letter") == expected


def test_the_dead_letter_says_how_long_it_is() -> None:
    of = selected(record(user_id="é" * 76), event={})
    letter = letter_of(resolve_identifier(of, PropertyPath("user_id"), "skip"))
    assert letter.detail == "the identifier has 152 bytes; 150 are allowed"
    assert (letter.stage, letter.kind) == ("resolve", "record")


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        pytest.param("user_properties.email", {"user_properties": {"email": "a@b.c"}}, "a@b.c"),
        pytest.param("user_properties.x", {"user_properties": {"$set": {"x": "s"}}}, "s"),
        pytest.param(
            "user_properties.x", {"user_properties": {"x": "p", "$set": {"x": "s"}}}, "s", id="$set"
        ),
        pytest.param("user_properties.a.b", {"user_properties": {"a.b": "d"}}, "d", id="dot"),
        pytest.param("event_properties.x", {"event_properties": {"x": 5}}, "5"),
        pytest.param("device_id", {"device_id": "d1"}, "d1"),
        pytest.param("user_properties.x", {"user_properties": {"$unset": {"x": "-"}}}, None),
        pytest.param("user_properties.x", {"user_properties": None}, None),
        pytest.param("event_properties.x", {"event_properties": []}, None),
    ],
)
def test_paths(path: str, fields: dict[str, Any], expected: str | None) -> None:
    result = resolve_identifier(selected(record(fields), event={}), PropertyPath(path), "skip")
    if expected is None:
        assert outcome_of(result) == "skipped.anonymous"
    else:
        assert isinstance(result, Identified)
        assert list(result.identifiers.values()) == [expected]


def test_everything_else_goes_on() -> None:
    of = selected(update(a=1), event={"x": 1}, person={"a": 1})
    result = resolve_identifier(of, PropertyPath("user_id"), "skip")
    assert result == Identified(of.record, {"id": "ada"}, {"x": 1}, {"a": 1}, None)


@many
@given(json_values())
def test_any_value_gives_one_identifier_within_the_limit_or_ends(value: Any) -> None:
    result = resolve_identifier(
        selected(event(user_id=value), event={}), PropertyPath("user_id"), "dead_letter"
    )
    if isinstance(result, Settled):
        assert result.letter is not None
        return
    [(kind, text)] = result.identifiers.items()
    assert kind in ("id", "email", "cio_id")
    assert text == text.strip()
    assert 0 < len(text.encode()) <= 150


def of_nobody(device: object, **more: Any) -> Any:
    """What `send` makes of an event without a user."""
    of = selected(record(device_id=device), event={"a": 1}, **more)
    return resolve_identifier(of, PropertyPath("user_id"), "send")


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        pytest.param(" d1 ", {"anonymous_id": "d1"}, id="text"),
        pytest.param(7, {"anonymous_id": "7"}, id="number"),
        pytest.param("a@b.c", {"anonymous_id": "a@b.c"}, id="it has no other form"),
        pytest.param("x" * 150, {"anonymous_id": "x" * 150}, id="150"),
        pytest.param("x" * 151, TOO_LONG, id="151"),
        pytest.param("é" * 76, TOO_LONG, id="152 bytes"),
        pytest.param("", "dead_lettered.no_identifier", id="empty"),
        pytest.param(None, "dead_lettered.no_identifier", id="none"),
        pytest.param([], "dead_lettered.no_identifier", id="no text"),
    ],
)
def test_an_event_of_nobody_known(device: object, expected: Any) -> None:
    result = of_nobody(device)
    found = result.identifiers if isinstance(result, Identified) else outcome_of(result)
    assert found == expected


def test_of_an_anonymous_record_only_the_event_goes_on() -> None:
    result = of_nobody("d1", person={"plan": "pro"})
    assert isinstance(result, Identified)
    assert (result.event, result.person, result.filtered) == ({"a": 1}, None, None)
    related = msgspec.structs.replace(record(device_id="d"), groups=(Group("1", "A"),))
    result = resolve_identifier(selected(related, event={}), PropertyPath("user_id"), "send")
    assert isinstance(result, Identified)
    assert result.record.groups == ()


@pytest.mark.parametrize("user", [None, "ada", "x" * 151])
@pytest.mark.parametrize("anonymous", ["skip", "dead_letter", "send"])
def test_a_group_update_needs_nobody(user: str | None, anonymous: Anonymous) -> None:
    fields = record(user_id=user, event_type="$groupidentify")
    of = msgspec.structs.replace(fields, groups=(Group("1", "Acme", {"a": 1}),))
    result = resolve_identifier(selected(of), PropertyPath("user_id"), anonymous)
    assert isinstance(result, Identified)
    assert result.record is of


def test_somebody_who_is_no_event_is_skipped() -> None:
    of = selected(record(device_id="d1"), person={"plan": "pro"})
    result = resolve_identifier(of, PropertyPath("user_id"), "send")
    assert outcome_of(result) == "skipped.anonymous"
