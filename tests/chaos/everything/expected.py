"""What has to become of the records of a storm with everything on.

Written from docs/memory.md, docs/groups.md, docs/anonymous.md and docs/shaping.md. A person's
values are those of the reference of the memory's own tests; nothing of the product is used.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from tests.chaos.everything.page import (
    EXCLUDED,
    GROUP_PROPERTIES,
    OBJECT_TYPES,
    SALT,
    SELECTED,
)
from tests.chaos.everything.shaped import shaped
from tests.chaos.wanted import Wanted, digest, event_digests, person_of
from tests.transforms.memory.reference import ORDER, Person

_LONGEST_IDENTIFIER = 150

Json = dict[str, Any]


class Device(NamedTuple):
    """Something that an anonymous id stands for."""

    owners: set[str]
    """People who used it and of whom Customer.io is told so."""
    events: set[bytes]
    """What it did while nobody knew whose it is, by the content of the event."""


@dataclass
class Expected:
    """What everything comes to."""

    settings: Json
    plain: Wanted = field(default_factory=Wanted)
    """Events, messages and dead letters."""
    relationships: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By person: objects as type/id."""
    objects: defaultdict[str, Json] = field(default_factory=lambda: defaultdict(dict))
    """The attributes of each object. What was said last holds, so say it alone at the end."""
    devices: defaultdict[str, Device] = field(
        default_factory=lambda: defaultdict(lambda: Device(set(), set()))
    )
    _people: dict[str, Person] = field(default_factory=dict)

    def attributes(self) -> dict[str, Json]:
        """By person: what Customer.io has to hold in the end, relationships and devices aside."""
        rules = self.settings["users"]
        found: dict[str, Json] = {who: {} for who in self.plain.people}
        for who, person in self._people.items():
            values = {name: person.track(name, b"").value for name in SELECTED}
            held = {name: json.loads(text) for name, text in values.items() if text is not None}
            found[who] = shaped(held, rules, None)
        return found

    def add_broken(self, message_id: str, data: bytes) -> None:
        """A message that is no JSON."""
        self.plain.records += 1
        self.plain.message_ids.add(message_id)
        self.plain.raw[message_id] = data
        self.plain.letters[message_id, "malformed_json"].append(None)

    def add(self, message_id: str, record: Json) -> None:
        """A record of a message."""
        self.plain.records += 1
        self.plain.message_ids.add(message_id)
        if record["event_type"] == "$groupidentify":
            self._add_group_update(record)
            return
        is_event = record["event_type"] not in ("$identify", "identify")
        sends_event = is_event and record["event_type"] != EXCLUDED
        if record["user_id"] is None:
            if sends_event:
                self._add_anonymous(message_id, record)
            return
        updates = self._operations(record, is_event=is_event)
        if not (sends_event or updates or _objects(record)):
            return
        time_ms = _time_ms(record["event_time"])
        if time_ms is None:
            self._add_letter(message_id, "invalid_time", record)
            return
        [who] = {person_of(identifiers := _identifiers(record["user_id"]))}
        self.plain.people.add(who)
        for key in _objects(record):
            if len(key.partition("/")[2].encode()) > _LONGEST_IDENTIFIER:
                self._add_letter(message_id, "identifier_too_long", record)
                continue
            self.relationships[who].add(key)
            self.objects.setdefault(key, {})
        if updates:
            person = self._people.setdefault(who, Person(10**12, 10**6, 10**6))
            person.comes(time_ms, record["$insert_id"].encode(), updates)
            self.devices[record["device_id"]].owners.add(who)
        if sends_event:
            self._add_event(record, identifiers, time_ms)

    def _operations(self, record: Json, *, is_event: bool) -> dict[str, Json]:
        """What a record does to its person."""
        if is_event and self.settings["users"]["trigger"] == "identify":
            return {}
        given = record.get("user_properties", {})
        operations = {name: dict(given[name]) for name in ORDER if name in given}
        plain = {name: value for name, value in given.items() if name not in ORDER}
        if plain:
            operations["$set"] = plain | operations.get("$set", {})
        chosen = {
            operator: {name: value for name, value in arguments.items() if name in SELECTED}
            for operator, arguments in operations.items()
        }
        if "$clearAll" in chosen:
            chosen["$clearAll"] = dict.fromkeys(SELECTED, "-")
        return {operator: arguments for operator, arguments in chosen.items() if arguments}

    def _add_event(self, record: Json, identifiers: dict[str, str], time_ms: int) -> bytes:
        plan = record.get("user_properties", {}).get("plan")
        of_user = {} if plan is None else {"plan": plan}
        own = {
            name: value for name, value in record["event_properties"].items() if value is not None
        }
        data = shaped(of_user | own, self.settings["events"], SALT)
        event = event_digests(identifiers, record["event_type"], time_ms // 1000, data)
        self.plain.events[digest(record)] = event
        return event.content

    def _add_anonymous(self, message_id: str, record: Json) -> None:
        device = record["device_id"]
        if device is None:
            self._add_letter(message_id, "no_identifier", record)
        elif len(device.encode()) > _LONGEST_IDENTIFIER:
            self._add_letter(message_id, "identifier_too_long", record)
        elif (time_ms := _time_ms(record["event_time"])) is not None:
            content = self._add_event(record, {"anonymous_id": device}, time_ms)
            self.devices[device].events.add(content)

    def _add_letter(self, message_id: str, reason: str, record: Json) -> None:
        self.plain.letters[message_id, reason].append(digest(record))

    def _add_group_update(self, record: Json) -> None:
        given = record["group_properties"]
        by_name = set(given) <= set(record["groups"])
        for key, kind, name in _named(record):
            own = given[kind][name] if by_name else given
            said = {
                each: value
                for each, value in {**own, **own.get("$set", {})}.items()
                if each in GROUP_PROPERTIES and value is not None
            }
            gone = [each for each in own.get("$unset", {}) if each in GROUP_PROPERTIES]
            if said or gone:
                held = self.objects[key]
                held.update(said)
                for each in gone:
                    held.pop(each, None)


def _named(record: Json) -> list[tuple[str, str, Any]]:
    """The objects of a record: type/id in Customer.io, and type and name in Amplitude."""
    return [
        (f"{OBJECT_TYPES[kind]}/{name}", kind, name)
        for kind, names in record.get("groups", {}).items()
        if kind in OBJECT_TYPES
        for name in (names if isinstance(names, list) else [names])
    ]


def _objects(record: Json) -> list[str]:
    return [key for key, _kind, _name in _named(record)]


def _identifiers(user: str) -> dict[str, str]:
    return {"email" if "@" in user else "id": user}


def _time_ms(given: Any) -> int | None:
    """Unix milliseconds of a record's time; None for one that cannot be read."""
    if isinstance(given, int):
        return given
    try:
        moment = datetime.fromisoformat(f"{given}+00:00")
    except ValueError:
        return None
    return round(moment.timestamp() * 1000)
