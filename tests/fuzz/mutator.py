"""Changing inputs with some knowledge of JSON and of Amplitude's names."""

import gzip
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from tests.fuzz.plain_reading import MARK

Json = dict[str, Any]

SECOND = 1_777_888_867
NAMES = (
    *("event_type", "event_name", "user_id", "device_id", "event_time", "time", "created_at"),
    *("client_event_time", "server_upload_time", "$insert_id", "uuid", "event_id", "app"),
    *("event_properties", "user_properties", "group_properties", "groups", "cohort_id"),
    *("in_cohort", "events", "identification", "api_key", "city"),
)
PROPERTIES = (
    *("plan", "email", "recipient", "reply_to", "nested", "seats", "tags", "groups", "é", "id"),
    *("cio_id", "_update", "_x", "__proto__", "constructor", "", "\0", "\u202e", "x" * 151),
    *("$set", "$unset", "$setOnce", "$add", "$append", "$clearAll", "\U0001f600" * 38),
)
PEOPLE = (
    *("ada", "ada@example.com", "Ada@Example.com", "cio_1", "cio_", "..", ".", "a/b", "a?b#c"),
    *("%2F", "a\nb", "a\r\nX: y", "\t", "\0", "\u202eada", "a\u200bb", "\U0001f600", "é" * 75),
    *(
        "ई" * 50,
        "ई" * 51,
        "x" * 150,
        "x" * 151,
        " ada ",
        "~",
        "a%",
        "\\",
        '"',
        "cio_..",
        "@",
        "a@b",
    ),
)
TIMES = (
    *(SECOND, SECOND * 1000, float(SECOND) + 0.5, str(SECOND), str(SECOND * 1000), "1e10"),
    *(0, -1, 999_999_999, 1_000_000_000, 99_999_999_999, 100_000_000_000, 10**12, 10**13 - 1),
    *(10**13, 1e11, 1e300, "2026-05-04 10:01:07.123000", "2026-05-04T10:01:07Z", ""),
    *("2026-05-04T10:01:07+99:99", "0001-01-01 00:00:00", "9999-12-31T23:59:59-23:59"),
    *("2026-12-31 23:59:60", "2026-05-04 24:00:00", "2026-05-04T10:01:07+14:00 ", "١٧٧٧٨٨٨٨٦٧"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -0.0, 1, 1.0, 2**63, 2**64, -(2**63) - 1, 10**40, 1e300, 5e-324),
    *("", " ", "pro", "x" * 1001, "é" * 500, "\u2028", "\0", "a\nb", "*a*a*b", "1e999999999"),
    *([], {}, [None], [[1, {}]], {"a": None}, {"a": 1}, ["x"] * 400, list(range(300))),
)
TYPES = (
    *("Signed Up", "session_start", "[Amplitude] Start Session", "$identify", "identify", "A"),
    *("$groupidentify", "Played", " ", "", "é" * 51, "x" * 101, "a\nb", "$exposure"),
)
TOKENS = (
    *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"1e-400", b"-0", b"-0.0", b"1E5"),
    *(b"9" * 400, b"9" * 4299, b"9" * 4301, b"0." + b"1" * 60, b'"\\ud800"', b'"\\udc00\\ud800"'),
    *(b'"\xed\xa0\x80"', b'"\xff"', b'"\\u0000"', b"\0", b"\n", b"\r\n", b"\xef\xbb\xbf", b"\\"),
    *(b'"', b"[", b"]", b"{", b"}", b",", b":", b"[" * 120, b"]" * 120, b'{"a":' * 101, b"}" * 101),
    *(b"null", b"{}", b"[]", b"\x1f\x8b\x08\x00", b"PK\x03\x04", b"\\u0022", b"\\u005f", b"//"),
    *(b'"api_key":"' + MARK.encode() + b'",', b"api_key=" + MARK.encode() + b"&"),
)


def mutated(data: bytes, rng: Random) -> bytes:
    """A message that differs from `data` in a place or a few."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        change = rng.choice(_CHANGES)
        data = change(data, rng)
    return data


def plausible_record(rng: Random) -> Json:
    """A record like Amplitude's in which nothing, or little, is wrong."""
    record: Json = {}
    if rng.random() < 0.9:
        record[rng.choice(("event_type", "event_type", "event_name"))] = _mostly(TYPES, 6, rng)
    if rng.random() < 0.9:
        record[rng.choice(("user_id", "user_id", "device_id"))] = _mostly(PEOPLE, 4, rng)
    if rng.random() < 0.8:
        record[rng.choice(("event_time", "time", "client_event_time"))] = _mostly(TIMES, 5, rng)
    for bag in ("event_properties", "user_properties"):
        if rng.random() < 0.7:
            record[bag] = _properties(rng)
    if rng.random() < 0.2:
        record["group_properties"] = {"company": {"acme": _properties(rng)}}
    if rng.random() < 0.2:
        record["$insert_id"] = rng.choice(VALUES)
    if rng.random() < 0.2:
        record["api_key"] = MARK
    return record


def _mostly(choices: Sequence[Any], good: int, rng: Random) -> Any:
    """One of `choices`, the first `good` of which have nothing wrong with them."""
    return rng.choice(choices[:good] if rng.random() < 0.7 else choices)


def plausible_message(rng: Random) -> bytes:
    """A message of one record or a few, in one of the shapes in which records travel."""
    records = [plausible_record(rng) for _ in range(rng.choice((1, 1, 2, 5)))]
    return rng.choice(_SHAPES)(records)


def _dumps(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")


_SHAPES: tuple[Callable[[list[Json]], bytes], ...] = (
    lambda records: _dumps(records[0]),
    _dumps,
    lambda records: b"\n".join(map(_dumps, records)),
    lambda records: _dumps({"api_key": MARK, "events": records}),
    lambda records: _dumps({"api_key": MARK, "identification": records}),
    lambda records: _dumps({"api_key": MARK, "identification": json.dumps(records)}),
    lambda records: gzip.compress(_dumps(records), 1, mtime=0),
)


def _properties(rng: Random) -> Json:
    found: Json = {rng.choice(PROPERTIES): rng.choice(VALUES) for _ in range(rng.randrange(5))}
    if rng.random() < 0.05:
        found |= {f"p{number}": number for number in range(rng.choice((299, 300, 301)))}
    if rng.random() < 0.2:
        operator = rng.choice(("$set", "$unset", "$add"))
        found[operator] = {rng.choice(PROPERTIES): rng.choice(VALUES) for _ in range(3)}
    if rng.random() < 0.03:
        found["large"] = "y" * rng.choice((31_000, 32_000, 99_000, 101_000))
    return found


def _token(data: bytes, rng: Random) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(TOKENS) + data[at + rng.choice((0, 0, 1, 8)) :]


def _cut(data: bytes, rng: Random) -> bytes:
    start = rng.randint(0, len(data))
    return data[:start] + data[rng.randint(start, min(len(data), start + 20)) :]


def _flip(data: bytes, rng: Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([rng.randrange(256)]) + data[at + 1 :]


def _structure(data: bytes, rng: Random) -> bytes:
    """A change of one value, name or item, if the message is JSON."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return _token(data, rng)
    places = _places(value)
    if not places:
        return plausible_message(rng)
    holder, key = rng.choice(places)
    change = rng.randrange(5)
    if change == 0:
        holder[key] = rng.choice(_POOL[rng.randrange(len(_POOL))])
    elif change == 1 and isinstance(holder, dict):
        holder[rng.choice(NAMES + PROPERTIES)] = rng.choice(VALUES + TIMES + PEOPLE)
    elif change == 2 and isinstance(holder, dict):
        del holder[key]
    elif change == 3:
        holder[key] = [holder[key]] * rng.choice((1, 2, 3))
    else:
        holder[key] = _properties(rng) if rng.random() < 0.7 else plausible_record(rng)
    return _dumps(value)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Where a value stands: its object or list, and its name or index; some 500 at most."""
    found: list[tuple[Any, Any]] = []
    layer = [value]
    while layer and len(found) < 500:
        inner = layer.pop()
        if isinstance(inner, dict | list):
            keys = list(inner) if isinstance(inner, dict) else range(len(inner))
            found += [(inner, key) for key in keys]
            layer += [inner[key] for key in keys]
    return found


def _wrapped(data: bytes, rng: Random) -> bytes:
    shapes = (
        b"[%s]" % data,
        b"[%s,%s]" % (data, _dumps(plausible_record(rng))),
        b'{"api_key":"%s","events":[%s]}' % (MARK.encode(), data),
        b'{"events":[%s],"api_key":"%s"}' % (data, MARK.encode()),
        data + b"\n" + _dumps(plausible_record(rng)),
        gzip.compress(data, 1, mtime=0),
    )
    return rng.choice(shapes)


def _anew(_data: bytes, rng: Random) -> bytes:
    return plausible_message(rng)


_POOL: tuple[tuple[Any, ...], ...] = (VALUES, PEOPLE, TIMES, TYPES)
_CHANGES = (_structure, _structure, _structure, _token, _cut, _flip, _wrapped, _anew)
