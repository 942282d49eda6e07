"""Taking a text of many records apart without parsing the records: the slow path of decode.

Used only when a text does not parse as a whole, so that one bad record never takes its neighbours.
"""

import re
from collections.abc import Iterator

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[\]{},]', re.DOTALL)
_OPENERS = frozenset(b"[{")
_CLOSERS = frozenset(b"]}")
_COMMA = ord(",")
_KEY_AND_COLON = re.compile(rb'"(events|identification|event_type|event_name)"\s*:\s*(\[?)')


def nesting_depth(text: bytes) -> int:
    """The deepest nesting of brackets in `text`, strings left aside; 1 for a flat object.

    Linear in the text's length; also answers for text that is no valid JSON.
    """
    depth = deepest = 0
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        if first in _OPENERS:
            depth += 1
            deepest = max(deepest, depth)
        elif first in _CLOSERS:
            depth -= 1
    return deepest


def split_array(text: bytes) -> Iterator[bytes]:
    """The items of the JSON array that `text` begins with, each as its own text.

    A text that ends early gives its last, broken item too. What follows the array is not read.
    """
    depth = 0
    start = text.index(b"[") + 1
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        if first in _OPENERS:
            depth += 1
        elif first in _CLOSERS:
            depth -= 1
            if depth == 0:
                if item := text[start : match.start()].strip():
                    yield item
                return
        elif first == _COMMA and depth == 1:
            yield text[start : match.start()].strip()
            start = match.end()
    if item := text[start:].strip():
        yield item


def record_list(text: bytes) -> bytes | None:
    """The part of `text` that begins with its list of records, when it is of a shape with one.

    That is an array, or a request body with a list under `events` or `identification` as a key of
    its outermost object, which is then no record itself.
    """
    if text[:1] == b"[":
        return text
    found: bytes | None = None
    depth = 0
    for match in _TOKEN.finditer(text):
        first = text[match.start()]
        if first in _OPENERS:
            depth += 1
        elif first in _CLOSERS:
            depth -= 1
        elif depth == 1 and (key := _KEY_AND_COLON.match(text, match.start())):
            if key[1].startswith(b"event_"):
                return None
            if key[2] and found is None:
                found = text[key.end() - 1 :]
    return found
