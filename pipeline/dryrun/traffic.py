"""Traffic: what the records are, whatever the settings make of them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from pipeline.dryrun.bounded import BoundedCounter, BoundedTable, Timeline
from transforms.event_time import InvalidTimeError, event_time_ms
from transforms.limits import value_bytes
from transforms.properties import as_object, unset_properties, user_properties
from transforms.records import Json, Message, Record, Settled
from transforms.route import GROUP_UPDATE_TYPE, USER_UPDATE_TYPES, event_type

USER_UPDATE: Final = "(user update)"
GROUP_UPDATE: Final = "(group update)"
UNREADABLE: Final = "(no record)"
LATE: Final = (
    ("within a second", 1.0),
    ("within a minute", 60.0),
    ("within an hour", 3_600.0),
    ("within a day", 86_400.0),
    ("within 72 hours", 259_200.0),
)
"""How long after its event a record was published; each with seconds, the last place is open."""
LATER: Final = "later than 72 hours"
AHEAD: Final = "published over a second before its own time"
_MOST_MINUTES = 50_000
EVENT, USER, GROUP = "event", "user", "group"
_TYPES: Final = {
    str: "text",
    bool: "true/false",
    int: "number",
    float: "number",
    list: "list",
    dict: "object",
    type(None): "null",
}


class EventTypeSeen:
    """The records of one event type."""

    def __init__(self) -> None:
        self.records = 0
        self.bytes = 0
        self.outcomes: Counter[str] = Counter()


class PropertySeen:
    """A property, by its name in Amplitude."""

    def __init__(self) -> None:
        self.records = 0
        self.types: Counter[str] = Counter()
        self.largest_bytes = 0
        """Of a value: of a text its own, of anything else its JSON."""


class Traffic:
    """What came by."""

    def __init__(self) -> None:
        self.messages = 0
        self.again = 0
        """Messages that Pub/Sub handed out once more; they are looked at once."""
        self.records = 0
        self.bytes = 0
        """Of the messages' data, as they came."""
        self.published = Timeline()
        self.minutes: BoundedCounter[int] = BoundedCounter(_MOST_MINUTES)
        """Unix minute of the records' own time -> records."""
        self.late: Counter[str] = Counter()
        self.event_types: BoundedTable[str, EventTypeSeen] = BoundedTable(EventTypeSeen)
        self.properties: BoundedTable[tuple[str, str], PropertySeen] = BoundedTable(PropertySeen)
        """(EVENT, USER or GROUP, name)."""

    def note_message(self, message: Message, records: int) -> None:
        """Counts a message that holds so many records."""
        self.messages += 1
        self.records += records
        self.bytes += len(message.data)
        if message.publish_time is not None:
            self.published.add(message.publish_time, records)

    def note_record(self, result: Record | Settled, outcome: str) -> None:
        """Looks at what decode made of a record, and at what became of it."""
        seen = self.event_types.row(kind_of(result))
        if seen is not None:
            seen.records += 1
            seen.outcomes[outcome] += 1
            if isinstance(result, Record):
                seen.bytes += _size(result)
        if isinstance(result, Settled):
            return
        self._note_time(result)
        for space, name, value in _properties(result.fields):
            found = self.properties.row((space, name))
            if found is not None:
                found.records += 1
                found.types[_TYPES[type(value)]] += 1
                found.largest_bytes = max(found.largest_bytes, value_bytes(value))

    def _note_time(self, record: Record) -> None:
        try:
            happened_s = event_time_ms(record) / 1000
        except InvalidTimeError:
            return
        self.minutes.add(int(happened_s // 60))
        published_s = record.origin.publish_time
        if published_s is not None:
            self.late[_lateness(published_s - happened_s)] += 1


def kind_of(result: Record | Settled) -> str:
    """An event's type; for anything else what it is, in parentheses."""
    if isinstance(result, Settled):
        return UNREADABLE
    name = event_type(result)
    if name == GROUP_UPDATE_TYPE:
        return GROUP_UPDATE
    if name is None or name in USER_UPDATE_TYPES:
        return USER_UPDATE if isinstance(result.fields.get("user_properties"), dict) else UNREADABLE
    return name


def _lateness(seconds: float) -> str:
    if seconds < -1:
        return AHEAD
    return next((words for words, most in LATE if seconds <= most), LATER)


def _size(record: Record) -> int:
    return len(msgspec.json.encode(record.fields) if record.text is None else record.text)


def _properties(fields: Json) -> Iterator[tuple[str, str, Any]]:
    """Side, name and value of each property of a record; names are those that settings use."""
    for name, value in as_object(fields.get("event_properties")).items():
        yield EVENT, name, value
    for name, value in (unset_properties(fields) | user_properties(fields)).items():
        yield USER, name, value
    of_groups: Json = {}
    for groups in as_object(fields.get("group_properties")).values():
        for properties in as_object(groups).values():
            of_groups |= as_object(properties)
    for name, value in of_groups.items():
        yield GROUP, name, value
