"""Deterministic ULIDs: the idempotency key of an event.

The same Amplitude record gives the same ULID for ever, on every machine, so that whatever is
delivered twice (a redelivered message, a replay, a backfill over the live stream) counts once.
Format: https://github.com/ulid/spec (48 bits of Unix milliseconds, 80 bits more, Crockford base32).
"""

from hashlib import blake2b
from typing import Any

import msgspec

from transforms.records import Json

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_TIME_BITS = 48
_SORTED = msgspec.json.Encoder(order="deterministic")


def ulid(time_ms: int, digest: bytes) -> str:
    """The ULID of a time in Unix milliseconds and 10 bytes. Raises ValueError out of range."""
    if not 0 <= time_ms < 1 << _TIME_BITS or len(digest) != 10:
        raise ValueError("a ULID takes a 48-bit time and 10 bytes")
    value = time_ms << 80 | int.from_bytes(digest, "big")
    return "".join(_PAIRS[value >> shift & 1023] for shift in range(120, -1, -10))


def event_ulid(fields: Json, time_ms: int) -> str:
    """The ULID of an Amplitude record: a BLAKE2b digest over app, device and insert id.

    Insert ids are unique only within a project and a device. A record without one is told apart by
    its `uuid`, else by what Amplitude itself deduplicates by.
    """
    digest = blake2b(digest_size=10)
    for part in (fields.get("app"), fields.get("device_id"), *_insert_id(fields)):
        encoded = _as_bytes(part)
        digest.update(len(encoded).to_bytes(4, "big"))
        digest.update(encoded)
    return ulid(time_ms, digest.digest())


def _insert_id(fields: Json) -> tuple[Any, ...]:
    for field in ("$insert_id", "insert_id", "uuid"):
        if fields.get(field) not in (None, ""):
            return (fields[field],)
    event_type = fields.get("event_type") or fields.get("event_name")
    parts = (
        fields.get("event_id"),
        fields.get("client_event_time"),
        event_type,
        fields.get("user_id"),
    )
    if fields.get("event_id") is None:
        # Nothing identifies this record: two different events of one person in one millisecond
        # would be one event to Customer.io, so what they say tells them apart.
        return (*parts, fields.get("event_properties"))
    return parts


def _as_bytes(value: Any) -> bytes:
    if value is None:
        return b""
    return value.encode() if isinstance(value, str) else _SORTED.encode(value)
