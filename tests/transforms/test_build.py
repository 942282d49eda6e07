"""Build: from a record and its attributes to the operations."""

from typing import Any

import msgspec
import pytest

from tests.transforms.make import (
    EVENT_S,
    ORIGIN,
    event,
    identified,
    letter_of,
    outcome_of,
    record,
    update,
)
from transforms.build import build_operations, with_canonical_names
from transforms.filter import EVENT_ALIASES
from transforms.records import Built, EventOperation, Identified, IdentifyOperation, Record
from transforms.ulid import event_ulid


def operations_of(
    of: Identified, names: dict[str, str] | None = None, *, update_only: bool = False
) -> list[Any]:
    result = build_operations(of, with_canonical_names(names or {}), update_only=update_only)
    assert isinstance(result, Built), result
    assert result.record is of.record
    return list(result.operations)


def test_an_event() -> None:
    [operation] = operations_of(identified(event(), event={"plan": "pro", "n": None}))
    assert msgspec.to_builtins(operation) == {
        "type": "person",
        "action": "event",
        "identifiers": {"id": "ada"},
        "name": "Signed Up",
        "id": event_ulid(event().fields, EVENT_S * 1000),
        "timestamp": EVENT_S,
        "attributes": {"plan": "pro", "n": None},
    }


def test_an_identify() -> None:
    [operation] = operations_of(identified(update(), person={"plan": "pro", "old": None}))
    assert msgspec.to_builtins(operation) == {
        "type": "person",
        "action": "identify",
        "identifiers": {"id": "ada"},
        "attributes": {"plan": "pro", "old": None},
        "timestamp": EVENT_S,
    }


def test_a_record_of_both_gives_the_event_first() -> None:
    both = operations_of(identified(event(), event={}, person={"a": 1}))
    assert [type(operation) for operation in both] == [EventOperation, IdentifyOperation]
    assert {operation.timestamp for operation in both} == {EVENT_S}


def test_update_only_is_said_with_every_identify_and_no_event() -> None:
    of = identified(event(), event={"a": 1}, person={"a": 1})
    sent_event, sent_identify = operations_of(of, update_only=True)
    assert sent_event.attributes == {"a": 1}
    assert sent_identify.attributes == {"a": 1, "_update": True}
    assert of.person == {"a": 1}


@pytest.mark.parametrize(
    ("name", "names", "sent"),
    [
        pytest.param("A", {}, "A", id="its own name"),
        pytest.param(" A ", {}, " A ", id="as it stands"),
        pytest.param("A", {"A": "B"}, "B", id="renamed"),
        pytest.param("a", {"A": "B"}, "a", id="case matters"),
        pytest.param("A", {"A": "B", "B": "C"}, "B", id="once only"),
        pytest.param("[Amplitude] Page Viewed", {}, "[Amplitude] Page Viewed", id="no alias"),
    ],
)
def test_names(name: str, names: dict[str, str], sent: str) -> None:
    [operation] = operations_of(identified(event(event_type=name), event={}), names)
    assert operation.name == sent


@pytest.mark.parametrize(("shown", "sent"), list(EVENT_ALIASES.items()))
def test_renaming_follows_the_aliases(shown: str, sent: str) -> None:
    for own in (shown, sent):
        of = identified(event(event_type=own), event={})
        assert operations_of(of)[0].name == own
        for named in (shown, sent):
            assert operations_of(of, {named: "New"})[0].name == "New"
        both = {shown: "By " + shown, sent: "By " + sent}
        assert operations_of(of, both)[0].name == "By " + own


def test_event_name_names_an_event_too() -> None:
    of = identified(record(event_name="B", time=EVENT_S), event={})
    assert operations_of(of)[0].name == "B"


def test_seconds_are_rounded_down_and_milliseconds_stay_in_the_ulid() -> None:
    of = identified(event(time=EVENT_S + 0.999), event={})
    result = build_operations(of, {}, update_only=False)
    assert isinstance(result, Built)
    [operation] = result.operations
    assert isinstance(operation, EventOperation)
    assert (operation.timestamp, result.time_ms) == (EVENT_S, EVENT_S * 1000 + 999)
    assert operation.id == event_ulid(of.record.fields, EVENT_S * 1000 + 999)


def test_a_record_of_two_operations_with_a_bad_time_is_one_dead_letter() -> None:
    of = identified(event(time="SECRET"), event={}, person={"a": 1})
    result = build_operations(of, {}, update_only=False)
    assert outcome_of(result) == "dead_lettered.invalid_time"
    letter = letter_of(result)
    assert (letter.stage, letter.detail) == ("build", "time is not a time")


def test_without_a_time_the_message_s_own_counts() -> None:
    of = identified(Record({"event_type": "A"}, ORIGIN), event={})
    assert operations_of(of)[0].timestamp == int(ORIGIN.publish_time or 0)


def test_why_the_event_was_filtered_goes_along() -> None:
    of = msgspec.structs.replace(identified(event(), person={"a": 1}), filtered="filtered.where")
    result = build_operations(of, {}, update_only=False)
    assert isinstance(result, Built)
    assert result.filtered == "filtered.where"
