"""Whatever is changed in the evidence, the judge says so; what dead letters keep may be missing."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tests.chaos.everything.evidence import Arrival
from tests.chaos.everything.honest import Case, perfect
from tests.chaos.everything.judge import judge_everything
from tests.chaos.everything.page import settings
from tests.chaos.evidence import operation_digest
from tests.chaos.verdict import Verdict

RECORDS = 1_500
Tamper = Callable[[Case], None]


@pytest.fixture(scope="module")
def case() -> Case:
    """A stream of which everything became what it had to."""
    return perfect(RECORDS, 1, settings("changed"))


def somebody(case: Case, name: str) -> str:
    """A person with an attribute."""
    return next(who for who, each in case.evidence.people.items() if name in each.attributes)


def related_to(case: Case) -> tuple[str, str]:
    """A person and an object."""
    return next((who, min(keys)) for who, keys in case.related.relationships.items() if keys)


def device_of(case: Case, owners: int) -> str:
    """A device with anonymous events and so many owners."""
    devices = case.expected.devices.items()
    return next(name for name, each in devices if each.events and len(each.owners) == owners)


def count_twice(case: Case) -> None:
    case.evidence.people[somebody(case, "seats")].attributes["seats"] += 1


def change_hash(case: Case) -> None:
    case.evidence.people[somebody(case, "phone_sha256")].attributes["phone_sha256"] = "+41 79"


def forget_attribute(case: Case) -> None:
    del case.evidence.people[somebody(case, "a")].attributes["a"]


def invent_attribute(case: Case) -> None:
    case.evidence.people[somebody(case, "a")].attributes["phone"] = "+41 79"


def forget_person(case: Case) -> None:
    del case.evidence.people[only_seats(case)]


def only_seats(case: Case) -> str:
    """A person with one attribute."""
    return next(who for who, each in case.evidence.people.items() if len(each.attributes) == 1)


def invent_person(case: Case) -> None:
    case.evidence.people["id:invented"] = case.evidence.people[somebody(case, "a")]


def forget_relationship(case: Case) -> None:
    who, key = related_to(case)
    case.related.relationships[who].remove(key)


def invent_relationship(case: Case) -> None:
    who, _key = related_to(case)
    case.related.relationships[who].add("1/Nobody's")


def forget_object(case: Case) -> None:
    del case.related.objects["2/1"]


def invent_object(case: Case) -> None:
    case.related.objects["3/squad"] = {}


def forget_attribute_of_object(case: Case) -> None:
    del case.related.objects["2/1"]["tier"]


def keep_older_value_of_object(case: Case) -> None:
    case.related.objects["2/1"]["tier"] = "a"


def keep_removed_value_of_object(case: Case) -> None:
    case.related.objects["2/1"]["note"] = "x"


def leave_device_apart(case: Case) -> None:
    events = case.related.owners[device_of(case, owners=1)]
    events[next(iter(events))] = None


def give_device_to_another(case: Case) -> None:
    owners = case.related.owners[device_of(case, owners=1)]
    owners |= dict.fromkeys(owners, "id:another")


def give_device_of_nobody(case: Case) -> None:
    owners = case.related.owners["device of nobody"]
    owners |= dict.fromkeys(owners, somebody(case, "a"))


def tear_device_apart(case: Case) -> None:
    device = device_of(case, owners=2)
    one, other = case.expected.devices[device].owners
    events = case.related.owners[device]
    events |= {b"one": one, b"other": other}


def note_device_of_another(case: Case) -> None:
    device = device_of(case, owners=1)
    owners = case.expected.devices[device].owners
    who = next(who for who in case.evidence.people if who not in owners)
    case.evidence.people[who].attributes["anonymous_id"] = device


def drop_event(case: Case) -> None:
    case.evidence.events.pop()


def double_event(case: Case) -> None:
    case.evidence.events.append(case.evidence.events[0])


def change_event(case: Case) -> None:
    case.evidence.events[0] = case.evidence.events[0]._replace(content=b"another")


def remove_letter(case: Case) -> None:
    case.evidence.letters.pop()


def leave_messages(case: Case) -> None:
    case.evidence.left = 1


def unbalance(case: Case) -> None:
    case.evidence.ledgers[0].text = '{"final": true}'


def reject(case: Case, operation: dict[str, Any]) -> None:
    """Customer.io refused it on order, and a dead letter keeps it."""
    case.evidence.refused.add(operation_digest(operation))
    message_id = next(iter(case.expected.plain.message_ids))
    letter = {"reason": "rejected", "kind": "operation", "message_id": message_id}
    case.evidence.letters.append(letter | {"operation": operation, "letter_id": str(operation)})


def reject_identify(case: Case, who: str, attributes: dict[str, Any]) -> None:
    kind, _, value = who.partition(":")
    operation = {"type": "person", "action": "identify", "identifiers": {kind: value}}
    reject(case, operation | {"attributes": attributes, "timestamp": 1_795_300_000})


def refuse_attribute(case: Case) -> None:
    who = somebody(case, "a")
    reject_identify(case, who, {"a": case.evidence.people[who].attributes["a"]})
    forget_attribute(case)


def refuse_newer_value(case: Case) -> None:
    who = somebody(case, "seats")
    held = case.evidence.people[who].attributes
    reject_identify(case, who, {"seats": held["seats"]})
    held["seats"] = 1_000
    case.related.arrivals[who] = [Arrival(1, {"seats": 1_000})]


def refuse_and_invent_value(case: Case) -> None:
    refuse_newer_value(case)
    case.related.arrivals.clear()


def refuse_another_attribute(case: Case) -> None:
    reject_identify(case, somebody(case, "a"), {"b": 1})
    forget_attribute(case)


def refuse_relationship(case: Case) -> None:
    who, key = related_to(case)
    kind, _, value = who.partition(":")
    object_type_id, _, object_id = key.partition("/")
    of = {"identifiers": {"object_type_id": object_type_id, "object_id": object_id}}
    operation = {"type": "person", "action": "add_relationships", "identifiers": {kind: value}}
    reject(case, operation | {"cio_relationships": [of]})
    forget_relationship(case)


def refuse_object(case: Case) -> None:
    of = {"object_type_id": "2", "object_id": "1"}
    operation = {"type": "object", "action": "identify", "identifiers": of}
    reject(case, operation | {"attributes": {"tier": "closed"}})
    forget_attribute_of_object(case)


def refuse_device(case: Case) -> None:
    device = device_of(case, owners=1)
    [who] = case.expected.devices[device].owners
    reject_identify(case, who, {"anonymous_id": device})
    leave_device_apart(case)


def leave_shared_device_apart(case: Case) -> None:
    events = case.related.owners[device_of(case, owners=2)]
    events |= dict.fromkeys(events)


def counts(**found: int) -> dict[str, int]:
    """The counts of a verdict that found this and nothing else."""
    return Verdict().counts() | found


def test_nothing_is_wrong_with_perfect_evidence(case: Case) -> None:
    assert len(case.evidence.events) > 300
    assert len(case.evidence.letters) > 50
    assert len(case.related.objects) > 50
    assert sum(map(len, case.related.relationships.values())) > 200
    assert sum(map(len, case.related.owners.values())) > 50
    assert sum(len(each.attributes) for each in case.evidence.people.values()) > 200
    assert judge_everything(*case) == Verdict()


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (count_twice, counts(wrong=1)),
        (change_hash, counts(wrong=1)),
        (forget_attribute, counts(lost=1)),
        (invent_attribute, counts(wrong=1)),
        (forget_person, counts(lost=1)),
        (invent_person, counts(wrong=1)),
        (forget_relationship, counts(lost=1)),
        (invent_relationship, counts(wrong=1)),
        (forget_object, counts(lost=1)),
        (invent_object, counts(wrong=1)),
        (forget_attribute_of_object, counts(lost=1)),
        (keep_older_value_of_object, counts(wrong=1)),
        (keep_removed_value_of_object, counts(wrong=1)),
        (leave_device_apart, counts(lost=1)),
        (give_device_to_another, counts(wrong=1)),
        (give_device_of_nobody, counts(wrong=1)),
        (tear_device_apart, counts(wrong=1)),
        (note_device_of_another, counts(wrong=1)),
        (drop_event, counts(lost=1)),
        (double_event, counts(twice=2)),
        (change_event, counts(wrong=1)),
        (remove_letter, counts(lost=1)),
        (leave_messages, counts(lost=1)),
        (unbalance, counts(unbalanced=1)),
        (refuse_and_invent_value, counts(wrong=1)),
        (refuse_another_attribute, counts(lost=1)),
    ],
)
def test_the_judge_sees(case: Case, tamper: Tamper, found: dict[str, int]) -> None:
    changed = deepcopy(case)
    tamper(changed)
    assert judge_everything(*changed).counts() == found


@pytest.mark.parametrize(
    "change",
    [
        refuse_attribute,
        refuse_newer_value,
        refuse_relationship,
        refuse_object,
        refuse_device,
        leave_shared_device_apart,
    ],
)
def test_the_judge_lets_pass(case: Case, change: Tamper) -> None:
    changed = deepcopy(case)
    change(changed)
    assert judge_everything(*changed) == Verdict()


@pytest.mark.parametrize(
    ("arrivals", "noted"),
    [
        pytest.param([(5, 1_000), (5, None), (5, 1_000)], True, id="the same once more"),
        pytest.param([(5, None), (5, 1_000)], False, id="undone"),
        pytest.param([(5, 1_000), (4, None), (5, 1_000)], False, id="too old to count"),
        pytest.param([(5, 1_000), (6, None), (5, 1_000)], False, id="of an earlier second"),
    ],
)
def test_a_request_that_was_given_up_may_come_again(
    case: Case, arrivals: list[tuple[int, int | None]], noted: bool
) -> None:
    """None stands for the value that should be there."""
    _expected, evidence, related = changed = deepcopy(case)
    who = somebody(case, "seats")
    held = evidence.people[who].attributes
    wanted, held["seats"] = held["seats"], 1_000
    related.arrivals[who] = [
        Arrival(timestamp, {"seats": wanted if value is None else value})
        for timestamp, value in arrivals
    ]
    verdict = judge_everything(*changed)
    assert len(verdict.older_values) == noted
    assert verdict.counts() == counts(wrong=0 if noted else 1)
