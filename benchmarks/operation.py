"""Decoding and picking as the peers do it: a record's line -> a plain dictionary."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from benchmarks.records import USER_UPDATE
from benchmarks.settings import EVENT_PROPERTIES, PERSON_PROPERTIES, PLAIN_PROPERTIES

ITEMS = 100
"""Operations a batch."""
Operation = dict[str, Any]


def operation(line: bytes) -> Operation:
    """What a record becomes, as a plain dictionary in the v2 shape."""
    fields = msgspec.json.decode(line)
    person = fields["user_properties"]
    at = datetime.fromisoformat(fields["event_time"]).replace(tzinfo=UTC)
    common = {
        "type": "person",
        "identifiers": {"id": fields["user_id"]},
        "timestamp": int(at.timestamp()),
    }
    if fields["event_type"] == USER_UPDATE:
        attributes = {name: person[name] for name in PERSON_PROPERTIES if name in person}
        return common | {"action": "identify", "attributes": attributes}
    properties = fields["event_properties"]
    attributes = {name: person[name] for name in PLAIN_PROPERTIES if name in person}
    attributes |= {name: properties[name] for name in EVENT_PROPERTIES if name in properties}
    return common | {
        "action": "event",
        "name": fields["event_type"],
        "id": fields["$insert_id"],
        "attributes": attributes,
    }
