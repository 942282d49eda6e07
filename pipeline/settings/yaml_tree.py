"""YAML text -> a tree of nodes that know their lines.

YAML 1.2, with plain words read as JSON reads them: a plain word is a text unless it is true, false,
null or a number, so the country NO stays a text, and so does 007. JSON goes through the same code.
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from pipeline.settings.yaml_words import OTHER_SYNTAX_ERROR, in_plain_words

MAX_DEPTH: Final = 30

_MAX_ALIASES = 50
_MAX_DIGITS = 1_000
_TAG = "tag:yaml.org,2002:"
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}
# JSON has these in its texts (the tab between its tokens); YAML refuses them or ends a line there.
_JSON_ONLY: Final = {0x09: " "} | {
    code: f"\\u{code:04x}" for code in (*range(0x7F, 0xA0), 0x2028, 0x2029, 0xFFFE, 0xFFFF)
}


class UnreadableError(ValueError):
    """The text as a whole cannot be read. Repeats nothing of it: it could be a credential."""

    def __init__(self, found: str, line: int | None = None, hint: str | None = None) -> None:
        """`line` counts from 1."""
        super().__init__(found)
        self.found = found
        self.line = line
        self.hint = hint


@dataclass
class Scalar:
    """A plain value; `fault` says why the text in the file is none."""

    value: str | int | float | bool | None
    fault: str = ""


@dataclass
class Sequence:
    """A list: the line of each item, and the item."""

    items: list[tuple[int, "Node"]] = field(default_factory=list)
    fault: str = ""


@dataclass
class Mapping:
    """Key (None when it is no text), its line, and the value; keys may repeat."""

    pairs: list[tuple[str | None, int, "Node"]] = field(default_factory=list)
    fault: str = ""


Node = Scalar | Sequence | Mapping


def read_tree(text: str, *, nullable: bool = False) -> tuple[int, Node]:
    """Line of the root, and the root. Aliases share the node of their anchor.

    `nullable`: no content is null, as it is behind a key.

    Raises:
        UnreadableError: a syntax error, no content, a second document, too deep, too many aliases.
    """
    if _is_json(text):
        text = text.translate(_JSON_ONLY)
    try:
        return _Builder(yaml.parse(text, Loader=yaml.SafeLoader)).root(nullable)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise UnreadableError("a control character stands here", line, "delete it") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _syntax_error(mark, in_plain_words(error.problem or "")) from None
    except (OverflowError, ValueError) as error:
        if isinstance(error, UnreadableError):
            raise
        # PyYAML lets int() and chr() fail on escapes and directives out of range.
        raise UnreadableError(f"not valid YAML: {OTHER_SYNTAX_ERROR}") from None


class _Builder:
    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._anchors: dict[str, Node] = {}
        self._aliases = 0

    def root(self, nullable: bool) -> tuple[int, Node]:
        found: tuple[int, Node] | None = None
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            if found:
                raise UnreadableError(
                    "a second document starts here", _line(event), "keep only one"
                )
            first = next(self._events)
            found = _line(first), self._node(first, 0)
        if nullable:
            return found or (1, Scalar(None))
        if found is None or (isinstance(found[1], Scalar) and found[1].value is None):
            raise UnreadableError("the file is empty", None, "start from settings.example.yaml")
        return found

    def _node(self, event: Any, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise UnreadableError(f"nested more than {MAX_DEPTH} levels deep", _line(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            node = _scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Sequence(self._items(depth + 1), _tag_fault(event.tag, "seq"))
        else:
            node = Mapping(self._pairs(depth + 1), _tag_fault(event.tag, "map"))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _items(self, depth: int) -> list[tuple[int, Node]]:
        items = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append((_line(event), self._node(event, depth)))
        return items

    def _pairs(self, depth: int) -> list[tuple[str | None, int, Node]]:
        pairs = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            self._node(event, depth)
            key = _text(event.value) if isinstance(event, yaml.ScalarEvent) else None
            pairs.append((key, _line(event), self._node(next(self._events), depth)))
        return pairs

    def _alias(self, event: Any) -> Node:
        self._aliases += 1
        if self._aliases > _MAX_ALIASES:
            raise UnreadableError(f"more than {_MAX_ALIASES} aliases (*name)", _line(event))
        if event.anchor not in self._anchors:
            words = "an alias (*name) without its anchor (&name) above it"
            raise _syntax_error(
                event.start_mark, f"{words}; a text that begins with * needs quotes"
            )
        return self._anchors[event.anchor]


def _scalar(event: Any) -> Scalar:
    text = _text(event.value)
    if text is None:
        return Scalar(None, "found a text with half a character (a lone surrogate)")
    if event.tag == f"{_TAG}str" or (event.tag in (None, "!") and event.style is not None):
        return Scalar(text)
    if event.tag not in (
        None,
        "!",
        *(f"{_TAG}{kind}" for kind in ("int", "float", "bool", "null")),
    ):
        return Scalar(None, "found a YAML tag (!name)")
    if text in _WORDS:
        return Scalar(_WORDS[text])
    number = _NUMBER.fullmatch(text)
    if number is None:
        return Scalar(text)
    if len(text) > _MAX_DIGITS:
        return Scalar(None, "found a number that is too long")
    if not number[1] and not number[2]:
        return Scalar(int(text))
    value = float(text)
    return Scalar(value) if math.isfinite(value) else Scalar(None, "found a number out of range")


def _text(value: str) -> str | None:
    """`value` with pairs of surrogates joined, as JSON writes them; None when one stands alone."""
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        return None


def _tag_fault(tag: str | None, kind: str) -> str:
    return "" if tag in (None, "!", f"{_TAG}{kind}") else "found a YAML tag (!name)"


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _syntax_error(mark: Any, words: str) -> UnreadableError:
    return UnreadableError(f"not valid YAML at column {mark.column + 1}: {words}", mark.line + 1)


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
