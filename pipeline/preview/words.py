"""Values of a record as short text that is safe to show."""

import json
from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

SHOWN_CHARACTERS = 60
_SHOWN_NAMES = 8


def printable(text: str) -> str:
    r"""`text` with everything that a terminal would not show as a character as `\uXXXX`.

    Control characters, marks of direction, line separators and unusual spaces are escaped the way
    JSON does it: within a JSON text the meaning stays the same.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def shortened(text: str, limit: int = SHOWN_CHARACTERS) -> str:
    """`text`, printable, on at most `limit` characters."""
    # Cut first: a text may have millions of characters.
    shown = printable(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def as_json(value: Any) -> str:
    """A JSON value as compact JSON."""
    return msgspec.json.encode(value).decode()


def brief(value: Any, limit: int = SHOWN_CHARACTERS) -> str:
    """A JSON value as compact JSON, printable, on at most `limit` characters."""
    if isinstance(value, str):
        value = value[: limit + 1]
    return shortened(as_json(value), limit)


def listed(names: Iterable[str], most: int = _SHOWN_NAMES) -> str:
    """Names of properties: the first ones, and how many more there are."""
    names = list(names)
    shown = ", ".join(shortened(name) for name in islice(names, most))
    rest = len(names) - most
    return f"{shown} and {rest} more" if rest > 0 else shown


def amount(count: int, noun: str) -> str:
    """`1 record`, `2 records`, `1,000 replies`."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun[:-1]}ies" if noun.endswith("y") else f"{count:,} {noun}s"
