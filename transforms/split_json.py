"""Taking a text of many records apart without parsing the records: the slow path of decode.

Used only when a text does not parse as a whole, so that one bad record never takes its neighbours.
"""

import re

import msgspec

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|["\[\]{},]', re.DOTALL)
_OPENERS = frozenset(b"[{")
_CLOSER_OF = {b"[": b"]", b"{": b"}"}
_CLOSERS = frozenset(b"]}")
_MEMBER = re.compile(rb'"((?:[^"\\]|\\.)*+)"\s*:\s*(.*)', re.DOTALL)
_LISTS = (b"events", b"identification")
_TYPES = (b"event_type", b"event_name")


def nesting_depth(text: bytes) -> int:
    """The deepest nesting of brackets in `text`, strings left aside; 1 for a flat object.

    Linear in the text's length; also answers for text that is no valid JSON, up to a string in it
    that does not end.
    """
    depth = deepest = 0
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        if first in _OPENERS:
            depth += 1
            deepest = max(deepest, depth)
        elif first in _CLOSERS:
            depth -= 1
        elif match.group() == b'"':
            break
    return deepest


def split_container(text: bytes) -> list[bytes] | None:
    """The items of an array, or the members of an object, each as its own text.

    None where brackets or strings do not match, or where something follows the end: then it is the
    text that is broken, and not an item of it. Linear in the text's length.
    """
    if text[:1] not in _CLOSER_OF:
        return None
    expected: list[bytes] = []
    parts: list[bytes] = []
    start = 1
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token in _CLOSER_OF:
            expected.append(_CLOSER_OF[token])
        elif token in (b"]", b"}"):
            if expected.pop() != token:
                return None
            if not expected:
                last = text[start : match.start()].strip()
                return parts + [last] * bool(last or parts) if match.end() == len(text) else None
        elif token == b"," and len(expected) == 1:
            parts.append(text[start : match.start()].strip())
            start = match.end()
        elif token == b'"':
            return None
    return None


def split_records(text: bytes) -> list[bytes] | None:
    """The texts of the records in an array, or in a request body that lists them.

    A request body is an object with a list under `events` or `identification`, and no event type of
    its own. None for any other text, and for one that is broken around its records.
    """
    parts = split_container(text)
    if parts is None or text[:1] == b"[":
        return parts
    members = [_MEMBER.fullmatch(part) for part in parts]
    values = {member[1]: member[2] for member in members if member}
    if len(values) < len(parts) or any(values.get(name, b"null") != b"null" for name in _TYPES):
        return None
    for name in _LISTS:
        if values.get(name, b"")[:1] == b"[":
            others = (value for key, value in values.items() if key != name)
            return split_container(values[name]) if all(map(is_json, others)) else None
    return None


def is_json(text: bytes) -> bool:
    """Whether `text` is one JSON value."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True
