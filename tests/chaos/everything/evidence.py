"""What Customer.io holds of objects, relationships and devices after a storm. Plain data."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.local.customerio import Person, Workspace
from tests.chaos.wanted import event_digests, person_of


class Arrival(NamedTuple):
    """An identify; `timestamp` in Unix seconds."""

    timestamp: int
    attributes: dict[str, Any]


@dataclass
class Related:
    """What the evidence of any storm does not say."""

    relationships: dict[str, set[str]] = field(default_factory=dict)
    """By person: objects as type/id."""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The attributes of each object."""
    owners: dict[str, dict[bytes, str | None]] = field(default_factory=dict)
    """By anonymous id, and by the content of its events: whose they are."""
    arrivals: defaultdict[str, list[Arrival]] = field(default_factory=lambda: defaultdict(list))
    """By person: every identify that Customer.io has carried out, in this order."""


def relate(workspace: Workspace) -> Related:
    """Gathers it."""
    related = Related()
    names: dict[str, str] = {}
    for person in workspace.people():
        names[person.cio_id] = who = _who(person)
        related.relationships[who] = set(person.relationships)
    for event in workspace.events():
        device = event.identifiers.get("anonymous_id")
        if device is not None:
            digests = event_digests(event.identifiers, event.name, event.timestamp, event.data)
            owner = names.get(event.cio_id or "")
            related.owners.setdefault(device, {})[digests.content] = owner
    related.objects = {thing.key: thing.attributes for thing in workspace.objects()}
    for identify in workspace.identifies():
        arrival = Arrival(identify.timestamp or 0, identify.attributes)
        related.arrivals[person_of(identify.identifiers)].append(arrival)
    return related


def _who(person: Person) -> str:
    if person.id is not None:
        return person_of({"id": person.id})
    if person.email is not None:
        return person_of({"email": person.email})
    return person_of({"cio_id": person.cio_id})
