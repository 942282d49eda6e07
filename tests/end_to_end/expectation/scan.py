"""Finds the borders of JSON values by looking at brackets and strings alone.

It needs no recursion, so thousands of levels do no harm, and it does not mind what stands inside
an item, so a faulty item can be told apart from its neighbours.
"""

import re
from dataclasses import dataclass

WHITE_SPACE = " \t\r\n"
_TOKEN = re.compile(r'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"|["\[\]{},:]')
_CLOSER = {"[": "]", "{": "}"}


@dataclass(frozen=True)
class Container:
    """An object or array as text: how deep it nests (itself is level 1) and its direct parts."""

    levels: int
    parts: list[str]


def container(text: str) -> Container | None:
    """Split one JSON object or array, given without white space around it.

    The parts are the texts between its own commas (for an object: `"key": value`). Returns None
    when brackets or strings do not match, or when something follows the end.
    """
    if text[:1] not in _CLOSER:
        return None
    open_brackets: list[str] = []
    levels = 0
    parts: list[str] = []
    start_of_part = 1
    for token in _TOKEN.finditer(text):
        sign = token.group()
        if sign == '"':
            return None
        if sign in _CLOSER:
            open_brackets.append(sign)
            levels = max(levels, len(open_brackets))
        elif sign in _CLOSER.values():
            if not open_brackets or _CLOSER[open_brackets.pop()] != sign:
                return None
            if not open_brackets:
                if token.end() != len(text):
                    return None
                last = text[start_of_part : token.start()].strip(WHITE_SPACE)
                if last or parts:
                    parts.append(last)
                return Container(levels, parts)
        elif sign == "," and len(open_brackets) == 1:
            parts.append(text[start_of_part : token.start()].strip(WHITE_SPACE))
            start_of_part = token.end()
    return None


def member(part: str) -> tuple[str, str] | None:
    """Split the text of one object member into the texts of its key and its value."""
    token = _TOKEN.match(part)
    if token is None or len(token.group()) < 2:
        return None
    rest = part[token.end() :].lstrip(WHITE_SPACE)
    if not rest.startswith(":"):
        return None
    return token.group(), rest[1:].strip(WHITE_SPACE)
