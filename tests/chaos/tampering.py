"""Ways to change evidence: those that a judge must see, and those that it must let pass."""

import json
from copy import deepcopy
from dataclasses import replace
from typing import Any

from tests.chaos.evidence import Evidence, FoundIdentify, Ledger, operation_digest
from tests.chaos.honest import ledger_of, ulid_of
from tests.chaos.wanted import Wanted, event_digests


def drop_event(wanted: Wanted, evidence: Evidence) -> None:
    evidence.events.pop()


def double_event(wanted: Wanted, evidence: Evidence) -> None:
    event = evidence.events[0]
    evidence.events.append(event._replace(ulid=ulid_of(event.timestamp, 10**9)))


def double_event_and_ulid(wanted: Wanted, evidence: Evidence) -> None:
    evidence.events.append(evidence.events[0])


def change_event(wanted: Wanted, evidence: Evidence) -> None:
    evidence.events[0] = evidence.events[0]._replace(content=b"another")


def change_event_and_person(wanted: Wanted, evidence: Evidence) -> None:
    evidence.events[0] = evidence.events[0]._replace(content=b"another", headline=b"another")


def change_ulid(wanted: Wanted, evidence: Evidence) -> None:
    event = evidence.events[0]
    evidence.events[0] = event._replace(ulid=ulid_of(event.timestamp + 1, 10**9))


def remove_ulid(wanted: Wanted, evidence: Evidence) -> None:
    evidence.events[0] = evidence.events[0]._replace(ulid="")


def remove_letter(wanted: Wanted, evidence: Evidence) -> None:
    evidence.letters.pop(index_of(evidence, "record"))


def remove_letter_of_input(wanted: Wanted, evidence: Evidence) -> None:
    evidence.letters.pop(index_of(evidence, "input"))


def add_letter(wanted: Wanted, evidence: Evidence) -> None:
    another = {"message_id": "of nobody", "letter_id": "new"}
    evidence.letters.append(evidence.letters[0] | another)


def add_letter_of_another_reason(wanted: Wanted, evidence: Evidence) -> None:
    another = {"reason": "internal_error", "letter_id": "new"}
    evidence.letters.append(evidence.letters[0] | another)


def add_letter_of_another_input(wanted: Wanted, evidence: Evidence) -> None:
    place = next(
        number
        for number, letter in enumerate(evidence.letters)
        if letter["kind"] == "input"
        and b"api_key" not in wanted.raw.get(letter["message_id"], b"api_key")
    )
    evidence.letters.append(
        evidence.letters[place] | {"record": "another text", "encoding": "text", "letter_id": "new"}
    )


def give_another_id(wanted: Wanted, evidence: Evidence) -> None:
    evidence.letters.append(evidence.letters[0] | {"letter_id": "another"})


def give_the_same_id(wanted: Wanted, evidence: Evidence) -> None:
    evidence.letters[0]["letter_id"] = evidence.letters[-1]["letter_id"]


def change_letter(wanted: Wanted, evidence: Evidence) -> None:
    letter = evidence.letters[index_of(evidence, "record")]
    letter["record"] = '{"event_type":"another"}'


def break_letter(wanted: Wanted, evidence: Evidence) -> None:
    evidence.broken_letters.append('{"reason":')


def reject_without_refusal(wanted: Wanted, evidence: Evidence) -> None:
    evidence.letters.append(rejected_letter(wanted))


def reject_without_operation(wanted: Wanted, evidence: Evidence) -> None:
    letter = rejected_letter(wanted)
    evidence.refused.add(operation_digest(letter.pop("operation")))
    evidence.letters.append(letter)


def lose_refused_event(wanted: Wanted, evidence: Evidence) -> None:
    letter = rejected_letter(wanted)
    evidence.refused.add(operation_digest(letter["operation"]))
    add_event(wanted, letter["operation"])


def lose_identify(wanted: Wanted, evidence: Evidence) -> None:
    person, sent = several_identifies(wanted)
    gone = FoundIdentify(*sent[0])
    evidence.identifies[person] = [each for each in evidence.identifies[person] if each != gone]


def change_identify(wanted: Wanted, evidence: Evidence) -> None:
    person, sent = several_identifies(wanted)
    changed = FoundIdentify(sent[0].timestamp, {"plan": "another"})
    evidence.identifies[person].append(changed)


def change_identify_time(wanted: Wanted, evidence: Evidence) -> None:
    person, sent = several_identifies(wanted)
    evidence.identifies[person].append(FoundIdentify(1_000_000_000, sent[0].attributes))


def change_attribute(wanted: Wanted, evidence: Evidence) -> None:
    person, sent = several_identifies(wanted)
    newest = max(sent, key=lambda identify: identify.timestamp)
    other = next(each.attributes["plan"] for each in sent if "plan" in each.attributes)
    name = next(name for name, value in newest.attributes.items() if value not in (None, other))
    evidence.people[person].attributes[name] = "another"


def forget_attribute(wanted: Wanted, evidence: Evidence) -> None:
    person, sent = several_identifies(wanted)
    newest = max(sent, key=lambda identify: identify.timestamp)
    name = next(name for name, value in newest.attributes.items() if value is not None)
    del evidence.people[person].attributes[name]


def forget_newest(wanted: Wanted, evidence: Evidence) -> None:
    person, sent = several_identifies(wanted)
    oldest = min(identify.timestamp for identify in sent)
    evidence.people[person] = evidence.people[person]._replace(newest=oldest)


def forget_person(wanted: Wanted, evidence: Evidence) -> None:
    del evidence.people[several_identifies(wanted)[0]]


def invent_person(wanted: Wanted, evidence: Evidence) -> None:
    evidence.people["id:invented"] = next(iter(evidence.people.values()))


def leave_messages(wanted: Wanted, evidence: Evidence) -> None:
    evidence.left = 2


def refuse_by_rule(wanted: Wanted, evidence: Evidence) -> None:
    evidence.refused_by_rule = 1


def unbalance(wanted: Wanted, evidence: Evidence) -> None:
    evidence.ledgers[0] = ledger_of(wanted, received=wanted.records + 1, balanced=False)


def claim_balance(wanted: Wanted, evidence: Evidence) -> None:
    outcomes = wanted.ledger | {"delivered": wanted.ledger["delivered"] - 1}
    evidence.ledgers[0] = ledger_of(wanted, outcomes=outcomes)


def leave_ledger_open(wanted: Wanted, evidence: Evidence) -> None:
    evidence.ledgers[0] = ledger_of(wanted, final=False)


def lose_ledger(wanted: Wanted, evidence: Evidence) -> None:
    evidence.ledgers[0].text = None


def tear_ledger(wanted: Wanted, evidence: Evidence) -> None:
    evidence.ledgers.append(Ledger("killed", ended=False, exit_code=-9, text='{"final": fal'))


def settle_too_much(wanted: Wanted, evidence: Evidence) -> None:
    ledger = ledger_of(wanted, final=False, balanced=False, received=wanted.records - 1)
    evidence.ledgers.append(replace(ledger, ended=False, exit_code=-9))


def end_badly(wanted: Wanted, evidence: Evidence) -> None:
    evidence.ledgers[0].exit_code = 1


def repeat_letters(wanted: Wanted, evidence: Evidence) -> None:
    evidence.letters += deepcopy(evidence.letters)


def kill_without_ledger(wanted: Wanted, evidence: Evidence) -> None:
    evidence.ledgers.append(Ledger("killed", ended=False, exit_code=-9, text=None))


def kill_in_the_middle(wanted: Wanted, evidence: Evidence) -> None:
    ledger = ledger_of(wanted, final=False, balanced=False, received=wanted.records + 1)
    evidence.ledgers.append(replace(ledger, ended=False, exit_code=-9))


def reject(wanted: Wanted, evidence: Evidence) -> None:
    letter = rejected_letter(wanted)
    add_event(wanted, letter["operation"])
    evidence.refused.add(operation_digest(letter["operation"]))
    evidence.letters += [letter, letter]


def reject_identify(wanted: Wanted, evidence: Evidence) -> None:
    person, sent = several_identifies(wanted)
    oldest = min(sent, key=lambda identify: identify.timestamp)
    operation = {
        "action": "identify",
        "identifiers": {"id": person.removeprefix("id:")},
        "attributes": oldest.attributes,
        "timestamp": oldest.timestamp,
    }
    lost = FoundIdentify(*oldest)
    evidence.identifies[person] = [each for each in evidence.identifies[person] if each != lost]
    evidence.refused.add(operation_digest(operation))
    evidence.letters.append(
        rejected_letter(wanted) | {"operation": operation, "letter_id": "one more"}
    )


def make_one_of_two_identifies(wanted: Wanted, evidence: Evidence) -> None:
    person, sent = several_identifies(wanted)
    first, second = sorted(sent, key=lambda identify: identify.timestamp)[:2]
    parts = [FoundIdentify(*first), FoundIdentify(*second)]
    kept = [each for each in evidence.identifies[person] if each not in parts]
    both = FoundIdentify(second.timestamp, first.attributes | second.attributes)
    evidence.identifies[person] = [*kept, both]


def keep_older_value(wanted: Wanted, evidence: Evidence) -> None:
    person, sent = several_identifies(wanted)
    newest = max(sent, key=lambda identify: identify.timestamp)
    name, older = next(
        (name, value)
        for identify in sent
        for name, value in identify.attributes.items()
        if value is not None and newest.attributes.get(name) not in (None, value)
    )
    evidence.people[person].attributes[name] = older


def index_of(evidence: Evidence, kind: str) -> int:
    """The first letter of a kind."""
    return [letter["kind"] for letter in evidence.letters].index(kind)


def several_identifies(wanted: Wanted) -> tuple[str, list[Any]]:
    """A person, by id, with identifies at different times that say different things of a plan."""
    for person, sent in wanted.identifies.items():
        times = {identify.timestamp for identify in sent}
        texts = {json.dumps(identify.attributes, sort_keys=True) for identify in sent}
        plans = {identify.attributes.get("plan") for identify in sent}
        different = 1 < len(sent) == len(times) == len(texts)
        if person.startswith("id:") and different and len(plans - {None}) == len(sent):
            return person, sent
    raise AssertionError("the sample has nobody with several identifies")


def rejected_letter(wanted: Wanted) -> dict[str, Any]:
    """The letter of an event that nobody has sent so far."""
    operation = {
        "action": "event",
        "identifiers": {"id": "somebody"},
        "name": "Refused",
        "id": ulid_of(1_700_000_000, 7),
        "timestamp": 1_700_000_000,
        "attributes": {"plan": "pro"},
    }
    message_id = next(iter(wanted.message_ids))
    return {
        "reason": "rejected",
        "kind": "operation",
        "letter_id": "of a refusal",
        "message_id": message_id,
        "operation": operation,
    }


def add_event(wanted: Wanted, operation: dict[str, Any]) -> None:
    """Lets an event be expected."""
    wanted.people.add("id:somebody")
    wanted.events[b"somebody"] = event_digests(
        operation["identifiers"],
        operation["name"],
        operation["timestamp"],
        operation["attributes"],
    )
