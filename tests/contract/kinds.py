"""What a request holds, in words: for tables, and for counting what random examples produce."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.settings import Settings
from tests.contract.chain import Outcome
from transforms.records import (
    EventOperation,
    IdentifyOperation,
    Message,
    Operation,
    RelationshipsOperation,
)
from transforms.sink.batch import Pending, Request


def message(*records: dict[str, Any]) -> Message:
    """A message of JSON lines, published at a time that is good for any record without its own."""
    data = "\n".join(map(json.dumps, records)).encode()
    return Message(data=data, message_id="1", publish_time=1_700_000_000.0, attributes={})


def page(**sections: Any) -> Settings:
    """Settings that send every property, but for the sections given."""
    everything: dict[str, Any] = {
        "preset": "all_properties",
        "users": {"user_properties": "all"},
    }
    return Settings.model_validate(everything | sections)


def shapes(requests: Iterable[Request]) -> list[list[str]]:
    """The kind of every item, request by request."""
    return [[_kind(pending) for pending in request.pendings] for request in requests]


def operations(requests: Iterable[Request]) -> list[Operation]:
    """All operations, in their order."""
    return [pending.item.operation for request in requests for pending in request.pendings]


def features(outcome: Outcome, renamed_to: Iterable[str]) -> set[str]:
    """Everything about an outcome that is worth counting."""
    names = frozenset(renamed_to)
    found = {kind for shape in shapes(outcome.requests) for kind in shape}
    found |= {name.partition(".")[0] for name in outcome.tally.counts if "trimmed" in name}
    found |= {end.outcome.partition(".")[0] for end in outcome.settled}
    for operation in operations(outcome.requests):
        found |= set(_features(operation, names))
    return found


def _kind(pending: Pending) -> str:
    operation = pending.item.operation
    if "anonymous_id" in operation.identifiers:
        return "anonymous event"
    if pending.item.alone:
        return "large event"
    if isinstance(operation, EventOperation):
        return "event"
    if isinstance(operation, RelationshipsOperation):
        return "relationships"
    if operation.type == "object":
        return "object"
    return "coalesced identify" if pending.parts else "identify"


def _features(operation: Operation, renamed_to: frozenset[str]) -> Iterator[str]:
    yield from operation.identifiers
    if isinstance(operation, IdentifyOperation):
        if "_update" in operation.attributes:
            yield "update only"
        if None in operation.attributes.values():
            yield "removal"
    elif isinstance(operation, EventOperation):
        if operation.name in renamed_to:
            yield "renamed"
        yield "event with data" if operation.attributes else "event without data"
        if "groups" in operation.attributes:
            yield "groups"
