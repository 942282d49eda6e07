"""Deterministic ULIDs: the idempotency key of an event.

The same Amplitude record gives the same ULID for ever, on every machine, so that whatever is
delivered twice (a redelivered message, a replay, a backfill over the live stream) counts once.
Format: https://github.com/ulid/spec (48 bits of Unix milliseconds, 80 bits more, Crockford base32).
"""

from functools import lru_cache
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
USUAL_FIELDS = ("app", "device_id", "$insert_id")
"""Those that are read of a record that has an insert id."""
_SORTED = msgspec.json.Encoder(order="deterministic")


def ulid(time_ms: int, digest: bytes) -> str:
    """The ULID of a time in Unix milliseconds and 10 bytes. Raises ValueError out of range."""
    if not 0 <= time_ms < 1 << _TIME_BITS or len(digest) != 10:
        raise ValueError("a ULID takes a 48-bit time and 10 bytes")
    # Halves of 40 bits, 8 characters each: Python is slow with integers beyond 60 bits.
    high = int.from_bytes(digest[:5], "big")
    low = int.from_bytes(digest[5:], "big")
    pairs = _PAIRS
    return (
        f"{_head(time_ms >> 10)}{pairs[time_ms & 1023]}"
        f"{pairs[high >> 30]}{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}"
        f"{pairs[high & 1023]}{pairs[low >> 30]}{pairs[low >> 20 & 1023]}"
        f"{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


@lru_cache(1_024)
def _head(time: int) -> str:
    """The first 8 characters of a ULID: they change about once a second of its time."""
    groups = (time >> 30, time >> 20 & 1023, time >> 10 & 1023, time & 1023)
    return "".join(_PAIRS[group] for group in groups)


def event_ulid(fields: Json, time_ms: int) -> str:
    """The ULID of an Amplitude record: a BLAKE2b digest over app, device and insert id.

    Insert ids are unique only within a project and a device. A record without one is told apart by
    its `uuid`, else by what Amplitude itself deduplicates by.
    """
    app, device_id = fields.get("app"), fields.get("device_id")
    insert_id = fields.get("$insert_id")
    if type(app) is int and type(device_id) is str and type(insert_id) is str and insert_id:
        # What follows, for what nearly all records have.
        device, own = device_id.encode(), insert_id.encode()
        if len(device) < len(_LENGTHS) > len(own):
            text = _prefixed_app(app) + _LENGTHS[len(device)] + device + _LENGTHS[len(own)] + own
            return ulid(time_ms, blake2b(text, digest_size=10).digest())
    parts = (app, device_id, *_insert_id(fields))
    return ulid(time_ms, blake2b(b"".join(map(_prefixed, parts)), digest_size=10).digest())


_LENGTHS = tuple(length.to_bytes(4, "big") for length in range(256))


def _prefixed(part: Any) -> bytes:
    """A value with its length in front: so "ab" and "c" are not "a" and "bc"."""
    encoded = _as_bytes(part)
    return len(encoded).to_bytes(4, "big") + encoded


@lru_cache(64)
def _prefixed_app(app: int) -> bytes:
    return _prefixed(app)


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
