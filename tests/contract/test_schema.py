"""Whatever comes in and however the settings stand: what goes out keeps the Track API's contract.

Random records and settings go through the product's own functions, and every request body that
results is held against our schemas and against the limits in bytes.
"""

from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline.settings import Settings
from tests.contract import strategies
from tests.contract.chain import Outcome, run, with_retries
from tests.contract.kinds import features, message, operations, page, shapes
from tests.contract.schemas import request_faults
from transforms.records import Message

messages = st.lists(strategies.messages, min_size=1, max_size=2)


def check(outcome: Outcome, settings: Settings) -> None:
    """Asserts that every request keeps the contract, those after a refusal included."""
    for request in with_retries(outcome.requests):
        assert request_faults(request, settings.delivery.max_batch_bytes) == []
        assert len(request.pendings) <= settings.delivery.max_batch_items


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(messages=messages, settings=strategies.settings_pages())
def test_every_request_keeps_the_contract(messages: list[Message], settings: Settings) -> None:
    outcome = run(messages, settings)
    for feature in features(outcome, settings.events.rename.values()):
        event(feature)
    check(outcome, settings)


LEAST_SHARES = {
    "event": 0.1,
    "event with data": 0.05,
    "identify": 0.1,
    "update only": 0.02,
    "id": 0.1,
    "email": 0.02,
    "dead_lettered": 0.02,
}
"""Of the examples, how many at least have to show what: the check above must have work to do. The
chosen records below show each rarer kind once; hypothesis promises no shares."""


def test_the_random_examples_give_every_kind_of_operation() -> None:
    examples = 100
    seen: Counter[str] = Counter()

    @hypothesis_settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(messages=messages, settings=strategies.settings_pages())
    def count(messages: list[Message], settings: Settings) -> None:
        seen.update(features(run(messages, settings), settings.events.rename.values()))

    count()
    too_rare = {
        name: f"{seen[name]} of {examples} examples"
        for name, share in LEAST_SHARES.items()
        if seen[name] < share * examples
    }
    assert too_rare == {}


# Chosen records: each kind of operation once, so that none depends on chance.

ADA: dict[str, Any] = {"user_id": "ada", "event_time": 1_700_000_000}
PAID: dict[str, Any] = ADA | {"event_type": "Paid"}
LARGE = PAID | {"event_properties": {"words": "x" * 32_000}}
UPDATE = ADA | {"user_properties": {"plan": "pro"}}
ALWAYS = {"user_properties": "all", "trigger": "always"}
GROUPS = {"enabled": True, "object_types": {"company": "1"}, "group_properties": "all"}
IN_ACME = {"groups": {"company": ["Acme", 7]}}
NOBODY: dict[str, Any] = PAID | {"user_id": None, "device_id": "d1"}


@pytest.mark.parametrize(
    ("records", "settings", "expected"),
    [
        pytest.param([PAID], page(), [["event"]], id="an event without properties"),
        pytest.param(
            [PAID | {"event_properties": {"a": None, "b": [None, {"c": None}]}}],
            page(),
            [["event"]],
            id="nulls in an event",
        ),
        pytest.param(
            [PAID | {"group_properties": {"company": {"Acme": {"seats": 5}}}}],
            page(),
            [["event"]],
            id="group properties",
        ),
        pytest.param([LARGE], page(), [["large event"]], id="a large event"),
        pytest.param(
            [PAID, LARGE, UPDATE],
            page(),
            [["event"], ["large event"], ["identify"]],
            id="a large event between others",
        ),
        pytest.param([UPDATE], page(), [["identify"]], id="a user update"),
        pytest.param(
            [ADA | {"user_properties": {"$unset": {"plan": "-"}}}],
            page(),
            [["identify"]],
            id="a removal",
        ),
        pytest.param(
            [UPDATE],
            page(users={"user_properties": "all", "update_only": True}),
            [["identify"]],
            id="an update only",
        ),
        pytest.param(
            [PAID | {"user_properties": {"plan": "pro"}}],
            page(users=ALWAYS),
            [["event", "identify"]],
            id="an event that identifies",
        ),
        pytest.param(
            [UPDATE, UPDATE | {"user_properties": {"plan": None, "seats": 5}}],
            page(),
            [["coalesced identify"]],
            id="two updates of one person",
        ),
        pytest.param(
            [UPDATE] * 3,
            page(delivery={"max_batch_items": 1}),
            [["identify"]] * 3,
            id="updates in requests of one item",
        ),
        pytest.param(
            [UPDATE | {"user_id": f"u{number}"} for number in range(5)],
            page(delivery={"max_batch_items": 2}),
            [["identify"] * 2, ["identify"] * 2, ["identify"]],
            id="more than a request holds",
        ),
        pytest.param(
            [ADA | {"user_properties": {"_private": 1, "id": "eve", "plan": "pro"}}],
            page(),
            [["identify"]],
            id="reserved names in an update",
        ),
        pytest.param(
            [ADA | {"user_properties": {f"{letter}{n}": n for n in range(150)}} for letter in "ab"],
            page(),
            [["coalesced identify"]],
            id="updates of 300 attributes together",
        ),
        pytest.param(
            [ADA | {"user_properties": {f"{letter}{n}": n for n in range(151)}} for letter in "ab"],
            page(),
            [["identify", "identify"]],
            id="updates of too many attributes together",
        ),
        pytest.param(
            [
                ADA | {"user_properties": {f"{letter}{n}": "x" * 950 for n in range(20)}}
                for letter in "ab"
            ],
            page(),
            [["identify", "identify"]],
            id="updates too large to be one",
        ),
        pytest.param(
            [PAID | {"event_type": "e" * 101}],
            page(limits={"on_violation": "trim"}),
            [["event"]],
            id="a name that is cut",
        ),
        pytest.param(
            [PAID | {"event_type": " " * 100 + "e"}],
            page(limits={"on_violation": "trim"}),
            [["event"]],
            id="a name that begins with blanks and is cut",
        ),
        pytest.param(
            [PAID | {"event_properties": {"a": "x" * 40_000, "b": "x" * 70_000}}],
            page(limits={"on_violation": "trim"}),
            [["large event"]],
            id="data that is cut",
        ),
        pytest.param(
            [ADA | {"user_properties": {f"a{n}": n for n in range(301)}}],
            page(
                limits={"on_violation": "trim"},
                users={"user_properties": "all", "update_only": True},
            ),
            [["identify"]],
            id="attributes that are cut",
        ),
        pytest.param(
            [PAID | IN_ACME, UPDATE | IN_ACME],
            page(groups=GROUPS),
            [["event", "relationships", "identify"]],
            id="groups of a person",
        ),
        pytest.param(
            [
                ADA
                | {"event_type": "$groupidentify", "group_properties": {"tier": "a", "_x": 1}}
                | IN_ACME
            ],
            page(groups=GROUPS),
            [["object", "object"]],
            id="a group update",
        ),
        pytest.param(
            [PAID, NOBODY, NOBODY | LARGE | {"user_id": None}, PAID | {"device_id": "d1"}],
            page(mappings={"anonymous": "send"}),
            [["anonymous event"], ["anonymous event"], ["event", "event", "identify"]],
            id="anonymous events, and whose they are",
        ),
    ],
)
def test_what_is_sent(
    records: list[dict[str, Any]], settings: Settings, expected: list[list[str]]
) -> None:
    outcome = run([message(*records)], settings)

    check(outcome, settings)
    assert shapes(outcome.requests) == expected


@pytest.mark.parametrize(
    ("user_id", "identifiers"),
    [
        pytest.param(12, {"id": "12"}, id="number"),
        pytest.param(" ada ", {"id": "ada"}, id="blanks around"),
        pytest.param("Ada@X.org", {"email": "Ada@X.org"}, id="e-mail"),
        pytest.param("cio_a1", {"cio_id": "a1"}, id="cio_id"),
        pytest.param("cio_", {"id": "cio_"}, id="a mark alone"),
        pytest.param("cio_\n", {"id": "cio_"}, id="a mark and white space"),
        pytest.param("cio_ada@x.org", {"email": "cio_ada@x.org"}, id="e-mail after a mark"),
    ],
)
def test_whom_it_is_about(user_id: Any, identifiers: dict[str, str]) -> None:
    settings = page()
    outcome = run([message(PAID | {"user_id": user_id})], settings)

    check(outcome, settings)
    assert [operation.identifiers for operation in operations(outcome.requests)] == [identifiers]
