"""Taking a text of many records apart without parsing the records: the slow path of decode.

Used only when a text does not parse as a whole, so that one bad record never takes its neighbours.
"""

import re
from itertools import accumulate

import msgspec

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+("?)|[\[\]{},]', re.DOTALL)
"""A bracket, a comma, or a string; its group is empty for a string that does not end."""
_NEITHER = bytes(set(range(256)) - set(b'[]{}"'))
_STRING = re.compile(rb'"[^"]*"?')
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""Brackets -> one level more or less, as a signed byte."""
_CLOSER_OF = {b"[": b"]", b"{": b"}"}
_MEMBER = re.compile(rb'"((?:[^"\\]|\\.)*+)"\s*:\s*(.*)', re.DOTALL)
_LISTS = (b"events", b"identification")
_TYPES = (b"event_type", b"event_name")


def nesting_depth(text: bytes) -> int:
    """The deepest nesting of brackets in `text`, strings left aside; 1 for a flat object.

    Linear in the text's length, and a few passes at the speed of `in`, for hostile text may be
    nothing but brackets. Also answers for text that is no valid JSON, up to a string in it that
    does not end.
    """
    text = text.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NEITHER)
    # Two quotes side by side are an empty string, or the seam of two strings.
    steps = _STRING.sub(b"", text.replace(b'""', b"")).translate(_STEPS)
    return max(accumulate(memoryview(steps).cast("b"), initial=0))


def split_container(text: bytes, at_most: int | None = None) -> list[bytes] | None:
    """The items of an array, or the members of an object, each as its own text.

    None where brackets or strings do not match, or where something follows the end: then it is the
    text that is broken, and not an item of it. `at_most`: so many items are enough, and what is
    behind them is not looked at. Linear in the text's length.
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
            if len(parts) == at_most:
                return parts
        elif match[1] == b"":
            return None
    return None


def split_records(text: bytes, at_most: int | None = None) -> list[bytes] | None:
    """The texts of the records in an array, or in a request body that lists them.

    A request body is an object with a list under `events` or `identification`, and no event type of
    its own. None for any other text, and for one that is broken around its records.
    """
    if text[:1] == b"[":
        return split_container(text, at_most)
    parts = split_container(text) if any(b'"%s"' % name in text for name in _LISTS) else None
    if parts is None:
        return None
    members = [_MEMBER.fullmatch(part) for part in parts]
    values = {member[1]: member[2] for member in members if member}
    if len(values) < len(parts) or any(values.get(name, b"null") != b"null" for name in _TYPES):
        return None
    for name in _LISTS:
        if values.get(name, b"")[:1] == b"[":
            others = (value for key, value in values.items() if key != name)
            return split_container(values[name], at_most) if all(map(is_json, others)) else None
    return None


def is_json(text: bytes) -> bool:
    """Whether `text` is one JSON value."""
    try:
        msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True
