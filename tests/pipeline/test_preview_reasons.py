"""Why a record would not be sent: the outcome, the stage and the concrete cause."""

from typing import Any

import pytest

from pipeline.preview.causes import CAUSES
from tests.pipeline.test_preview_explain import event, explain_one, update
from transforms.reasons import FILTERED, SKIPPED


def where(*clauses: dict[str, Any]) -> dict[str, Any]:
    return {"events": {"where": list(clauses)}}


PLAN = {"property": "event_properties.plan", "op": "is", "values": ["pro", 3]}
COUNTRY = {"property": "country", "op": "is_set"}
LONG = "x" * 200
GROUPS = {
    "groups": {"enabled": True, "object_types": {"company": "1"}, "group_properties": ["tier"]}
}


def group_update(**properties: Any) -> dict[str, Any]:
    """A group update as the SDKs send it."""
    return {
        "event_type": "$groupidentify",
        "groups": {"company": "Example"},
        "group_properties": properties,
    }


@pytest.mark.parametrize(
    ("record", "settings", "outcome", "stage", "reason"),
    [
        pytest.param(
            event(),
            {"events": {"enabled": False}, "users": {"user_properties": ["plan"]}},
            "filtered.events_disabled",
            "filter",
            "events.enabled is false",
            id="events_disabled",
        ),
        pytest.param(
            event(),
            {"events": {"exclude": ["Song Played"]}},
            "filtered.event_type",
            "filter",
            '"Song Played" is excluded: events.exclude names it',
            id="excluded",
        ),
        pytest.param(
            event(event_type="session_start"),
            {"events": {"exclude": ["[Amplitude] Start Session"]}},
            "filtered.event_type",
            "filter",
            '"session_start" is excluded: events.exclude names it as "[Amplitude] Start Session"',
            id="excluded-by-its-other-name",
        ),
        pytest.param(
            event(),
            {"events": {"include": ["Signed Up"]}},
            "filtered.event_type",
            "filter",
            '"Song Played" is not included: events.include does not name it',
            id="not-included",
        ),
        pytest.param(
            event(),
            {"events": {"include": ["Signed Up", "song played"]}},
            "filtered.event_type",
            "filter",
            '"Song Played" is not included: events.include does not name it; it names '
            '"song played"',
            id="not-included-but-near",
        ),
        pytest.param(
            event(event_properties={"plan": "free"}, country="DE"),
            where(COUNTRY, PLAN),
            "filtered.where",
            "filter",
            'events.where[1] does not hold: event_properties.plan is "pro" or 3; the record has '
            '"free"',
            id="where",
        ),
        pytest.param(
            event(),
            where(COUNTRY, PLAN),
            "filtered.where",
            "filter",
            "events.where[0] does not hold: country is set; the record has none; "
            'events.where[1] does not hold: event_properties.plan is "pro" or 3; the record has '
            "none",
            id="where-twice",
        ),
        pytest.param(
            update(user_properties={"plan": "pro"}),
            {"users": {"enabled": False}},
            "filtered.users_disabled",
            "filter",
            "users.enabled is false",
            id="users_disabled",
        ),
        pytest.param(
            update(user_properties={"plan": "pro", "$unset": {"trial": "-"}}),
            {},
            "skipped.no_selected_property",
            "identify",
            "users.user_properties is none; the record has plan, trial",
            id="nothing-selected",
        ),
        pytest.param(
            update(user_properties={"plan": "pro", "seats": None}),
            {"users": {"user_properties": ["seats", "role"]}},
            "skipped.no_selected_property",
            "identify",
            "users.user_properties is [seats, role]; the record has plan, seats (null: seats)",
            id="selected-is-null",
        ),
        pytest.param(
            update(user_properties={"_a": 1, "email": "a@example.com", "b": None}),
            {"users": {"user_properties": "all"}},
            "skipped.no_selected_property",
            "identify",
            "reserved names are left out: _a, email; null values are left out: b",
            id="all-reserved-or-null",
        ),
        pytest.param(
            update(user_properties={}),
            {"users": {"user_properties": "all"}},
            "skipped.no_selected_property",
            "identify",
            "the user update has no properties",
            id="no-properties",
        ),
        pytest.param(
            update(user_properties={"$add": {"n": 1}, "$setOnce": {"a": 1}}),
            {"users": {"user_properties": "all"}},
            "skipped.operator_needs_state",
            "identify",
            "only operators on the stored value: $add, $setOnce",
            id="operators",
        ),
        pytest.param(
            event(user_id=None),
            {},
            "skipped.anonymous",
            "resolve",
            "the record has no user_id, which mappings.user_identifier names",
            id="anonymous",
        ),
        pytest.param(
            event(user_id="  "),
            {},
            "skipped.anonymous",
            "resolve",
            'user_id, which mappings.user_identifier names, is "  ": no identifier',
            id="anonymous-blank",
        ),
        pytest.param(
            {"cohort_id": "c", "in_cohort": True},
            {},
            "skipped.cohort_message",
            "route",
            "it has cohort_id and in_cohort",
            id="cohort",
        ),
        pytest.param(
            {"event_type": "$groupidentify", "groups": {"company": "Example"}},
            {},
            "skipped.group_type",
            "route",
            "groups.enabled is false",
            id="group, and groups are off",
        ),
        pytest.param(
            {"event_type": "$groupidentify", "groups": {"team": "Example"}},
            GROUPS,
            "skipped.group_type",
            "group",
            "groups.object_types has no group of type team",
            id="group of another type",
        ),
        pytest.param(
            {"event_type": "$groupidentify"},
            GROUPS,
            "skipped.group_type",
            "group",
            "it names no group",
            id="group without a name",
        ),
        pytest.param(
            group_update(size=1),
            GROUPS,
            "skipped.no_selected_property",
            "group",
            "groups.group_properties is [tier]; the record has size",
            id="group without a selected property",
        ),
        pytest.param(
            group_update(_size=1),
            {"groups": GROUPS["groups"] | {"group_properties": "all"}},
            "skipped.no_selected_property",
            "group",
            "reserved names and null values are left out: _size",
            id="group with reserved properties only",
        ),
        pytest.param(
            group_update(**{"$add": {"tier": 1}}),
            GROUPS,
            "skipped.operator_needs_state",
            "group",
            "only operators on the stored value: $add",
            id="group with operators only",
        ),
        pytest.param(
            event(user_id=None, device_id="x" * 151),
            {"mappings": {"anonymous": "send"}},
            "dead_lettered.identifier_too_long",
            "resolve",
            f'the device_id has 151 bytes; 150 are allowed: device_id is "{"x" * 58}…',
            id="a device that is too long",
        ),
        pytest.param(
            event(user_id=None),
            {"mappings": {"anonymous": "send"}},
            "dead_lettered.no_identifier",
            "resolve",
            "the record has no user identifier and no device_id: the record has no user_id, which "
            "mappings.user_identifier names",
            id="anonymous without a device",
        ),
        pytest.param(
            update(user_id=None, device_id="d", user_properties={"plan": 1}),
            {"mappings": {"anonymous": "send"}, "users": {"user_properties": "all"}},
            "skipped.anonymous",
            "resolve",
            "the record has no user_id, which mappings.user_identifier names",
            id="anonymous user update",
        ),
        pytest.param(
            {"event_type": 7, "user_id": "u"},
            {},
            "dead_lettered.unknown_record",
            "route",
            "neither an event (no event_type) nor a user update (no user_properties); it has "
            "event_type, user_id",
            id="unknown",
        ),
        pytest.param(
            event(user_id=[1]),
            {"mappings": {"anonymous": "dead_letter"}},
            "dead_lettered.no_identifier",
            "resolve",
            "the record has no user identifier: user_id, which mappings.user_identifier names, "
            "is [1]: no identifier",
            id="no_identifier",
        ),
        pytest.param(
            event(user_id=LONG),
            {},
            "dead_lettered.identifier_too_long",
            "resolve",
            f'the identifier has 200 bytes; 150 are allowed: user_id is "{"x" * 58}…',
            id="identifier_too_long",
        ),
        pytest.param(
            {"user_id": "u", "user_properties": {"plan": "pro"}},
            {"users": {"user_properties": "all"}},
            "dead_lettered.invalid_time",
            "build",
            "the record has no time, and a record of a file has no publish time to take its place",
            id="no-time",
        ),
        pytest.param(
            event(event_time="yesterday"),
            {},
            "dead_lettered.invalid_time",
            "build",
            'event_time is not a time: "yesterday"',
            id="wrong-time",
        ),
        pytest.param(
            event(event_type="n" * 101),
            {},
            "dead_lettered.event_name_too_long",
            "validate",
            "the event name has 101 bytes; 100 are allowed",
            id="event_name_too_long",
        ),
        pytest.param(
            event(event_properties={"a": 1, "big": "b" * 100_000}),
            {"preset": "all_properties"},
            "dead_lettered.event_data_too_large",
            "validate",
            "the event's data has 100016 bytes; 100000 are allowed; the largest: big "
            "(100,000 bytes), a (1 byte)",
            id="event_data_too_large",
        ),
        pytest.param(
            update(user_properties={LONG: 1}),
            {"users": {"user_properties": "all"}},
            "dead_lettered.attribute_name_too_long",
            "validate",
            f"an attribute's name has 200 bytes; 150 are allowed: {'x' * 59}…",
            id="attribute_name_too_long",
        ),
        pytest.param(
            update(user_properties={f"p{n}": "y" * 900 for n in range(40)}),
            {"users": {"user_properties": "all"}},
            "dead_lettered.item_too_large",
            "validate",
            "the identify has 36452 bytes; 32000 are allowed; the largest: p0 (900 bytes), "
            "p1 (900 bytes), p2 (900 bytes)",
            id="item_too_large",
        ),
    ],
)
def test_a_record_that_is_not_sent_says_where_and_why(
    record: dict[str, Any], settings: dict[str, Any], outcome: str, stage: str, reason: str
) -> None:
    explained = explain_one(record, settings)
    assert (explained.outcome, explained.stage) == (outcome, stage)
    assert explained.reason == reason
    assert explained.sendings == ()


def test_every_outcome_without_a_dead_letter_has_its_cause() -> None:
    # A range of times is a backfill's; a preview has none.
    assert set(CAUSES) == FILTERED.keys() - {"filtered.time"} | SKIPPED.keys()
