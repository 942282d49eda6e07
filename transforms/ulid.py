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
FIELDS = (
    "app",
    "device_id",
    "$insert_id",
    "insert_id",
    "uuid",
    "event_id",
    "client_event_time",
    "event_type",
    "event_name",
    "user_id",
    "event_properties",
)
"""The fields of a record that are read here."""
_SORTED = msgspec.json.Encoder(order="deterministic")


def ulid(time_ms: int, digest: bytes) -> str:
    """The ULID of a time in Unix milliseconds and 10 bytes. Raises ValueError out of range."""
    if not 0 <= time_ms < 1 << _TIME_BITS or len(digest) != 10:
        raise ValueError("a ULID takes a 48-bit time and 10 bytes")
    # Halves of 40 bits, 8 characters each: Python is slow with integers beyond 60 bits.
    high = int.from_bytes(digest[:5], "big")
    low = int.from_bytes(digest[5:], "big")
    return (
        f"{_PAIRS[time_ms >> 40]}{_PAIRS[time_ms >> 30 & 1023]}{_PAIRS[time_ms >> 20 & 1023]}"
        f"{_PAIRS[time_ms >> 10 & 1023]}{_PAIRS[time_ms & 1023]}"
        f"{_PAIRS[high >> 30]}{_PAIRS[high >> 20 & 1023]}{_PAIRS[high >> 10 & 1023]}"
        f"{_PAIRS[high & 1023]}{_PAIRS[low >> 30]}{_PAIRS[low >> 20 & 1023]}"
        f"{_PAIRS[low >> 10 & 1023]}{_PAIRS[low & 1023]}"
    )


def event_ulid(fields: Json, time_ms: int) -> str:
    """The ULID of an Amplitude record: a BLAKE2b digest over app, device and insert id.

    Insert ids are unique only within a project and a device. A record without one is told apart by
    its `uuid`, else by what Amplitude itself deduplicates by.
    """
    parts = (fields.get("app"), fields.get("device_id"), *_insert_id(fields))
    return ulid(time_ms, blake2b(b"".join(map(_prefixed, parts)), digest_size=10).digest())


def _prefixed(part: Any) -> bytes:
    """A value with its length in front: so "ab" and "c" are not "a" and "bc"."""
    encoded = part.encode() if type(part) is str else _as_bytes(part)
    return len(encoded).to_bytes(4, "big") + encoded


def _insert_id(fields: Json) -> tuple[Any, ...]:
    for field in ("$insert_id", "insert_id", "uuid"):
        value = fields.get(field)
        if value is not None and value != "":
            return (value,)
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
