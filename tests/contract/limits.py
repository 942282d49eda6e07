"""What a JSON Schema cannot say of a request: Customer.io's limits, in UTF-8 bytes as sent.

Measured on the bytes of the body itself: nothing is encoded a second time, and nothing of the
product's own measuring is used.
"""

from collections.abc import Iterator

import msgspec
from msgspec import Raw

# https://docs.customer.io/files/journeys-track.json, `info.description`
MAX_IDENTIFIER = 150
MAX_EVENT_NAME = 100
MAX_EVENT_DATA = 100_000
MAX_ATTRIBUTES = 300
MAX_ATTRIBUTE_NAME = 150
MAX_ATTRIBUTE_VALUE = 1_000
MAX_ITEM = 32_000
"""Of "32kb": read as the smaller kb."""
OUR_OWN_MARK = "_update"
"""The attribute that is an instruction and not an attribute."""

_objects = msgspec.json.Decoder(dict[str, Raw])
_lists = msgspec.json.Decoder(list[dict[str, Raw]])
_batches = msgspec.json.Decoder(dict[str, list[Raw]])


def batch_faults(body: bytes) -> list[str]:
    """Every limit that a body of /api/v2/batch breaks, in words."""
    faults = []
    for index, item in enumerate(_batches.decode(body)["batch"]):
        operation = _objects.decode(item)
        found = [*_over(len(bytes(item)), MAX_ITEM, "the item"), *_identifier_faults(operation)]
        action = _text(operation["action"])
        if action == "event":
            found += _event_faults(operation, data="attributes")
        elif action == "add_relationships":
            for related in _lists.decode(operation["cio_relationships"]):
                found += _identifier_faults(related)
        else:
            found += _identify_faults(operation)
        faults += [f"batch[{index}]: {fault}" for fault in found]
    return faults


def v1_event_faults(body: bytes) -> list[str]:
    """Every limit that a body of /api/v1/customers/{identifier}/events breaks, in words."""
    return list(_event_faults(_objects.decode(body), data="data"))


def v1_anonymous_faults(body: bytes) -> list[str]:
    """Every limit that a body of /api/v1/events breaks, in words."""
    event = _objects.decode(body)
    of_id = _over(_value_bytes(event["anonymous_id"]), MAX_IDENTIFIER, "the anonymous_id")
    return [*of_id, *_event_faults(event, data="data")]


def _event_faults(event: dict[str, Raw], *, data: str) -> Iterator[str]:
    yield from _over(_value_bytes(event["name"]), MAX_EVENT_NAME, "the event name")
    yield from _over(len(bytes(event[data])), MAX_EVENT_DATA, "the event's data")


def _identify_faults(identify: dict[str, Raw]) -> Iterator[str]:
    attributes = _objects.decode(identify["attributes"])
    attributes.pop(OUR_OWN_MARK, None)
    if not 1 <= len(attributes) <= MAX_ATTRIBUTES:
        yield f"{len(attributes)} attributes; 1 to {MAX_ATTRIBUTES} are allowed"
    for name, value in attributes.items():
        yield from _over(len(name.encode()), MAX_ATTRIBUTE_NAME, f"the name {name[:20]!r}…")
        yield from _over(_value_bytes(value), MAX_ATTRIBUTE_VALUE, f"attribute {name[:20]!r}")


def _identifier_faults(operation: dict[str, Raw]) -> Iterator[str]:
    for kind, value in _objects.decode(operation["identifiers"]).items():
        yield from _over(_value_bytes(value), MAX_IDENTIFIER, f"the {kind}")


def _over(size: int, limit: int, what: str) -> Iterator[str]:
    if size > limit:
        yield f"{what} has {size} bytes; {limit} are allowed"


def _value_bytes(value: Raw) -> int:
    """Of a text the bytes of its characters, of any other value the bytes of its JSON."""
    encoded = bytes(value)
    return len(_text(value).encode()) if encoded.startswith(b'"') else len(encoded)


def _text(value: Raw) -> str:
    return msgspec.json.decode(value, type=str)
