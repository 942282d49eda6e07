"""Sizes: how near the largest operations come to Customer.io's limits, before any trim."""

from typing import Final, NamedTuple

import msgspec

from transforms.build import UPDATE_ONLY
from transforms.limits import (
    MAX_ATTRIBUTE_NAME_BYTES,
    MAX_ATTRIBUTE_VALUE_BYTES,
    MAX_ATTRIBUTES,
    MAX_EVENT_DATA_BYTES,
    MAX_EVENT_NAME_BYTES,
    MAX_IDENTIFIER_BYTES,
    MAX_ITEM_BYTES,
    value_bytes,
)
from transforms.records import EventOperation, IdentifyOperation, Operation


class Limit(NamedTuple):
    """A limit of the Track API, in bytes but for a number of things."""

    what: str
    most: int
    unit: str = "bytes"


IDENTIFIER: Final = "identifier"
LIMITS: Final = {
    "event_name": Limit("Event name", MAX_EVENT_NAME_BYTES),
    "event_data": Limit("Data of an event", MAX_EVENT_DATA_BYTES),
    "attributes": Limit("Attributes in one person update", MAX_ATTRIBUTES, "attributes"),
    "attribute_name": Limit("Name of a person's attribute", MAX_ATTRIBUTE_NAME_BYTES),
    "attribute_value": Limit("Value of a person's attribute", MAX_ATTRIBUTE_VALUE_BYTES),
    "identify": Limit("One person update as a whole", MAX_ITEM_BYTES),
    IDENTIFIER: Limit("Identifier of a person", MAX_IDENTIFIER_BYTES),
}


class Sizes:
    """The largest of each kind that an operation has; identifiers are measured elsewhere."""

    def __init__(self) -> None:
        self.largest: dict[str, int] = {}
        """Key of LIMITS -> the largest that was seen."""

    def note(self, operation: Operation) -> None:
        """Measures an operation."""
        if isinstance(operation, EventOperation):
            self._up_to("event_name", value_bytes(operation.name))
            self._up_to("event_data", len(msgspec.json.encode(operation.attributes)))
        elif isinstance(operation, IdentifyOperation):
            self._up_to("identify", len(msgspec.json.encode(operation)))
            names = [name for name in operation.attributes if name != UPDATE_ONLY]
            self._up_to("attributes", len(names))
            for name in names:
                self._up_to("attribute_name", value_bytes(name))
                self._up_to("attribute_value", value_bytes(operation.attributes[name]))

    def _up_to(self, key: str, size: int) -> None:
        if size > self.largest.get(key, -1):
            self.largest[key] = size
