"""What a storm left behind: at Customer.io, in the subscription, in files. Plain data."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.local.customerio import Workspace
from pipeline.local.pubsub import SubscriptionStats
from tests.chaos.wanted import Digest, digest, event_digests, person_of


class FoundEvent(NamedTuple):
    """An event that Customer.io holds."""

    ulid: str
    content: Digest
    headline: Digest
    timestamp: int
    label: str
    """What a person can look for."""


class FoundPerson(NamedTuple):
    """A profile; `newest` is the time of the newest identify that it took, Unix seconds."""

    newest: int | None
    attributes: dict[str, Any]


class FoundIdentify(NamedTuple):
    """An identify that reached Customer.io, whether or not it changed anything."""

    timestamp: int | None
    attributes: dict[str, Any]


@dataclass
class Ledger:
    """The ledger's file of one process; `text` is None when there is none."""

    process: str
    ended: bool
    """By itself; False when it was killed."""
    exit_code: int
    text: str | None


@dataclass
class Evidence:
    """Everything that a judge looks at."""

    events: list[FoundEvent] = field(default_factory=list)
    people: dict[str, FoundPerson] = field(default_factory=dict)
    identifies: dict[str, list[FoundIdentify]] = field(default_factory=dict)
    refused: set[Digest] = field(default_factory=set)
    """Operations that faults on order called refused."""
    refused_by_rule: int = 0
    """Items that Customer.io refused although no fault told it to."""
    letters: list[dict[str, Any]] = field(default_factory=list)
    torn_letters: int = 0
    """Last lines that a process that was killed did not finish."""
    broken_letters: list[str] = field(default_factory=list)
    """Lines that are no JSON and should be."""
    left: int = 0
    """Messages that the subscription still holds."""
    ledgers: list[Ledger] = field(default_factory=list)


def collect(
    workspace: Workspace,
    stats: SubscriptionStats,
    ledgers: list[Ledger],
    directory: Path,
    letters: Iterable[str] = (),
) -> Evidence:
    """Gathers the evidence.

    Every process had a directory of its own in `directory`; `letters` are those that are not there.
    """
    evidence = Evidence(ledgers=ledgers, left=stats.undelivered + stats.outstanding)
    for event in workspace.events():
        digests = event_digests(event.identifiers, event.name, event.timestamp, event.data)
        label = f"{event.name!r} of {event.identifiers} at {event.timestamp}"
        evidence.events.append(FoundEvent(event.id or "", *digests, event.timestamp, label))
    for person in workspace.people():
        named = {"id": person.id} if person.id is not None else {"email": person.email}
        known = {kind: value for kind, value in named.items() if value is not None}
        evidence.people[person_of(known or {"cio_id": person.cio_id})] = FoundPerson(
            person.newest_identify, person.attributes
        )
    evidence.identifies = _identifies(workspace)
    refusals = workspace.refusals()
    evidence.refused = {operation_digest(json.loads(each.operation)) for each in refusals}
    by_fault = sum(not refusal.applied for refusal in refusals)
    evidence.refused_by_rule = workspace.counters().rejected - by_fault
    for ledger in ledgers:
        for path in sorted((directory / ledger.process).glob("dead-*.jsonl")):
            _read_letters(evidence, path.read_text(), torn=not ledger.ended)
    for letter in letters:
        _read_letters(evidence, f"{letter}\n", torn=False)
    return evidence


def _identifies(workspace: Workspace) -> dict[str, list[FoundIdentify]]:
    found: defaultdict[str, dict[Digest, FoundIdentify]] = defaultdict(dict)
    for identify in workspace.identifies():
        content = FoundIdentify(identify.timestamp, identify.attributes)
        found[person_of(identify.identifiers)][digest(list(content))] = content
    return {person: list(contents.values()) for person, contents in found.items()}


def _read_letters(evidence: Evidence, text: str, *, torn: bool) -> None:
    *lines, last = text.split("\n")
    if last and torn:
        evidence.torn_letters += 1
    elif last:
        evidence.broken_letters.append(last)
    for line in lines:
        try:
            evidence.letters.append(json.loads(line))
        except ValueError:
            evidence.broken_letters.append(line)


def operation_digest(operation: Mapping[str, Any]) -> Digest:
    """The digest of an operation as it was sent."""
    return digest(dict(operation))


def distinct(letters: Iterable[Mapping[str, Any]]) -> int:
    """How many letters there are when repetitions of the same content count once."""
    return len({content_of(letter) for letter in letters})


def content_of(letter: Mapping[str, Any]) -> Digest:
    """What a letter says, without when and how often it was said."""
    names = ("message_id", "reason", "stage", "record", "operation")
    return digest([letter.get(name) for name in names])
