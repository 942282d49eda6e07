"""What has to become of the messages of a storm, by the independent reading of the contract.

Kept compact: of contents that are only compared, a digest.
"""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, NamedTuple

from tests.end_to_end.expectation import Expected, canonical, expect
from tests.end_to_end.expectation.moment import FIELDS
from tests.end_to_end.expectation.reading import Fault, read_message

Digest = bytes
_KEPT_RAW_BYTES = 1_000_000


class Sent(NamedTuple):
    """One message that was published; `publish_time` in Unix seconds."""

    message_id: str
    data: bytes
    publish_time: float


class WantedEvent(NamedTuple):
    """An event; `headline` is whose it is, its name and its time, `content` that and its data."""

    content: Digest
    headline: Digest


class WantedIdentify(NamedTuple):
    """One identify; `timestamp` in Unix seconds."""

    timestamp: int
    attributes: dict[str, Any]


@dataclass
class Wanted:
    """Everything that some messages have to lead to."""

    records: int = 0
    message_ids: set[str] = field(default_factory=set)
    events: dict[Digest, WantedEvent] = field(default_factory=dict)
    """By what the record says: the very same record twice is one event."""
    identifies: defaultdict[str, list[WantedIdentify]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By person."""
    people: set[str] = field(default_factory=set)
    letters: defaultdict[tuple[str, str], list[Digest | None]] = field(
        default_factory=lambda: defaultdict(list)
    )
    """By message and reason: of each record its digest, None of one that cannot be read."""
    raw: dict[str, bytes] = field(default_factory=dict)
    """By message, where one of its records cannot be read: its bytes, inflated."""
    ledger: Counter[str] = field(default_factory=Counter)
    """Outcomes in records, as if no operation were refused and no two identifies became one."""

    def add(self, other: "Wanted") -> None:
        """Takes over what other messages lead to."""
        self.records += other.records
        self.message_ids |= other.message_ids
        self.events |= other.events
        for person, identifies in other.identifies.items():
            self.identifies[person] += identifies
        self.people |= other.people
        self.letters.update(other.letters)
        self.raw |= other.raw
        self.ledger.update(other.ledger)


def digest(value: Any) -> Digest:
    """Equal for equal JSON values of equal types."""
    return blake2b(canonical(value).encode("utf-8", "surrogatepass"), digest_size=12).digest()


def event_digests(
    identifiers: Mapping[str, str], name: str, timestamp: int, data: Mapping[str, Any]
) -> WantedEvent:
    """The digests of an event. Customer.io takes white space off the ends of a name."""
    headline = [dict(identifiers), name.strip(), timestamp]
    return WantedEvent(digest([*headline, dict(data)]), digest(headline))


def person_of(identifiers: Mapping[str, str]) -> str:
    """One text a person; an e-mail address is the same in every case."""
    [(kind, value)] = identifiers.items()
    return f"{kind}:{value.lower() if kind == 'email' else value}"


def want(messages: Iterable[Sent], settings: dict[str, Any]) -> Wanted:
    """What has to become of some messages."""
    wanted = Wanted()
    for message in messages:
        _add_message(wanted, message, settings)
    return wanted


def _add_message(wanted: Wanted, message: Sent, settings: dict[str, Any]) -> None:
    wanted.message_ids.add(message.message_id)
    expected = expect(message.data, settings=settings, publish_time=message.publish_time)
    records = _records(message.data, expected)
    for record, fate in zip(records, expected, strict=True):
        wanted.records += 1
        wanted.ledger[fate.ledger] += 1
        for reason in fate.dead_letters:
            found = None if isinstance(record, Fault) else digest(record)
            wanted.letters[message.message_id, reason].append(found)
        if isinstance(record, Fault):
            raw = inflated(message.data)
            if len(raw) <= _KEPT_RAW_BYTES:
                wanted.raw[message.message_id] = raw
            continue
        for sent in fate.operations:
            _add_operation(wanted, record, sent.operation, message.publish_time)


def _records(data: bytes, expected: Sequence[Expected]) -> list[dict[str, Any] | Fault]:
    """The records of a message.

    Where nothing is at fault an ordinary parser finds them, in a fraction of the time that it takes
    to read a message as the contract does; where it finds others, it does not count.
    """
    if not any(fate.dead_letters for fate in expected):
        found = _parsed(inflated(data))
        if len(found) == len(expected):
            return [*found]
    return read_message(data)


def _parsed(data: bytes) -> list[dict[str, Any]]:
    try:
        parts = [json.loads(data)]
    except ValueError:
        try:
            parts = [json.loads(line) for line in data.splitlines() if line.strip()]
        except ValueError:
            return []
    records: list[dict[str, Any]] = []
    for part in parts:
        events = part.get("events") if isinstance(part, dict) else part
        items = events if isinstance(events, list) else [part]
        records += [item for item in items if isinstance(item, dict)]
    for record in records:
        record.pop("api_key", None)
    return records


def _add_operation(
    wanted: Wanted, record: dict[str, Any], operation: dict[str, Any], publish_time: float
) -> None:
    identifiers, timestamp = operation["identifiers"], operation["timestamp"]
    wanted.people.add(person_of(identifiers))
    if operation["action"] == "identify":
        wanted.identifies[person_of(identifiers)].append(
            WantedIdentify(timestamp, operation["attributes"])
        )
        return
    # A record that tells no time of its own is another event in another message.
    untimed = all(record.get(name) is None for name in FIELDS)
    identity = digest([record, publish_time if untimed else None])
    wanted.events[identity] = event_digests(
        identifiers, operation["name"], timestamp, operation["attributes"]
    )


def inflated(data: bytes) -> bytes:
    """The bytes of a message without gzip; as they are where that fails."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError):
        return data


def same_text(text: str) -> Digest | None:
    """The digest of the record that a text spells; None when it spells none."""
    try:
        return digest(json.loads(text))
    except ValueError:
        return None
