"""Validate: a record of two operations is settled once; what passes is within every limit."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import (
    built,
    event_operation,
    identify_operation,
    letter_of,
    many,
    outcome_of,
)
from transforms.records import Delivery, Json, Operation
from transforms.tally import Tally
from transforms.validate import OnViolation, validate

NAME = "event_name_too_long"
LONG_NAME = "attribute_name_too_long"


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


BAD_EVENT = event_operation("x" * 101)
BAD_PERSON = identify_operation(**{"x" * 151: 1})
GOOD_EVENT = event_operation()
GOOD_PERSON = identify_operation(a=1)


@pytest.mark.parametrize(
    ("operations", "sent", "fallen"),
    [
        pytest.param([GOOD_EVENT], 1, [], id="event"),
        pytest.param([GOOD_EVENT, GOOD_PERSON], 2, [], id="both"),
        pytest.param([BAD_EVENT, GOOD_PERSON], 1, [NAME], id="the event falls"),
        pytest.param([GOOD_EVENT, BAD_PERSON], 1, [LONG_NAME], id="the identify falls"),
    ],
)
def test_a_record_of_two_operations(
    operations: list[Operation], sent: int, fallen: list[str]
) -> None:
    of = built(*operations)
    result = validate(of, "dead_letter", Tally())
    assert isinstance(result, Delivery)
    assert (result.origin, result.time_ms) == (of.record.origin, of.time_ms)
    assert len(result.items) == sent
    assert result.fallen == tuple(f"dead_lettered.{reason}" for reason in fallen)
    assert [letter.reason for letter in result.letters] == fallen


def test_of_two_bad_operations_the_first_gives_the_reason() -> None:
    result = validate(built(BAD_EVENT, BAD_PERSON), "dead_letter", Tally())
    assert outcome_of(result) == f"dead_lettered.{NAME}"
    assert letter_of(result).stage == "validate"


def test_a_filtered_event_counts_as_what_became_of_its_identify() -> None:
    sent = validate(built(GOOD_PERSON, filtered="filtered.where"), "dead_letter", Tally())
    assert isinstance(sent, Delivery)
    assert (sent.fallen, sent.letters) == (("filtered.where",), ())
    fallen = validate(built(BAD_PERSON, filtered="filtered.where"), "dead_letter", Tally())
    assert outcome_of(fallen) == f"dead_lettered.{LONG_NAME}"


def test_the_dead_letter_names_sizes_and_holds_the_record() -> None:
    letter = letter_of(validate(built(BAD_EVENT), "dead_letter", Tally()))
    assert letter.detail == "the event name has 101 bytes; 100 are allowed"
    assert json.loads(letter.record or "") == built().record.fields


_sizes = st.sampled_from([0, 1, 9, 149, 150, 151, 249, 250, 251, 499, 501, 999, 1000, 1001])
_long_texts = st.builds(lambda character, size: character * size, st.sampled_from("xé😀\n"), _sizes)
_vast_texts = st.builds(
    lambda character, size: character * size,
    st.sampled_from("xé😀\n"),
    st.sampled_from([16_000, 31_000, 50_000, 99_000]),
)
_plain = st.integers() | st.booleans() | st.none() | _long_texts
_attributes = st.dictionaries(
    _long_texts, _plain | st.lists(_plain, max_size=3) | _vast_texts, max_size=6
) | st.integers(290, 310).map(lambda size: {f"a{n}": n * "é" for n in range(size)})


@many
@given(_long_texts, _attributes, _attributes, st.sampled_from(["dead_letter", "trim"]))
def test_what_passes_is_within_every_limit(
    name: str, data: Json, person: Json, on_violation: OnViolation
) -> None:
    event, identify = event_operation(name, **data), identify_operation(**person)
    result = validate(built(event, identify), on_violation, Tally())
    if not isinstance(result, Delivery):
        assert letter_of(result).record
        return
    for item in result.items:
        sent = json.loads(item.body)
        assert item.body == encoded(sent)
        attributes = sent["attributes"]
        if sent["action"] == "event":
            assert len(sent["name"].encode()) <= 100
            assert len(encoded(attributes)) <= 100_000
            assert item.alone is (len(item.body) > 32_000)
            assert all(data[key] == value for key, value in attributes.items())
            continue
        assert len(item.body) <= 32_000
        assert 0 < len(attributes) <= 300 or not person
        for key, value in attributes.items():
            assert person[key] == value
            assert len(key.encode()) <= 150
            size = len(value.encode()) if isinstance(value, str) else len(encoded(value))
            assert size <= 1000
