"""Filter: what passes, which rule speaks first, and what holds the identify back."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.transforms.make import event, outcome_of, record, routed, update
from transforms.conditions import Clause
from transforms.filter import EVENT_ALIASES, Filter, FilterRules, TimeRange
from transforms.records import Group, Routed

TYPE = "filtered.event_type"
WHERE = "filtered.where"
EVENTS = "filtered.events_disabled"
USERS = "filtered.users_disabled"
FAILS = (Clause("user_id", "is", ("nobody",)),)


def verdict(rules: FilterRules, of: Routed) -> str:
    """The branches that are left, or the outcome."""
    result = Filter(rules).apply(of)
    if not isinstance(result, Routed):
        return outcome_of(result)
    assert (result.record, result.update) == (of.record, of.update)
    branches = [name for name in ("event", "person") if getattr(result, name)]
    return " + ".join([*branches, *([result.filtered] if result.filtered else [])])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(FilterRules(), "event", id="nothing set"),
        pytest.param(FilterRules(include=("Signed Up",)), "event", id="included"),
        pytest.param(FilterRules(include=("Other", "Signed Up")), "event", id="one of several"),
        pytest.param(FilterRules(include=("signed up",)), TYPE, id="case matters"),
        pytest.param(FilterRules(include=("Other",)), TYPE, id="not included"),
        pytest.param(FilterRules(include=()), TYPE, id="nothing is included"),
        pytest.param(FilterRules(exclude=("Other",)), "event", id="not excluded"),
        pytest.param(FilterRules(exclude=("Signed Up",)), TYPE, id="excluded"),
        pytest.param(
            FilterRules(include=("Signed Up",), exclude=("Signed Up",)), TYPE, id="exclude wins"
        ),
        pytest.param(FilterRules(where=FAILS), WHERE, id="where fails"),
        pytest.param(FilterRules(events_enabled=False), EVENTS, id="disabled"),
        pytest.param(FilterRules(users_enabled=False), "event", id="users disabled"),
        pytest.param(FilterRules(exclude=("Signed Up",), where=FAILS), TYPE, id="type first"),
        pytest.param(
            FilterRules(events_enabled=False, exclude=("Signed Up",), where=FAILS),
            EVENTS,
            id="disabled first of all",
        ),
    ],
)
def test_events(rules: FilterRules, expected: str) -> None:
    assert verdict(rules, routed(event())) == expected


def test_every_clause_must_hold() -> None:
    plan = Clause("event_properties.plan", "is", ("pro", "team"))
    country = Clause("user_properties.country", "is_not", ("DE",))
    chosen = Filter(FilterRules(where=(plan, country)))
    passed = [
        (plan, land)
        for plan in ("pro", "team", "free", None)
        for land in ("DE", "FR", None)
        if isinstance(
            chosen.apply(
                routed(event(event_properties={"plan": plan}, user_properties={"country": land}))
            ),
            Routed,
        )
    ]
    assert passed == [("pro", "FR"), ("pro", None), ("team", "FR"), ("team", None)]


@pytest.mark.parametrize("rules", [FilterRules(events_enabled=False), FilterRules(include=())])
def test_user_updates_pass_the_rules_for_events(rules: FilterRules) -> None:
    of = routed(update(a=1), update=True, event=False, person=True)
    assert verdict(rules, of) == "person"


def test_user_updates_end_where_users_are_disabled() -> None:
    of = routed(update(a=1), update=True, event=False, person=True)
    assert verdict(FilterRules(users_enabled=False), of) == USERS


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(FilterRules(), "event + person", id="both pass"),
        pytest.param(FilterRules(users_enabled=False), "event", id="no identify"),
        pytest.param(FilterRules(where=FAILS), f"person + {WHERE}", id="where"),
        pytest.param(FilterRules(include=()), f"person + {TYPE}", id="type"),
        pytest.param(FilterRules(events_enabled=False), f"person + {EVENTS}", id="events disabled"),
        pytest.param(
            FilterRules(events_enabled=False, users_enabled=False), EVENTS, id="both disabled"
        ),
    ],
)
def test_a_rule_for_events_leaves_their_identify(rules: FilterRules, expected: str) -> None:
    assert verdict(rules, routed(event(), person=True)) == expected


@pytest.mark.parametrize("field", ["event_type", "event_name"])
@pytest.mark.parametrize(("shown", "sent"), list(EVENT_ALIASES.items()))
def test_either_spelling_selects_both(field: str, shown: str, sent: str) -> None:
    for given in (shown, sent):
        for named in (shown, sent):
            of = routed(record({field: given}))
            assert verdict(FilterRules(include=(named,)), of) == "event"
            assert verdict(FilterRules(exclude=(named,)), of) == TYPE


def test_the_aliases_are_these() -> None:
    assert EVENT_ALIASES == {
        "[Amplitude] Start Session": "session_start",
        "[Amplitude] End Session": "session_end",
        "[Amplitude] Revenue": "revenue_amount",
        "[Experiment] Exposure": "$exposure",
    }


@pytest.mark.parametrize("name", ["[Amplitude] Page Viewed", " Signed Up", "*", "%s"])
def test_any_other_name_is_only_itself(name: str) -> None:
    of: Any = routed(record(event_type=name))
    assert verdict(FilterRules(include=(name,)), of) == "event"
    assert verdict(FilterRules(include=(name.strip() + "x",)), of) == TYPE


SINCE, UNTIL = 1_780_000_000_000, 1_780_000_001_000


@pytest.mark.parametrize(
    ("time_ms", "within", "passes"),
    [
        pytest.param(SINCE, TimeRange(SINCE, UNTIL), True, id="at the start"),
        pytest.param(SINCE - 1, TimeRange(SINCE, UNTIL), False, id="before the start"),
        pytest.param(UNTIL - 1, TimeRange(SINCE, UNTIL), True, id="before the end"),
        pytest.param(UNTIL, TimeRange(SINCE, UNTIL), False, id="at the end"),
        pytest.param(UNTIL, TimeRange(SINCE, None), True, id="without an end"),
        pytest.param(SINCE - 1, TimeRange(None, UNTIL), True, id="without a start"),
    ],
)
@pytest.mark.parametrize("is_update", [False, True], ids=["event", "update"])
def test_a_range_of_times_is_half_open(
    is_update: bool, time_ms: int, within: TimeRange, passes: bool
) -> None:
    of = routed(
        event(event_time=str(time_ms)), update=is_update, event=not is_update, person=is_update
    )
    unfiltered = verdict(FilterRules(), of)
    assert verdict(FilterRules(within=within), of) == (unfiltered if passes else "filtered.time")


def test_a_range_comes_before_the_other_rules() -> None:
    of = routed(event(event_time=str(UNTIL)))
    rules = FilterRules(events_enabled=False, within=TimeRange(SINCE, UNTIL))
    assert verdict(rules, of) == "filtered.time"
    assert verdict(replace(rules, within=TimeRange(UNTIL)), of) == EVENTS


@pytest.mark.parametrize("time", ["yesterday", 5], ids=["a word", "out of range"])
def test_a_record_without_a_time_is_left_to_be_a_dead_letter(time: object) -> None:
    of = routed(event(event_time=time))
    assert verdict(FilterRules(within=TimeRange(SINCE, UNTIL)), of) == "event"


GROUPED = msgspec.structs.replace(event(), groups=(Group("1", "Acme"),))
OFF = FilterRules(events_enabled=False, users_enabled=False)


@pytest.mark.parametrize(
    ("given_routed", "filtered"),
    [
        pytest.param(Routed(GROUPED, False, True, False), "filtered.events_disabled", id="event"),
        pytest.param(Routed(GROUPED, False, True, True), "filtered.events_disabled", id="both"),
        pytest.param(Routed(GROUPED, True, False, True), "filtered.users_disabled", id="update"),
        pytest.param(Routed(GROUPED, False, False, False), None, id="group update"),
    ],
)
def test_a_record_goes_on_for_its_groups(given_routed: Routed, filtered: str | None) -> None:
    passed = Filter(OFF).apply(given_routed)
    assert passed == Routed(GROUPED, given_routed.update, False, False, filtered)
