"""Shape: what each step does, in which order, and what it leaves alone."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.transforms.make import event, identified, json_objects, many, outcome_of, update
from transforms.hashing import plain_sha256
from transforms.records import Group, Identified, Json
from transforms.shape import PropertyRules, ShapeRules, compile_rules, shape, steps_of
from transforms.tally import Tally


def marked(text: str) -> str:
    """Shows what was hashed, in the place of a hash."""
    return f"#{text}"


def shaped(rules: PropertyRules, properties: Json) -> tuple[list[tuple[str, Any]], dict[str, int]]:
    """The properties in their order, and what was counted."""
    tally = Tally()
    step = compile_rules(rules, marked)
    assert step is not None
    before = deepcopy(properties)
    found = step(properties, tally)
    assert properties == before
    return list(found.items()), dict(tally.counts)


@pytest.mark.parametrize(
    ("properties", "expected", "dropped"),
    [
        pytest.param({"initial_utm_source": "EMPTY"}, [], 1, id="EMPTY"),
        pytest.param(
            {"a": 1, "initial_a": "EMPTY", "initial_b": "x"}, [("a", 1), ("initial_b", "x")], 1
        ),
        pytest.param({"initial_a": "EMPTY", "initial_b": "EMPTY"}, [], 2, id="each is counted"),
        pytest.param({"note": "EMPTY"}, [("note", "EMPTY")], 0, id="another name"),
        pytest.param({"initial_a": "empty"}, [("initial_a", "empty")], 0, id="another text"),
        pytest.param({"initial_a": ["EMPTY"]}, [("initial_a", ["EMPTY"])], 0, id="no text"),
        pytest.param({"initial_a": None}, [("initial_a", None)], 0, id="a removal"),
    ],
)
def test_drop_empty(properties: Json, expected: list[Any], dropped: int) -> None:
    counts = {"dropped.empty_property": dropped} if dropped else {}
    assert shaped(PropertyRules(drop_empty=True), properties) == (expected, counts)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-05-04T10:01:07Z", 1777888867, id="UTC"),
        pytest.param("2026-05-04T12:01:07+02:00", 1777888867, id="an offset"),
        pytest.param("2026-05-04 10:01:07.999000", 1777888867, id="Amplitude's own"),
        pytest.param("2026-05-04 10:01:07", 1777888867, id="no zone is UTC"),
        pytest.param("2026-05-04", 1777852800, id="a date is its midnight"),
        pytest.param("1985-03-02", 478569600, id="before events can be"),
        pytest.param("1969-12-31T23:59:59.5Z", -1, id="rounded down before 1970 too"),
        pytest.param("0001-01-01T00:00:00+14:00", -62135647200, id="the first year"),
        pytest.param("9999-12-31", 253402214400, id="the last year"),
        pytest.param(1777888867, 1777888867, id="an integer stays"),
        pytest.param(1777888867123, 1777888867123, id="milliseconds stay"),
        pytest.param(1.5, 1.5, id="a fraction stays"),
        pytest.param(None, None, id="a removal stays"),
    ],
)
def test_unix_seconds(value: Any, expected: Any) -> None:
    found = shaped(
        PropertyRules(unix_seconds=("at", "not there")), {"x": "2026-05-04", "at": value}
    )
    assert found == ([("x", "2026-05-04"), ("at", expected)], {})
    [_, (_, seconds)], _ = found
    assert type(seconds) is type(expected)


@pytest.mark.parametrize(
    "value",
    [
        *("", "soon", "1777888867", "20260504", "2026-13-01", "2026-02-29", "2026-05-04T10:01:61Z"),
        *("2026-05-04\n", "٢٠٢٦-05-04", "2026-05-04T10:01:07+99:00", True, ["2026-05-04"], {}),
    ],
    ids=repr,
)
def test_what_is_no_time_stays_and_is_counted(value: Any) -> None:
    rules = PropertyRules(unix_seconds=("at",))
    assert shaped(rules, {"at": value}) == ([("at", value)], {"unapplied.unix_seconds": 1})


@pytest.mark.parametrize(
    ("properties", "expected", "counts"),
    [
        pytest.param({"x": "x", "a": "b"}, [("x", "x"), ("a", "#b")], {}, id="a text"),
        pytest.param({"a": ["b", 2]}, [("a", ["#b", "#2"])], {}, id="a list"),
        pytest.param({"a": None, "b": ""}, [("a", None), ("b", "")], {}, id="a removal"),
        pytest.param(
            {"a": {"c": 1}, "x": 1, "b": "d"},
            [("x", 1), ("b", "#d")],
            {"dropped.unhashable_property": 1},
            id="an object is left out",
        ),
        pytest.param(
            {"a": ["c", {"d": 1}], "b": {}},
            [],
            {"dropped.unhashable_property": 2},
            id="and a list with one",
        ),
        pytest.param({"x": {"a": 1}}, [("x", {"a": 1})], {}, id="not inside of others"),
    ],
)
def test_hash(properties: Json, expected: list[Any], counts: dict[str, int]) -> None:
    assert shaped(PropertyRules(hash=("a", "b")), properties) == (expected, counts)


@pytest.mark.parametrize(
    ("names", "properties", "expected", "clashes"),
    [
        pytest.param({"a": "b"}, {"x": 0, "a": 1, "y": 2}, [("x", 0), ("b", 1), ("y", 2)], 0),
        pytest.param({"a": "b"}, {"b": 1}, [("b", 1)], 0, id="it is not there"),
        pytest.param({"a": "b"}, {"a": 1, "b": 2}, [("b", 1)], 1, id="the renamed one wins"),
        pytest.param({"a": "b"}, {"b": 2, "a": 1}, [("b", 1)], 1, id="whichever comes first"),
        pytest.param({"a": "b"}, {"b": 2, "a": None}, [("b", None)], 1, id="a removal too"),
        pytest.param({"a": "b", "b": "a"}, {"a": 1, "b": 2}, [("b", 1), ("a", 2)], 0, id="swap"),
        pytest.param({"a": "b", "b": "c"}, {"a": 1, "b": 2}, [("b", 1), ("c", 2)], 0, id="chain"),
        pytest.param({"a": "b", "b": "c"}, {"b": 2, "c": 3}, [("c", 2)], 1, id="end of a chain"),
        pytest.param({"a": "a"}, {"a": 1}, [("a", 1)], 0, id="to itself"),
        pytest.param({"a": "b"}, {"x": {"a": 1}}, [("x", {"a": 1})], 0, id="not inside of others"),
    ],
)
def test_rename(names: dict[str, str], properties: Json, expected: list[Any], clashes: int) -> None:
    counts = {"clash.property": clashes} if clashes else {}
    assert shaped(PropertyRules(rename=names), properties) == (expected, counts)


EVERY_RULE = PropertyRules(
    drop_empty=True,
    unix_seconds=("at", "initial_at"),
    hash=("at", "initial_b", "mail"),
    rename={"at": "when", "mail": "at", "initial_b": "b"},
)


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        pytest.param({"initial_at": "EMPTY", "initial_b": "EMPTY"}, [], id="dropped first"),
        pytest.param({"at": "2026-05-04"}, [("when", "#1777852800")], id="hashed as its seconds"),
        pytest.param({"mail": "A@b.de"}, [("at", "#a@b.de")], id="a new name is under no rule"),
        pytest.param(
            {"at": 5, "mail": "x"}, [("when", "#5"), ("at", "#x")], id="renamed all at once"
        ),
    ],
)
def test_the_order_of_the_steps(properties: Json, expected: list[Any]) -> None:
    found, counts = shaped(EVERY_RULE, properties)
    assert found == expected
    assert counts.get("unapplied.unix_seconds", 0) == 0


def test_there_is_no_step_without_a_rule() -> None:
    assert compile_rules(PropertyRules(), marked) is None
    assert len(steps_of(EVERY_RULE, marked)) == 4
    assert not ShapeRules()
    assert ShapeRules(person=PropertyRules(drop_empty=True))


def test_properties_that_no_rule_names_are_not_even_copied() -> None:
    step = compile_rules(EVERY_RULE, marked)
    assert step is not None
    properties = {"a": 1, "b": "EMPTY", "c": {"at": 1}}
    assert step(properties, Tally()) is properties


def of_record(
    event_data: Json | None, person: Json | None, filtered: str | None = None
) -> tuple[Json | None, Json | None] | str:
    drop = compile_rules(PropertyRules(drop_empty=True), marked)
    rename = compile_rules(PropertyRules(rename={"a": "b"}), marked)
    of = identified(event() if event_data is not None else update())
    given_one = Identified(of.record, of.identifiers, event_data, person, filtered)
    result = shape(given_one, rename, drop, Tally())
    if isinstance(result, Identified):
        assert (result.record, result.identifiers) == (of.record, of.identifiers)
        assert result.filtered == filtered
        return result.event, result.person
    return outcome_of(result)


EMPTY = {"initial_x": "EMPTY"}


@pytest.mark.parametrize(
    ("data", "person", "filtered", "expected"),
    [
        pytest.param({"a": 1}, {"a": 1}, None, ({"b": 1}, {"a": 1}), id="each by its own rules"),
        pytest.param({"a": 1}, EMPTY, None, ({"b": 1}, None), id="the event goes on alone"),
        pytest.param({}, EMPTY, None, ({}, None), id="an event without data is an event"),
        pytest.param({"a": 1}, None, None, ({"b": 1}, None), id="an event"),
        pytest.param(None, {"a": 1}, None, (None, {"a": 1}), id="a person"),
        pytest.param(None, EMPTY, None, "skipped.no_selected_property", id="nothing is left"),
        pytest.param(None, EMPTY, "filtered.where", "filtered.where", id="and it was filtered"),
        pytest.param(None, {"a": 1}, "filtered.where", (None, {"a": 1}), id="filtered, a person"),
    ],
)
def test_what_becomes_of_a_record(
    data: Json | None, person: Json | None, filtered: str | None, expected: Any
) -> None:
    assert of_record(data, person, filtered) == expected


def test_the_time_of_the_person_stays() -> None:
    given_one = replace(identified(update(), person={"a": 1}), person_time_ms=5)
    result = shape(
        given_one, None, compile_rules(PropertyRules(rename={"a": "b"}), marked), Tally()
    )
    assert result == replace(given_one, person={"b": 1})


def test_a_record_goes_on_for_its_groups() -> None:
    record = replace(update(), groups=(Group("1", "Acme"),))
    drop = compile_rules(PropertyRules(drop_empty=True), marked)
    result = shape(identified(record, person=EMPTY), None, drop, Tally())
    assert result == replace(identified(record), filtered="skipped.no_selected_property")


NAMES = ("at", "mail", "initial_at", "initial_b", "when", "b", "x")
objects = json_objects(NAMES) | st.dictionaries(
    st.sampled_from(NAMES), st.sampled_from(["EMPTY", "2026-05-04", "x", 5, None]), max_size=5
)


@many
@given(objects)
def test_it_gives_the_same_again_and_changes_nothing_that_it_is_given(properties: Json) -> None:
    step = compile_rules(EVERY_RULE, plain_sha256)
    assert step is not None
    before = deepcopy(properties)
    first, second = Tally(), Tally()
    assert step(properties, first) == step(properties, second)
    assert first.counts == second.counts
    assert properties == before


@many
@given(objects)
def test_every_property_is_there_or_is_counted(properties: Json) -> None:
    tally = Tally()
    step = compile_rules(EVERY_RULE, plain_sha256)
    assert step is not None
    after = step(properties, tally)
    gone = sum(
        tally.counts[name]
        for name in (
            *("dropped.empty_property", "dropped.unhashable_property"),
            "clash.property",
        )
    )
    assert len(after) + gone == len(properties)
    assert after.keys() <= {EVERY_RULE.rename.get(name, name) for name in properties}


@many
@given(objects)
def test_what_no_rule_names_is_what_it_was(properties: Json) -> None:
    step = compile_rules(EVERY_RULE, plain_sha256)
    assert step is not None
    after = step(properties, Tally())
    ruled = {*EVERY_RULE.hash, *EVERY_RULE.unix_seconds, *EVERY_RULE.rename.values()}
    for name in properties.keys() - ruled:
        if name in after:
            assert after[name] is properties[name]
        else:
            assert (name[:8], properties[name]) == ("initial_", "EMPTY")


@many
@given(objects)
@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(PropertyRules(drop_empty=True), id="drop_empty"),
        pytest.param(PropertyRules(unix_seconds=("at", "x")), id="unix_seconds"),
        pytest.param(PropertyRules(rename={"at": "when", "mail": "m"}), id="rename"),
    ],
)
def test_twice_is_once_but_for_hashes_and_chains(rules: PropertyRules, properties: Json) -> None:
    step = compile_rules(rules, plain_sha256)
    assert step is not None
    once = step(properties, Tally())
    assert step(once, Tally()) == once
