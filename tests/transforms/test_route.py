"""Route: what a record is."""

from typing import Any

import pytest

from tests.transforms.make import letter_of, outcome_of, record
from transforms.records import Routed
from transforms.route import event_type, route

UNKNOWN = "dead_lettered.unknown_record"
COHORT = "skipped.cohort_message"
GROUP = "skipped.group_type"


def what_is(fields: dict[str, Any], *, identify_events: bool = False) -> str:
    result = route(record(fields), identify_events=identify_events)
    if not isinstance(result, Routed):
        return outcome_of(result)
    assert result.filtered is None
    assert result.update is not result.event
    return ("update" if result.update else "event") + (" + person" if result.person else "")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        pytest.param({"event_type": "A"}, "event", id="event_type"),
        pytest.param({"event_name": "A"}, "event", id="event_name"),
        pytest.param({"event_type": None, "event_name": "A"}, "event", id="null, then event_name"),
        pytest.param({"event_type": " A "}, "event", id="blanks around"),
        pytest.param({"event_type": "identify "}, "event", id="only nearly an update"),
        pytest.param({"event_type": "Identify"}, "event", id="case matters"),
        pytest.param({"event_type": "A", "user_properties": {"a": 1}}, "event", id="with users"),
        pytest.param({"event_type": "$identify"}, "update + person", id="$identify"),
        pytest.param({"event_type": "_identify"}, "update + person", id="_identify"),
        pytest.param({"event_type": "identify"}, "update + person", id="identify"),
        pytest.param({"event_name": "$identify"}, "update + person", id="by event_name"),
        pytest.param({"user_properties": {}}, "update + person", id="no type"),
        pytest.param(
            {"event_type": None, "event_name": None, "user_properties": {}},
            "update + person",
            id="null types",
        ),
        pytest.param({"event_type": "$groupidentify"}, GROUP, id="group"),
        pytest.param({"cohort_id": "c", "in_cohort": True}, COHORT, id="cohort"),
        pytest.param({"cohort_id": "c", "in_cohort": False}, COHORT, id="left the cohort"),
        pytest.param(
            {"cohort_id": "c", "in_cohort": True, "event_type": "A"}, COHORT, id="cohort and type"
        ),
        pytest.param(
            {"cohort_id": "c", "in_cohort": True, "user_properties": {}},
            "update + person",
            id="the first row of the table that fits",
        ),
        pytest.param({"event_type": "A", "cohort_id": "c"}, "event", id="half a cohort message"),
        pytest.param(
            {"event_type": "A", "cohort_id": None, "in_cohort": True}, "event", id="null cohort"
        ),
        pytest.param(
            {"event_type": "A", "cohort_id": "c", "in_cohort": None}, "event", id="null in_cohort"
        ),
        pytest.param({}, UNKNOWN, id="nothing"),
        pytest.param({"user_id": "u"}, UNKNOWN, id="a user alone"),
        pytest.param({"user_properties": None}, UNKNOWN, id="null properties"),
        pytest.param({"user_properties": []}, UNKNOWN, id="properties that are a list"),
        pytest.param({"event_type": ""}, UNKNOWN, id="empty type"),
        pytest.param({"event_type": " \t"}, UNKNOWN, id="blank type"),
        pytest.param({"event_type": "", "user_properties": {}}, UNKNOWN, id="empty type, users"),
        pytest.param({"event_type": "", "event_name": "A"}, UNKNOWN, id="empty is not absent"),
        pytest.param({"event_type": 5, "event_name": "A"}, UNKNOWN, id="number"),
        pytest.param({"event_type": False}, UNKNOWN, id="false"),
        pytest.param({"event_type": ["A"]}, UNKNOWN, id="list"),
    ],
)
def test_kinds(fields: dict[str, Any], kind: str) -> None:
    assert what_is(fields) == kind


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        pytest.param({"event_type": "A"}, "event + person", id="event"),
        pytest.param({"event_type": "$identify"}, "update + person", id="update"),
        pytest.param({"event_type": "$groupidentify"}, GROUP, id="group"),
    ],
)
def test_events_take_both_branches_when_every_record_identifies(
    fields: dict[str, Any], kind: str
) -> None:
    assert what_is(fields, identify_events=True) == kind


def test_the_dead_letter_of_an_unknown_record_holds_it() -> None:
    letter = letter_of(route(record(user_id="u", n=10**30), identify_events=False))
    assert letter.record == '{"user_id":"u","n":1000000000000000000000000000000}'
    assert (letter.stage, letter.kind) == ("route", "record")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        pytest.param({"event_type": "A", "event_name": "B"}, "A", id="event_type first"),
        pytest.param({"event_type": " A"}, " A", id="as it stands"),
        pytest.param({"event_name": "B"}, "B", id="alias"),
        pytest.param({"event_type": " "}, None, id="blank"),
        pytest.param({}, None, id="none"),
    ],
)
def test_event_type(fields: dict[str, Any], name: str | None) -> None:
    assert event_type(record(fields)) == name
