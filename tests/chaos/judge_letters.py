"""Dead letters: every expected one is there, and every one that is there has its cause."""

import base64
from collections import defaultdict
from typing import Any

from tests.chaos.evidence import Evidence, content_of, operation_digest
from tests.chaos.verdict import Excused, Verdict
from tests.chaos.wanted import (
    Digest,
    Wanted,
    WantedIdentify,
    event_digests,
    person_of,
    same_text,
)

_KEY = "api_key"


def judge_letters(wanted: Wanted, evidence: Evidence, verdict: Verdict) -> Excused:
    """Judges the letters; gives the operations that Customer.io refused and that they keep."""
    verdict.unexplained += [
        f"a line is no letter: {line[:200]}" for line in evidence.broken_letters
    ]
    rejected = [letter for letter in evidence.letters if letter.get("reason") == "rejected"]
    others = [letter for letter in evidence.letters if letter.get("reason") != "rejected"]
    _judge_ids(evidence.letters, verdict)
    _judge_expected(wanted, others, verdict)
    return _judge_rejected(wanted, evidence, rejected, verdict)


def _judge_ids(letters: list[dict[str, Any]], verdict: Verdict) -> None:
    """One content has one id and one id has one content: by it repetitions are told."""
    ids: defaultdict[Digest, set[str]] = defaultdict(set)
    contents: defaultdict[str, set[Digest]] = defaultdict(set)
    for letter in letters:
        content, letter_id = content_of(letter), str(letter.get("letter_id"))
        ids[content].add(letter_id)
        contents[letter_id].add(content)
    several = [*(each for each in ids.values() if len(each) > 1)]
    verdict.wrong += [f"one dead letter has several ids: {sorted(each)}" for each in several]
    shared = [letter_id for letter_id, found in contents.items() if len(found) > 1]
    verdict.wrong += [f"several dead letters have the id {each}" for each in shared]


def _judge_expected(wanted: Wanted, letters: list[dict[str, Any]], verdict: Verdict) -> None:
    records: defaultdict[tuple[str, str], set[Digest]] = defaultdict(set)
    inputs: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for letter in letters:
        place = str(letter.get("message_id")), str(letter.get("reason"))
        if place not in wanted.letters:
            verdict.unexplained.append(f"a letter that nobody expects: {_label(letter)}")
        elif letter.get("kind") == "input":
            inputs[place].add(str(letter["record"]))
            if not _is_part(letter, wanted.raw.get(place[0])):
                verdict.unexplained.append(f"its message holds no such text: {_label(letter)}")
        else:
            found = same_text(str(letter.get("record")))
            if found not in wanted.letters[place]:
                verdict.unexplained.append(f"a letter with another record: {_label(letter)}")
            elif found is not None:
                records[place].add(found)
    for place, wished in wanted.letters.items():
        missing = {found for found in wished if found is not None} - records[place]
        unreadable = sum(found is None for found in wished)
        verdict.lost += [f"no letter {place[1]} of message {place[0]}"] * (
            len(missing) + max(0, unreadable - len(inputs[place]))
        )
        if len(inputs[place]) > unreadable:
            verdict.unexplained.append(f"too many letters {place[1]} of message {place[0]}")


def _is_part(letter: dict[str, Any], raw: bytes | None) -> bool:
    """Whether the letter's text stands in its message; where a key was blanked, nobody can say."""
    if raw is None or _KEY.encode() in raw:
        return True
    text = str(letter["record"]).encode()
    return (base64.b64decode(text) if letter.get("encoding") == "base64" else text) in raw


def _judge_rejected(
    wanted: Wanted, evidence: Evidence, letters: list[dict[str, Any]], verdict: Verdict
) -> Excused:
    excused = Excused()
    seen: set[Digest] = set()
    for letter in letters:
        operation = letter.get("operation")
        if not isinstance(operation, dict) or letter.get("message_id") not in wanted.message_ids:
            verdict.unexplained.append(f"a letter without its operation: {_label(letter)}")
            continue
        found = operation_digest(operation)
        if found not in evidence.refused:
            verdict.unexplained.append(f"Customer.io did not refuse: {_label(letter)}")
        elif found not in seen:
            seen.add(found)
            _excuse(excused, operation)
    return excused


def _excuse(excused: Excused, operation: dict[str, Any]) -> None:
    if operation.get("type") == "object" or operation["action"] == "add_relationships":
        return
    identifiers, timestamp = operation["identifiers"], operation["timestamp"]
    attributes = operation["attributes"]
    if operation["action"] == "identify":
        excused.identifies[person_of(identifiers)].append(WantedIdentify(timestamp, attributes))
        return
    event = event_digests(identifiers, operation["name"], timestamp, attributes)
    excused.events[event.content] += 1


def _label(letter: dict[str, Any]) -> str:
    return str({key: str(value)[:300] for key, value in letter.items()})
