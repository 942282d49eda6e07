"""People: every identify has arrived, and what Customer.io knows of a person follows from them.

An identify may have become one with others of its person, so what arrives holds it when it names
all its attributes, each with its own value or with that of an identify that is not older.
What a profile says is determined for the attributes of the newest identify; older ones may have
come too late to count, which is how Customer.io keeps the order. A value from an older identify is
no fault there, but is noted: it may have come along with the newest, in one with it.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tests.chaos.evidence import Evidence, FoundIdentify, FoundPerson
from tests.chaos.verdict import Verdict
from tests.chaos.wanted import Wanted, WantedIdentify
from tests.end_to_end.expectation import canonical


def judge_people(
    wanted: Wanted,
    evidence: Evidence,
    excused: defaultdict[str, list[WantedIdentify]],
    verdict: Verdict,
) -> None:
    """Judges identifies and profiles; `excused` are identifies that were refused on order."""
    for person in sorted(evidence.people.keys() - wanted.people):
        verdict.wrong.append(f"nobody sent anything about {person}")
    for person in sorted(wanted.people):
        sent = wanted.identifies.get(person, [])
        refused = {_key(identify) for identify in excused.get(person, [])}
        must = [identify for identify in sent if _key(identify) not in refused]
        _judge_arrivals(person, sent, must, evidence.identifies.get(person, []), verdict)
        profile = evidence.people.get(person)
        if profile is not None:
            _judge_profile(person, sent, must, profile, verdict)
        elif must:
            verdict.lost.append(f"nothing is known of {person}")


def _key(identify: WantedIdentify | FoundIdentify) -> str:
    return canonical([identify.timestamp, identify.attributes])


def _judge_arrivals(
    person: str,
    sent: Sequence[WantedIdentify],
    must: Sequence[WantedIdentify],
    arrived: Sequence[FoundIdentify],
    verdict: Verdict,
) -> None:
    exact = {_key(identify) for identify in arrived}
    values = _latest_of_values(sent)
    times = {identify.timestamp for identify in sent}
    for identify in must:
        if _key(identify) not in exact and not any(
            _holds(each, identify, values) for each in arrived
        ):
            verdict.lost.append(f"an identify of {person} at {identify.timestamp} did not arrive")
    for each in arrived:
        known = all((name, canonical(value)) in values for name, value in each.attributes.items())
        if not known or each.timestamp not in times:
            verdict.wrong.append(f"an identify of {person} that nobody sent so: {each}")


def _latest_of_values(sent: Iterable[WantedIdentify]) -> dict[tuple[str, str], int]:
    """The newest time at which an identify gives an attribute a value."""
    latest: dict[tuple[str, str], int] = {}
    for identify in sent:
        for name, value in identify.attributes.items():
            place = name, canonical(value)
            latest[place] = max(identify.timestamp, latest.get(place, 0))
    return latest


def _holds(
    arrived: FoundIdentify, identify: WantedIdentify, latest: dict[tuple[str, str], int]
) -> bool:
    if arrived.timestamp is None or arrived.timestamp < identify.timestamp:
        return False
    for name, value in identify.attributes.items():
        if name not in arrived.attributes:
            return False
        found = canonical(arrived.attributes[name])
        if found != canonical(value) and latest.get((name, found), 0) < identify.timestamp:
            return False
    return True


def _judge_profile(
    person: str,
    sent: Sequence[WantedIdentify],
    must: Sequence[WantedIdentify],
    profile: FoundPerson,
    verdict: Verdict,
) -> None:
    values = _latest_of_values(sent)
    for name, value in profile.attributes.items():
        if (name, canonical(value)) not in values:
            verdict.wrong.append(f"{person}: nobody said that {name} is {value!r}")
    times = {identify.timestamp for identify in sent}
    if profile.newest is not None and profile.newest not in times:
        verdict.wrong.append(f"{person}: no identify is of {profile.newest}")
    if not must:
        return
    newest = max(identify.timestamp for identify in must)
    if profile.newest is None or profile.newest < newest:
        verdict.lost.append(f"{person}: the newest identify, of {newest}, has no effect")
        return
    if profile.newest > newest:
        return  # One that was refused has come through all the same, at another time.
    latest = [identify for identify in sent if identify.timestamp == newest]
    for name in {name for identify in latest for name in identify.attributes}:
        allowed = {
            canonical(identify.attributes[name])
            for identify in latest
            if name in identify.attributes
        }
        # Null removes an attribute.
        found = canonical(profile.attributes.get(name))
        if found in allowed:
            continue
        line = f"{person}: {name} is {found}, the newest identifies, of {newest}, say {allowed}"
        if (name, found) in values:
            verdict.older_values.append(line)
        else:
            verdict.wrong.append(line)
