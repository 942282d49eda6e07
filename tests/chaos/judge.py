"""Compares what went into a storm with what came out of it; shares no code with the product."""

import json
from collections import Counter

from tests.chaos.evidence import Evidence, Ledger
from tests.chaos.judge_letters import judge_letters
from tests.chaos.judge_people import judge_people
from tests.chaos.verdict import Excused, Verdict
from tests.chaos.wanted import Digest, Wanted
from tests.end_to_end.expectation import ulid_time_ms


def judge(wanted: Wanted, evidence: Evidence) -> Verdict:
    """The verdict over a storm."""
    verdict = Verdict()
    excused = judge_all_but_people(wanted, evidence, verdict)
    judge_people(wanted, evidence, excused.identifies, verdict)
    return verdict


def judge_all_but_people(wanted: Wanted, evidence: Evidence, verdict: Verdict) -> Excused:
    """Judges messages, dead letters, events and ledgers; gives what was refused on order."""
    if evidence.left:
        verdict.lost.append(f"{evidence.left} messages are still in the subscription")
    if evidence.refused_by_rule:
        verdict.wrong.append(f"Customer.io's own rules refused {evidence.refused_by_rule} items")
    excused = judge_letters(wanted, evidence, verdict)
    _judge_events(wanted, evidence, excused.events, verdict)
    for ledger in evidence.ledgers:
        verdict.unbalanced += _faults_of(ledger)
    return excused


def _judge_events(
    wanted: Wanted, evidence: Evidence, excused: Counter[Digest], verdict: Verdict
) -> None:
    expected = Counter(event.content for event in wanted.events.values())
    headlines = {event.content: event.headline for event in wanted.events.values()}
    held = Counter(event.content for event in evidence.events)
    labels = {event.content: event for event in evidence.events}
    missing = expected - held - excused
    missing_headlines = Counter(headlines[content] for content in missing.elements())
    for content, times in (held - expected).items():
        event = labels[content]
        if content in expected:
            verdict.twice += [f"an event counts twice: {event.label}"] * times
            continue
        verdict.wrong += [f"an event that nobody sent so: {event.label}"] * times
        # It is there, though not as it should be: that is one fault, not two.
        missing_headlines[event.headline] -= times
    lost = sum(times for times in missing_headlines.values() if times > 0)
    verdict.lost += ["an event is not at Customer.io"] * lost
    ulids = Counter(event.ulid.upper() for event in evidence.events)
    verdict.twice += [
        f"{times} events have the ULID {ulid}" for ulid, times in ulids.items() if times > 1
    ]
    for event in evidence.events:
        try:
            fits = ulid_time_ms(event.ulid) // 1000 == event.timestamp
        except ValueError:
            fits = False
        if not fits:
            verdict.wrong.append(f"the ULID {event.ulid!r} does not fit: {event.label}")


def _faults_of(ledger: Ledger) -> list[str]:
    """What is wrong with the ledger of one process."""
    faults: list[str] = []
    if ledger.ended and ledger.exit_code != 0:
        faults.append(f"{ledger.process} ended by itself with status {ledger.exit_code}")
    if ledger.text is None:
        return [*faults, f"{ledger.process} wrote no ledger"] if ledger.ended else faults
    try:
        content = json.loads(ledger.text)
        received, settled = int(content["received"]), int(content["settled"])
        outcomes = sum(content["outcomes"].values())
        is_final, is_balanced = content["final"] is True, content["balanced"] is True
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [*faults, f"the ledger of {ledger.process} cannot be read: {error!r}"]
    if settled != outcomes:
        faults.append(f"{ledger.process}: settled {settled}, but its outcomes are {outcomes}")
    if settled > received:
        faults.append(f"{ledger.process}: settled {settled} of {received}")
    if is_balanced != (settled == received):
        faults.append(f"{ledger.process}: says balanced {is_balanced} of {settled}/{received}")
    if ledger.ended and not (is_final and is_balanced):
        faults.append(f"{ledger.process} ended with {settled} of {received}, final {is_final}")
    return faults
