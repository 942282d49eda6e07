"""What an accepted operation does: `State.apply`. Plain data, no locks, no clock of its own."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Literal

from pipeline.local.customerio.anonymous import ANONYMOUS_ID, AnonymousEvents
from pipeline.local.customerio.fields import seconds_or_none
from pipeline.local.customerio.objects import Objects, Thing, set_attributes
from pipeline.local.customerio.people import People, Person
from pipeline.local.customerio.records import Counters, Event

Outcome = Literal["applied", "duplicate", "stale", "ignored"]
Operation = Mapping[str, Any]

_EVENT_KINDS = ("event", "page", "screen")


class State:
    """People, objects, events and the memory of event ids.

    ``keep_events`` bounds the kept events (None: all). ``counters`` gets the side effects that are
    no outcome of an operation: identifier conflicts and replaced timestamps.
    """

    def __init__(self, counters: Counters, keep_events: int | None = None) -> None:
        self.people = People()
        self.objects = Objects()
        self._anonymous = AnonymousEvents()
        self.events: deque[Event] = deque(maxlen=keep_events)
        self.events_received = 0
        self._counters = counters
        self._event_ids: set[str] = set()

    def apply(self, operation: Operation, now: float) -> Outcome:
        """Carry out one valid operation; ``now`` is Unix seconds."""
        action = operation["action"]
        if operation["type"] == "delivery":
            return "applied"
        if operation["type"] == "object":
            return self._apply_to_object(operation, now)
        if action in _EVENT_KINDS:
            return self._event(operation, now)
        if action == "merge":
            return self._merge(operation["primary"], operation["secondary"])
        if action == "unsuppress":
            self.people.unsuppress(operation["identifiers"])
            return "applied"
        if self.people.is_suppressed(operation["identifiers"]):
            return "ignored"
        if action == "identify":
            return self._identify(operation, now)
        return self._change_person(operation, now)

    def _event(self, operation: Operation, now: float) -> Outcome:
        identifiers = operation["identifiers"]
        if self.people.is_suppressed(identifiers):
            return "ignored"
        event_id = operation.get("id")
        if event_id is not None:
            event_id = event_id.upper()
            if event_id in self._event_ids:
                return "duplicate"
        person = None
        if ANONYMOUS_ID not in identifiers:
            person = self.people.find(identifiers) or self.people.create(identifiers, now)
            if person is None:
                return "ignored"
        if event_id is not None:
            self._event_ids.add(event_id)
        timestamp, replaced = self._timestamp(operation, now)
        self.events_received += 1
        event = Event(
            sequence=self.events_received,
            kind=operation["action"],
            name=operation["name"].strip(),
            data=operation.get("attributes") or {},
            timestamp=timestamp,
            timestamp_replaced=replaced,
            received=now,
            id=event_id,
            identifiers=dict(identifiers),
            cio_id=person.cio_id if person else None,
        )
        if self.events and len(self.events) == self.events.maxlen:
            self._anonymous.forget(self.events[0])
        self.events.append(event)
        if person is None:
            self._counters.merged_events += self._anonymous.arrive(event)
        return "applied"

    def _identify(self, operation: Operation, now: float) -> Outcome:
        identifiers = operation["identifiers"]
        attributes = operation.get("attributes") or {}
        person = self.people.find(identifiers)
        if person is None and attributes.get("_update") is True:
            return "ignored"
        person = person or self._to_adopt(identifiers, attributes)
        timestamp, _ = self._timestamp(operation, now)
        if person and person.newest_identify is not None and timestamp < person.newest_identify:
            return "stale"
        person = person or self.people.create(identifiers, now)
        if person is None:
            return "ignored"
        if "cio_id" not in identifiers:
            self.people.link(person, identifiers)
        person.newest_identify = timestamp
        self.people.touch(person, now)
        self._set_person_attributes(person, identifiers, attributes)
        if _is_identifier(attributes.get(ANONYMOUS_ID)):
            self._merge_events(person, attributes[ANONYMOUS_ID], now)
        self._relate(person, operation.get("cio_relationships") or [])
        return "applied"

    def _to_adopt(self, identifiers: Mapping[str, str], attributes: Operation) -> Person | None:
        """Who gets a new identifier because another one in the attributes is theirs already."""
        for own, other in (("id", "email"), ("email", "id")):
            if own in identifiers and _is_identifier(attributes.get(other)):
                found = self.people.find({other: attributes[other]})
                if found is not None and getattr(found, own) is None:
                    return found
        return None

    def _set_person_attributes(
        self, person: Person, identifiers: Mapping[str, str], attributes: Operation
    ) -> None:
        for name, value in attributes.items():
            if value is None:
                person.attributes.pop(name, None)
            elif name in ("id", "email") and _is_identifier(value):
                if self._link(person, name, value, identifiers):
                    person.attributes[name] = value
            elif name not in ("_update", ANONYMOUS_ID):
                person.attributes[name] = value

    def _merge_events(self, person: Person, anonymous_id: str, now: float) -> None:
        """The events of an anonymous id become the person's; a conflict if it is another's."""
        merged = self._anonymous.identify(anonymous_id, person.cio_id, now)
        if merged is None:
            self._counters.identifier_conflicts += 1
            return
        self._counters.merged_events += merged
        person.attributes[ANONYMOUS_ID] = anonymous_id

    def _link(self, person: Person, key: str, value: str, identifiers: Mapping[str, str]) -> bool:
        """Set an identifier given as an attribute; False for a conflict (an update failure).

        One that is set already changes only through cio_id, an e-mail also through id.
        """
        owner = self.people.find({key: value})
        old = person.id if key == "id" else person.email
        free = old is None or "cio_id" in identifiers or (key == "email" and "id" in identifiers)
        if owner is person or (owner is None and free):
            self.people.link(person, {key: value})
            return True
        self._counters.identifier_conflicts += 1
        return False

    def _change_person(self, operation: Operation, now: float) -> Outcome:
        identifiers, action = operation["identifiers"], operation["action"]
        person = self.people.find(identifiers)
        if action == "suppress":
            self.people.suppress(identifiers, person)
            return "applied"
        if person is None and action in ("add_device", "add_relationships"):
            person = self.people.create(identifiers, now)
        if person is None:
            return "ignored"
        self.people.touch(person, now)
        if action == "delete":
            self.people.remove(person)
        elif action == "add_device":
            person.devices[operation["device"]["token"]] = operation["device"]
        elif action == "delete_device":
            person.devices.pop(operation["device"]["token"], None)
        elif action == "add_relationships":
            self._relate(person, operation["cio_relationships"])
        else:
            self._part(person, operation["cio_relationships"])
        return "applied"

    def _merge(self, primary: Mapping[str, str], secondary: Mapping[str, str]) -> Outcome:
        kept, gone = self.people.find(primary), self.people.find(secondary)
        if kept is None or gone is None or kept is gone:
            return "ignored"
        self.people.remove(gone)
        for key, value in (("id", gone.id), ("email", gone.email)):
            if value is not None and getattr(kept, key) is None:
                self.people.link(kept, {key: value})
        kept.attributes = {**gone.attributes, **kept.attributes}
        kept.relationships = {**gone.relationships, **kept.relationships}
        self._anonymous.move(gone.cio_id, kept.cio_id)
        for event in self.events:
            if event.cio_id == gone.cio_id:
                event.cio_id = kept.cio_id
        return "applied"

    def _apply_to_object(self, operation: Operation, now: float) -> Outcome:
        identifiers, action = operation["identifiers"], operation["action"]
        if action in ("delete", "delete_relationships"):
            thing = self.objects.find(identifiers)
        else:
            thing = self.objects.find_or_create(identifiers)
        if thing is None:
            return "ignored"
        if action == "delete":
            self.objects.remove(thing)
            for person in self.people:
                person.relationships.pop(thing.key, None)
            return "applied"
        set_attributes(thing.attributes, operation.get("attributes") or {})
        if action != "identify_anonymous":
            self._relate_people(thing, operation, now)
        return "applied"

    def _relate_people(self, thing: Thing, operation: Operation, now: float) -> None:
        for link in operation.get("cio_relationships") or []:
            person = self.people.find(link["identifiers"])
            if operation["action"] == "delete_relationships":
                if person:
                    person.relationships.pop(thing.key, None)
                continue
            person = person or self.people.create(link["identifiers"], now)
            if person:
                held = person.relationships.setdefault(thing.key, {})
                set_attributes(held, link.get("relationship_attributes") or {})

    def _relate(self, person: Person, links: list[Operation]) -> None:
        for link in links:
            thing = self.objects.find_or_create(link["identifiers"])
            if thing:
                held = person.relationships.setdefault(thing.key, {})
                set_attributes(held, link.get("relationship_attributes") or {})

    def _part(self, person: Person, links: list[Operation]) -> None:
        for link in links:
            thing = self.objects.find(link["identifiers"])
            if thing:
                person.relationships.pop(thing.key, None)

    def _timestamp(self, operation: Operation, now: float) -> tuple[int, bool]:
        """Unix seconds of an operation, and whether an unusable value was replaced by now."""
        given = operation.get("timestamp")
        seconds = seconds_or_none(given)
        if seconds is not None:
            return seconds, False
        replaced = given is not None
        self._counters.timestamps_replaced += replaced
        return int(now), replaced


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and value != ""
