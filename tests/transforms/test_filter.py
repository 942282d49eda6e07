"""Filter: what passes, which rule speaks first, and what holds the identify back."""

from typing import Any

import pytest

from tests.transforms.make import event, outcome_of, record, routed, update
from transforms.conditions import Clause
from transforms.filter import EVENT_ALIASES, Filter, FilterRules
from transforms.records import Routed

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
