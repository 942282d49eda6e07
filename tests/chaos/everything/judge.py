"""Compares what went into a storm with everything on with what came out of it.

Events, dead letters and ledgers are judged as in any storm. What Customer.io refused on order, and
what a dead letter therefore keeps, may be missing: an attribute, a relationship, what an object is,
whose a device is. docs/memory.md and docs/groups.md say so: it counts as sent. Events of a device
that two people use may stay nobody's, by docs/anonymous.md. That a request which was given up may
undo a newer one of the same second, by docs/memory.md, is noted among the older values.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from tests.chaos.everything.evidence import Arrival, Related
from tests.chaos.everything.expected import Expected, Json
from tests.chaos.evidence import Evidence, FoundPerson
from tests.chaos.judge import judge_all_but_people
from tests.chaos.verdict import Verdict
from tests.chaos.wanted import person_of
from tests.end_to_end.expectation import canonical

_DEVICE = "anonymous_id"


@dataclass
class Refused:
    """What operations said that Customer.io refused, each with its dead letter."""

    attributes: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Names, by person or object (type/id)."""
    relationships: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    devices: set[str] = field(default_factory=set)


def judge_everything(expected: Expected, evidence: Evidence, related: Related) -> Verdict:
    """The verdict over a storm with everything on."""
    verdict = Verdict()
    judge_all_but_people(expected.plain, evidence, verdict)
    refused = refused_on_order(evidence)
    _judge_people(expected, evidence, related, refused, verdict)
    _judge_relationships(expected, related, refused, verdict)
    _judge_objects(expected, related, refused, verdict)
    _judge_devices(expected, evidence, related, refused, verdict)
    return verdict


def refused_on_order(evidence: Evidence) -> Refused:
    """What the letters keep that are there because of a refusal."""
    refused = Refused()
    for letter in evidence.letters:
        operation = letter.get("operation")
        if letter.get("reason") != "rejected" or not isinstance(operation, dict):
            continue
        identifiers = operation["identifiers"]
        if operation.get("type") == "object":
            key = f"{identifiers['object_type_id']}/{identifiers['object_id']}"
            refused.attributes[key] |= operation["attributes"].keys()
            continue
        who = person_of(identifiers)
        if operation["action"] == "add_relationships":
            refused.relationships[who] |= {
                f"{of['object_type_id']}/{of['object_id']}"
                for of in (each["identifiers"] for each in operation["cio_relationships"])
            }
        elif operation["action"] == "identify":
            refused.attributes[who] |= operation["attributes"].keys()
            refused.devices |= {operation["attributes"].get(_DEVICE, "")}
    return refused


def _judge_people(
    expected: Expected, evidence: Evidence, related: Related, refused: Refused, verdict: Verdict
) -> None:
    attributes = expected.attributes()
    for who in sorted(evidence.people.keys() - attributes.keys()):
        verdict.wrong.append(f"nobody sent anything about {who}")
    for who in sorted(attributes):
        found = evidence.people.get(who, FoundPerson(None, {})).attributes
        wanted, arrivals = attributes[who], related.arrivals[who]
        held, without_repeats = held_after(arrivals), held_after(first_of_each(arrivals))
        for name in sorted((found.keys() | wanted.keys()) - {_DEVICE}):
            is_there, should = canonical(found.get(name)), canonical(wanted.get(name))
            if is_there == should:
                continue
            if name in refused.attributes[who] and _has_arrived(arrivals, name, is_there):
                continue
            line = f"{who}: {name} is {is_there}, and should be {should}"
            undone = canonical(held.get(name)) == is_there
            if arrivals and undone and canonical(without_repeats.get(name)) == should:
                verdict.older_values.append(line)
            else:
                (verdict.wrong if name in found else verdict.lost).append(line)


def _has_arrived(arrivals: list[Arrival], name: str, value: str) -> bool:
    return value == canonical(None) or any(
        name in each.attributes and canonical(each.attributes[name]) == value for each in arrivals
    )


def first_of_each(arrivals: list[Arrival]) -> list[Arrival]:
    """Without those that are the same as an earlier one.

    A request that the sender has given up, and has sent again, may be carried out at any time. By
    then there may be a newer one of the same second, which it undoes.
    """
    return list({canonical([*each]): each for each in arrivals}.values())


def held_after(arrivals: list[Arrival]) -> Json:
    """The attributes of a person after these: an older one never replaces a newer one."""
    held: Json = {}
    newest = 0
    for timestamp, attributes in arrivals:
        if timestamp >= newest:
            newest = timestamp
            held |= attributes
    return held


def _judge_relationships(
    expected: Expected, related: Related, refused: Refused, verdict: Verdict
) -> None:
    for who in sorted(expected.plain.people | related.relationships.keys()):
        found, wanted = related.relationships.get(who, set()), expected.relationships[who]
        for key in sorted(wanted - found - refused.relationships[who]):
            verdict.lost.append(f"{who} is not related to {key}")
        for key in sorted(found - wanted):
            verdict.wrong.append(f"{who} is related to {key}")


def _judge_objects(
    expected: Expected, related: Related, refused: Refused, verdict: Verdict
) -> None:
    tried = {key for of in refused.relationships.values() for key in of} | refused.attributes.keys()
    for key in sorted(expected.objects.keys() - related.objects.keys() - tried):
        verdict.lost.append(f"there is no object {key}")
    for key, found in sorted(related.objects.items()):
        if key not in expected.objects:
            verdict.wrong.append(f"nobody spoke of the object {key}")
            continue
        wanted = expected.objects[key]
        for name in sorted(found.keys() | wanted.keys()):
            if canonical(found.get(name)) != canonical(wanted.get(name)) and (
                name in found or name not in refused.attributes[key]
            ):
                line = f"object {key}: {name} is {found.get(name)!r}, not {wanted.get(name)!r}"
                (verdict.wrong if name in found else verdict.lost).append(line)


def _judge_devices(
    expected: Expected, evidence: Evidence, related: Related, refused: Refused, verdict: Verdict
) -> None:
    for device, found in sorted(related.owners.items()):
        owners = expected.devices[device].owners
        whose = set(found.values())
        if whose - owners - {None}:
            verdict.wrong.append(f"events of {device} are of {whose}, not of {owners}")
        elif len(whose - {None}) > 1:
            verdict.wrong.append(f"events of {device} are of several people: {whose}")
        elif None in whose and len(owners) == 1 and device not in refused.devices:
            verdict.lost.append(f"events of {device} are nobody's, and should be of {owners}")
    for who, person in evidence.people.items():
        theirs = person.attributes.get(_DEVICE)
        if theirs is not None and who not in expected.devices[theirs].owners:
            verdict.wrong.append(f"{who} has the device {theirs}")
