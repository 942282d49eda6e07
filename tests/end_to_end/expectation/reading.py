"""Contract section 2, first half: from the bytes of a message to its records."""

import gzip
import json
import math
import re
import zlib
from dataclasses import dataclass
from typing import Any, NoReturn

from tests.end_to_end.expectation.scan import WHITE_SPACE, container, member

LARGEST_MESSAGE = 64 * 1024 * 1024
DEEPEST_RECORD = 100
# What "surrogateescape" makes of a byte that is not UTF-8; UTF-8 itself never yields these.
_NOT_UTF8 = re.compile(r"[\udc80-\udcff]")


@dataclass(frozen=True)
class Fault:
    """A record that cannot be read, with the reason of its dead letter."""

    reason: str


Reading = dict[str, Any] | Fault


def read_message(data: bytes) -> list[Reading]:
    """Return the records of one message in order, each read or with the fault that it has."""
    if data.startswith(b"\x1f\x8b"):
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError, zlib.error):
            # What is left are bytes that are not UTF-8: 0x8b cannot follow 0x1f.
            return [Fault("not_utf8")]
    text = data.decode("utf-8", "surrogateescape").strip(WHITE_SPACE)
    if len(data) > LARGEST_MESSAGE:
        return [Fault("too_large") if _is_utf8(text) else Fault("not_utf8")]
    whole = _read_document(text)
    if whole is not None:
        return whole
    lines = [line.strip(WHITE_SPACE) for line in text.split("\n")]
    read_lines = [(line, _read_document(line)) for line in lines if line]
    if not any(line[0] in "[{" and records is not None for line, records in read_lines):
        return [_unreadable(text)]
    result: list[Reading] = []
    for line, records in read_lines:
        result.extend([_unreadable(line)] if records is None else records)
    return result


def _read_document(text: str) -> list[Reading] | None:
    """Read one JSON text (a whole message or one line); None when it is not JSON as a whole."""
    if text.startswith("["):
        return _read_array(text)
    if text.startswith("{"):
        return _read_object(text)
    return None if isinstance(_parse(text), Fault) else [Fault("not_an_object")]


def _read_array(text: str) -> list[Reading] | None:
    array = container(text)
    if array is None or "" in array.parts:
        return None
    records: list[Reading] = []
    for part in array.parts:
        inner = _read_object(part) if part.startswith("{") else None
        records.extend([_read_record(part)] if inner is None else inner)
    unreadable = (Fault("malformed_json"), Fault("not_utf8"))
    # Not one item can be read: then it is the message that is no JSON, not its items.
    if records and all(record in unreadable for record in records):
        return None
    return records


def _read_object(text: str) -> list[Reading] | None:
    carried = _read_request_body(text)
    if carried is not None:
        return carried
    record = _read_record(text)
    return None if record in (Fault("malformed_json"), Fault("not_utf8")) else [record]


def _read_request_body(text: str) -> list[Reading] | None:
    """Read an HTTP V2 body or an Identify API form; None when the object is neither."""
    outer = container(text)
    if outer is None:
        return None
    members: dict[str, str] = {}
    for part in outer.parts:
        pair = member(part)
        if pair is None:
            return None
        key = _parse(pair[0])
        if not isinstance(key, str):
            return None
        members[key] = pair[1]
    if any(members.get(name, "null") != "null" for name in ("event_type", "event_name")):
        return None
    for name in ("events", "identification"):
        if name not in members:
            continue
        value = members[name]
        others = [other for key, other in members.items() if key != name]
        if any(isinstance(_parse(other), Fault) for other in others):
            continue
        if value.startswith("["):
            return _read_array(value)
        if name == "identification" and value.startswith("{"):
            return [_read_record(value)]
        if name == "identification" and value.startswith('"'):
            inner = _parse(value)
            if isinstance(inner, Fault):
                return None
            records = _read_document(inner.strip(WHITE_SPACE))
            return [Fault("malformed_json")] if records is None else records
    return None


def _read_record(text: str) -> Reading:
    value = _parse(text)
    if isinstance(value, Fault):
        return value
    shape = container(text)
    if shape is not None and shape.levels > DEEPEST_RECORD:
        return Fault("too_deep")
    if not isinstance(value, dict):
        return Fault("not_an_object")
    value.pop("api_key", None)
    return value


def _parse(text: str) -> Any:
    """Return the JSON value of `text` or the Fault that it has."""
    if not _is_utf8(text):
        return Fault("not_utf8")
    try:
        value = json.loads(text, parse_float=_finite, parse_constant=_refuse)
        # A lone surrogate is text in JSON, but cannot be written in UTF-8.
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        # Some hundreds of levels or more: whether they are all closed still decides.
        return Fault("malformed_json") if container(text) is None else Fault("too_deep")
    except ValueError:
        return Fault("malformed_json")
    return value


def _is_utf8(text: str) -> bool:
    return _NOT_UTF8.search(text) is None


def _unreadable(text: str) -> Fault:
    return Fault("malformed_json") if _is_utf8(text) else Fault("not_utf8")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"no JSON number can hold {digits}")
    return number


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
