"""The values of properties: when two of them are the same, and how large one may be."""

from bisect import bisect_left
from typing import Any

import msgspec

MAX_VALUE_BYTES = 10_000
"""Of a text, array or object, as JSON. Amplitude cuts texts at 1 024 characters and lets no array
grow beyond 10 000: https://amplitude.com/docs/faq/limits."""
_MOST_BYTES_OF_CHARACTER = 6
"""A control character, escaped."""


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same: 1, 1.0 and true are three (Python: one)."""
    if left is right:
        return True
    kind = type(left)
    if kind is not type(right):
        return False
    if kind is list:
        return len(left) == len(right) and all(map(same, left, right))
    if kind is dict:
        return left.keys() == right.keys() and all(
            same(value, right[name]) for name, value in left.items()
        )
    return bool(left == right)


def holds(items: list[Any], value: Any) -> bool:
    """Whether a list holds a value."""
    # Python's own search is fast and finds too much, never too little.
    return value in items and any(same(item, value) for item in items)


def fits(value: Any) -> bool:
    """Whether a JSON value is small enough to be remembered as it is."""
    kind = type(value)
    if kind is str:
        if len(value) * _MOST_BYTES_OF_CHARACTER + 2 <= MAX_VALUE_BYTES:
            return True
    elif kind is not list and kind is not dict:
        return True
    return _json_bytes(value) <= MAX_VALUE_BYTES


def bounded(value: Any) -> Any:
    """The value; of one that does not fit, a text of its beginning, which does not fit either.

    So what was cut is always told from what was not, and is over what Customer.io takes as an
    attribute, as the value itself is. It is never delivered: what becomes of it is decided where
    values are hashed (`transforms.shape`), or where limits are checked (`transforms.validate`).
    """
    if fits(value):
        return value
    text = value if type(value) is str else msgspec.json.encode(value).decode()
    # As many characters never fit, and the others need not be looked at.
    text = text[:MAX_VALUE_BYTES]
    size = bisect_left(
        range(len(text)), MAX_VALUE_BYTES + 1, key=lambda count: _json_bytes(text[:count])
    )
    return text[:size]


def _json_bytes(value: Any) -> int:
    return len(msgspec.json.encode(value))
