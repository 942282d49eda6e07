"""The values of properties: when two of them are the same, and how large one may be."""

from typing import Any

import msgspec

from transforms.limits import value_bytes

MAX_TEXT_CHARACTERS = 1_024
"""Of a text. Amplitude cuts there: https://amplitude.com/docs/faq/limits."""
MAX_NESTED_BYTES = 10_000
"""Of an array or object, as JSON. Amplitude lets no array grow beyond 10 000 characters."""


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


def fits(value: list[Any]) -> bool:
    """Whether an array is small enough to be remembered."""
    return value_bytes(value) <= MAX_NESTED_BYTES


def bounded(value: Any) -> Any:
    """The value; of one that is too large, a text of its beginning.

    That text is over what Customer.io takes as an attribute, as the value itself is. So it is never
    delivered: what becomes of it is decided where limits are checked (`transforms.validate`).
    """
    kind = type(value)
    if kind is str:
        return value if len(value) <= MAX_TEXT_CHARACTERS else value[:MAX_TEXT_CHARACTERS]
    if (kind is list or kind is dict) and len(
        text := msgspec.json.encode(value)
    ) > MAX_NESTED_BYTES:
        return text.decode()[:MAX_TEXT_CHARACTERS]
    return value
