"""What Customer.io holds of objects, relationships and devices after a storm. Plain data."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from pipeline.local.customerio import Person, Workspace
from tests.chaos.wanted import event_digests, person_of


@dataclass
class Related:
    """What the evidence of any storm does not say."""

    relationships: dict[str, set[str]] = field(default_factory=dict)
    """By person: objects as type/id."""
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The attributes of each object."""
    owners: dict[str, dict[bytes, str | None]] = field(default_factory=dict)
    """By anonymous id, and by the content of its events: whose they are."""
    sent: dict[str, defaultdict[str, set[str]]] = field(default_factory=dict)
    """By person and attribute: all values that reached Customer.io, as JSON; `null` removes."""


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
        sent = related.sent.setdefault(person_of(identify.identifiers), defaultdict(set))
        for name, value in identify.attributes.items():
            sent[name].add(json.dumps(value, sort_keys=True))
    return related


def _who(person: Person) -> str:
    if person.id is not None:
        return person_of({"id": person.id})
    if person.email is not None:
        return person_of({"email": person.email})
    return person_of({"cio_id": person.cio_id})
