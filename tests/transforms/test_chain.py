"""From decode to validate: whatever comes in, every record ends in one way, twice the same."""

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import EVENT_S, few, json_values, message, outcome_of, texts
from transforms.build import build_operations, with_canonical_names
from transforms.conditions import OPERATORS, Clause
from transforms.decode import decode_message
from transforms.filter import Filter, FilterRules
from transforms.identify import select_person
from transforms.project import EventSelection, project
from transforms.properties import PropertyPath, Selection
from transforms.reasons import OUTCOMES
from transforms.records import Delivery, EventOperation, Record, Settled
from transforms.resolve import resolve_identifier
from transforms.route import route
from transforms.tally import Tally
from transforms.validate import OnViolation, validate


class Chain(msgspec.Struct):
    """Settings of the whole way."""

    rules: FilterRules = FilterRules()
    events: EventSelection = EventSelection("all", "all", "all")
    people: Selection = "all"
    identifier: str = "user_id"
    identify_events: bool = False
    update_only: bool = False
    on_violation: OnViolation = "dead_letter"

    def run(self, data: bytes) -> list[Delivery | Settled]:
        """What becomes of the records in a message."""
        tally = Tally()
        return [
            found if isinstance(found, Settled) else self._settle(found, tally)
            for found in decode_message(message(data))
        ]

    def _settle(self, record: Record, tally: Tally) -> Delivery | Settled:
        routed = route(record, identify_events=self.identify_events)
        if isinstance(routed, Settled):
            return routed
        passed = Filter(self.rules).apply(routed)
        if isinstance(passed, Settled):
            return passed
        selected = select_person(project(passed, self.events, tally), self.people, tally)
        if isinstance(selected, Settled):
            return selected
        known = resolve_identifier(selected, PropertyPath(self.identifier), "dead_letter")
        if isinstance(known, Settled):
            return known
        names = with_canonical_names({"Signed Up": "signed_up"})
        made = build_operations(known, names, update_only=self.update_only)
        if isinstance(made, Settled):
            return made
        return validate(made, self.on_violation, tally)


_names = st.sampled_from(
    ["a", "b", "id", "_x", "recipient", "groups", "$set", "$unset", "$add", "$setOnce", "é" * 80]
)
_long_values = st.integers(900, 1100).map(lambda size: "x" * size)
_properties = st.dictionaries(_names | texts(), json_values(3) | _long_values, max_size=5)
_maybe_properties = _properties | json_values(2)
_times = st.sampled_from([EVENT_S, EVENT_S * 1000, "2026-05-04 10:01:07.123000", None, "", 0])
_records = st.fixed_dictionaries(
    {},
    optional={
        "event_type": st.sampled_from(["Signed Up", "session_start", "$identify", "", "é" * 60])
        | json_values(1),
        "event_name": st.just("Named"),
        "user_id": st.sampled_from(["ada", "a@b.c", "cio_1", "", 12, 1.0, "x" * 151])
        | json_values(1),
        "device_id": texts(),
        "$insert_id": texts() | st.none(),
        "event_time": _times | json_values(1),
        "client_event_time": _times,
        "event_properties": _maybe_properties,
        "user_properties": _maybe_properties,
        "group_properties": st.dictionaries(_names, st.dictionaries(_names, _properties)),
        "cohort_id": st.just("c"),
        "in_cohort": st.booleans(),
        "api_key": st.just("SECRET"),
    },
)
_good_records = st.fixed_dictionaries(
    {
        "event_type": st.sampled_from(["Signed Up", "session_start", "$identify"]),
        "user_id": st.sampled_from(["ada", "a@b.c", 12]),
        "event_time": st.sampled_from([EVENT_S, "2026-05-04 10:01:07.123000"]),
        "event_properties": _properties,
        "user_properties": _properties,
    }
)
_selections = st.sampled_from(["none", "all", ("a", "b", "é" * 80), ("id", "groups")])
_clauses = st.builds(
    Clause,
    st.sampled_from(["user_id", "event_properties.a", "user_properties.b"]),
    st.sampled_from(sorted(OPERATORS)),
    st.sampled_from([(), ("a",), (1, "x")]),
)
_chains = st.builds(
    Chain,
    rules=st.builds(FilterRules, where=st.lists(_clauses, max_size=1).map(tuple)),
    events=st.builds(EventSelection, _selections, _selections, _selections),
    people=_selections,
    identifier=st.sampled_from(["user_id", "user_properties.a"]),
    identify_events=st.booleans(),
    update_only=st.booleans(),
    on_violation=st.sampled_from(["dead_letter", "trim"]),
)


@few
@given(_chains, st.lists(_records | _good_records, min_size=1, max_size=4))
def test_any_records_end_and_end_the_same_when_they_come_again(
    chain: Chain, records: list[dict[str, Any]]
) -> None:
    results = chain.run(json.dumps(records).encode())
    assert len(results) == len(records)
    for result in results:
        if isinstance(result, Settled):
            assert outcome_of(result) in OUTCOMES
            assert (result.letter is not None) is result.outcome.startswith("dead_lettered.")
            continue
        assert result.items
        assert result.origin.message_id == "m1"
        for item in result.items:
            assert msgspec.json.decode(item.body, type=type(item.operation)) == item.operation
    assert b"SECRET" not in msgspec.json.encode(results)
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    again = chain.run(lines.encode())
    assert msgspec.json.encode(again) == msgspec.json.encode(results)


@few
@given(_chains, _good_records)
def test_a_record_that_nothing_is_wrong_with_is_never_a_surprise(
    chain: Chain, record: dict[str, Any]
) -> None:
    [result] = chain.run(json.dumps(record).encode())
    if isinstance(result, Delivery):
        events = [i.operation for i in result.items if isinstance(i.operation, EventOperation)]
        assert all(operation.timestamp == EVENT_S for operation in events)
        return
    assert result.outcome.partition(".")[2] in {
        *("where", "no_selected_property", "operator_needs_state", "no_identifier"),
        *("identifier_too_long", "attribute_name_too_long", "attribute_value_too_long"),
        *("item_too_large", "event_data_too_large"),
    }


def test_one_message_of_everything() -> None:
    """A worked example, from bytes to bytes."""
    body = {
        "api_key": "SECRET",
        "events": [
            {
                "event_type": "Signed Up",
                "user_id": " ada@example.com ",
                "device_id": "d1",
                "$insert_id": "i1",
                "event_time": "2026-05-04 10:01:07.123000",
                "event_properties": {"plan": "pro", "seats": 5, "recipient": "x@y.z"},
                "user_properties": {"plan": "free", "country": "FR"},
            },
            {
                "event_type": "$identify",
                "user_id": 7,
                "time": EVENT_S,
                "user_properties": {
                    "$set": {"plan": "pro"},
                    "$unset": {"trial": "-"},
                    "$add": {"visits": 1},
                },
            },
        ],
    }
    results = Chain().run(json.dumps(body).encode())
    bodies = [
        json.loads(item.body)
        for result in results
        if isinstance(result, Delivery)
        for item in result.items
    ]
    assert bodies == [
        {
            "type": "person",
            "action": "event",
            "identifiers": {"email": "ada@example.com"},
            "name": "signed_up",
            "id": bodies[0]["id"],
            "timestamp": EVENT_S,
            "attributes": {"plan": "pro", "country": "FR", "seats": 5},
        },
        {
            "type": "person",
            "action": "identify",
            "identifiers": {"id": "7"},
            "timestamp": EVENT_S,
            "attributes": {"plan": "pro", "trial": None},
        },
    ]
