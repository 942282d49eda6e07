"""The judge's own reading of a message, with Python's json and zlib. No product code."""

import json
import zlib
from contextlib import suppress
from typing import Any, NamedTuple

MARK = "K3YTHATMUSTNOTLEAK"
"""The value of every `api_key` that is planted in an input."""
_MOST_DIGITS = 4299
_RECORD_LEVELS = 100


class NotComparableError(ValueError):
    """A text that Python's json does not read, or reads otherwise than RFC 8259 has it."""


class Reading(NamedTuple):
    """What Python reads in a message."""

    text: bytes
    """Inflated, as far as it inflates."""
    records: list[Any] | None
    """One a record; None where the text, or a line of it, is no JSON or holds JSON in a text."""
    deep: bool
    """Whether some record is nested deeper than a record may be."""
    key_may_stay: bool
    """Whether an `api_key` is planted deeper than in a record or a body: it is somebody's data."""


def read_message(data: bytes) -> Reading:
    """Reads one message."""
    text, damaged = inflate(data)
    if damaged:
        return Reading(text, None, False, True)
    try:
        values = _values(text.removeprefix(b"\xef\xbb\xbf").strip())
    except NotComparableError:
        return Reading(text, None, False, True)
    of_each = [_records_of(value) for value in values]
    records = None if None in of_each else [of for found in of_each for of in found or []]
    stays = MARK.encode() in text and any(map(_mark_below, values))
    brackets = text.count(b"[") + text.count(b"{")
    deep = brackets > _RECORD_LEVELS and any(levels(of) > _RECORD_LEVELS for of in records or [])
    return Reading(text, records, deep, stays)


def _values(text: bytes) -> list[Any]:
    """The value of the text, or those of its lines if each is one and not all are scalars."""
    lines = [line.strip() for line in text.split(b"\n") if line.strip()]
    if len(lines) < 2 or not any(line[:1] in (b"{", b"[") for line in lines):
        return [read_json(text)]
    try:
        return [read_json(text)]
    except NotComparableError:
        return [read_json(line) for line in lines]


def inflate(data: bytes) -> tuple[bytes, bool]:
    """What inflates of `data`, to the byte, and whether something behind that is damaged."""
    if data[:2] != b"\x1f\x8b":
        return data, False
    text = b""
    while data:
        member = zlib.decompressobj(wbits=31)
        try:
            inflated = member.decompress(data)
        except zlib.error:
            return text + _byte_by_byte(data), True
        text += inflated
        if not member.eof:
            return text, True
        data = member.unused_data.lstrip(b"\0")
    return text, False


def _byte_by_byte(data: bytes) -> bytes:
    member = zlib.decompressobj(wbits=31)
    good = 0
    for size in (64, 1):
        before = member
        with suppress(zlib.error):
            while good < len(data):
                before = member.copy()
                member.decompress(data[good : good + size])
                good += size
        member = before
    member = zlib.decompressobj(wbits=31)
    return member.decompress(data[:good])


def read_json(text: bytes) -> Any:
    """The value of a JSON text. Raises NotComparableError."""
    try:
        value = _DECODER.decode(text.decode())
        if b"\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise NotComparableError(type(error).__name__) from error
    return value


def _refuse(text: str) -> Any:
    raise NotComparableError(text)


def _finite(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise NotComparableError(text)
    return number


def _whole(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise NotComparableError("digits")
    return int(text)


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, parse_int=_whole)


def _records_of(value: Any) -> list[Any] | None:
    if not isinstance(value, list):
        return _of_item(value)
    found = [_of_item(item) for item in value]
    if None in found:
        return None
    return [record for records in found for record in records or []]


def _of_item(item: Any) -> list[Any] | None:
    if not isinstance(item, dict):
        return [item]
    if any(item.get(name) is not None for name in ("event_type", "event_name")):
        return [item]
    if isinstance(item.get("events"), list):
        return list(item["events"])
    identification = item.get("identification")
    if isinstance(identification, str):
        return None
    if isinstance(identification, list):
        return list(identification)
    return [identification] if isinstance(identification, dict) else [item]


def _mark_below(value: Any) -> bool:
    """Whether the mark stands anywhere but as the `api_key` of a record or a body."""
    items = value if isinstance(value, list) else [value]
    rest = []
    for item in items:
        if not isinstance(item, dict):
            rest.append(item)
            continue
        for key, inner in item.items():
            if key in ("events", "identification") and isinstance(inner, list | dict):
                if _of_item(item) == [item]:
                    rest.append(inner)
                    continue
                for record in inner if isinstance(inner, list) else [inner]:
                    rest.append(_but_key(record))
            elif key != "api_key":
                rest.append([key, inner])
    return MARK in json.dumps(rest, ensure_ascii=False)


def _but_key(record: Any) -> Any:
    if not isinstance(record, dict):
        return record
    return {key: value for key, value in record.items() if key != "api_key"}


def levels(value: Any) -> int:
    """Levels of nesting; a flat object has one. Without recursion: a reading may be deep."""
    depth = 0
    layer = [value]
    while layer := [inner for inner in layer if isinstance(inner, dict | list)]:
        depth += 1
        layer = [
            below
            for inner in layer
            for below in (inner.values() if isinstance(inner, dict) else inner)
        ]
    return depth


def same(left: Any, right: Any) -> bool:
    """Equal in value and type all the way down: 1, 1.0 and True are three, 0.0 and -0.0 two."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return repr(left) == repr(right) if isinstance(left, float) else bool(left == right)
