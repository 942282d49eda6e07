"""A preview for people: one block a record.

Everything that comes from the data is escaped and handed to rich as plain text, so that neither a
terminal nor rich's markup obeys it. Lines are laid out by hand: rich's tables take ten times as
long, and a file may have many records.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import msgspec
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from pipeline.preview.explained import WOULD_BE_SENT, Explained, Sending
from pipeline.preview.words import amount, as_json, brief, listed, printable
from transforms.records import Json

SHOWN_ATTRIBUTES: Final = 20
_INDENT: Final = 2
_GAP: Final = 2
_KEY_CELLS: Final = 32
_LEAST_CELLS: Final = 20
_RELATIONSHIPS: Final = "cio_relationships"
_HOLDING: Final = ("attributes", "data", _RELATIONSHIPS)
_Pairs = list[tuple[str, Any]]

_STYLES: Final = {
    WOULD_BE_SENT: "bold green",
    "filtered": "yellow",
    "skipped": "yellow",
    "dead_lettered": "bold red",
}


def block(explained: Explained, console: Console) -> Text:
    """One record, in lines of the console's width; ends with an empty line."""
    return Text("\n").join([*_lines(explained, console), Text()])


def outcome_text(outcome: str) -> Text:
    """An outcome in its colour."""
    return Text(outcome, _STYLES[outcome.partition(".")[0]])


def _lines(explained: Explained, console: Console) -> Iterator[Text]:
    place = printable(explained.message_id)
    if explained.of > 1:
        place += f", record {explained.position} of {explained.of}"
    yield from _wrapped(Text(place, "dim"), 0, console)
    yield from _heading(explained, console)
    if explained.reason:
        yield from _wrapped(Text(printable(explained.reason)), _INDENT, console)
    if explained.input is not None:
        room = console.width - _INDENT
        yield from _wrapped(Text(_fitting(explained.input, room), "dim"), _INDENT, console)
    for sending in explained.sendings:
        yield from _operation(sending, console)
    # Of a record that is not sent everything stays behind: that says nothing.
    if explained.left_behind and explained.sendings:
        yield Text.assemble(" " * _INDENT, ("left behind (not selected)", "italic"))
        yield from _left_behind(explained.left_behind, console)
    if explained.notes:
        yield Text.assemble(" " * _INDENT, ("also counted", "italic"))
        for note in explained.notes:
            text = Text(printable(f"{note.name} {note.count}: {note.detail}"))
            yield from _wrapped(text, 2 * _INDENT, console)


def _heading(explained: Explained, console: Console) -> Iterator[Text]:
    """What the record is and its outcome: on one line where they fit."""
    what = explained.kind if explained.name is None else f"{explained.kind} {brief(explained.name)}"
    outcome = outcome_text(explained.outcome)
    if explained.outcome != WOULD_BE_SENT:
        outcome.append(f"{' ' * _GAP}at {explained.stage}", "dim")
    if cell_len(what) + _GAP + outcome.cell_len <= console.width:
        yield Text.assemble((what, "bold"), " " * _GAP, outcome)
        return
    yield from _wrapped(Text(what, "bold"), 0, console)
    yield from _wrapped(outcome, _INDENT, console)


def _operation(sending: Sending, console: Console) -> Iterator[Text]:
    body: Json = msgspec.json.decode(sending.body)
    # An item of a batch says what it is; the body of a v1 request is always an event.
    action = " ".join(str(body.pop(key)) for key in ("type", "action") if key in body) or "event"
    request = f"{' ' * _GAP}{sending.endpoint}{' ' * _GAP}{amount(len(sending.body), 'byte')}"
    yield from _wrapped(Text.assemble((action, "bold"), request), _INDENT, console)
    attributes = _below(body)
    keys = [*body, *(_attribute_key(name) for name, _ in islice(attributes, SHOWN_ATTRIBUTES))]
    widest = max(cell_len(_key(key)) for key in keys)
    room = max(_LEAST_CELLS, console.width - 2 * _INDENT - widest - _GAP)
    for key, value in _rows(body, attributes, room):
        shown = set_cell_size(_key(key), widest + _GAP) if value else key
        yield Text.assemble(" " * 2 * _INDENT, (shown, "cyan"), value)


def _rows(body: Json, below: _Pairs, room: int) -> Iterator[tuple[str, str]]:
    """The body's fields, those `below` one of them on lines of their own; each value fits into
    `room`.
    """
    for key, value in body.items():
        if key == "timestamp":
            yield key, f"{value}  {datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
        elif key in _HOLDING and value:
            yield key, ""
            for name, given in islice(below, SHOWN_ATTRIBUTES):
                yield _attribute_key(name), _value(given, room)
            if len(below) > SHOWN_ATTRIBUTES:
                yield "", f"and {len(below) - SHOWN_ATTRIBUTES} more (--json shows them all)"
        else:
            yield key, _value(value, room)


def _below(body: Json) -> _Pairs:
    """What an operation holds: its attributes (v1 calls an event's `data`), or its objects."""
    if relationships := body.get(_RELATIONSHIPS):
        of_objects = (each["identifiers"] for each in relationships)
        return [(f"type {each['object_type_id']}", each["object_id"]) for each in of_objects]
    return list((body.get("attributes") or body.get("data") or {}).items())


def _attribute_key(name: str) -> str:
    return " " * _INDENT + name


def _key(key: str) -> str:
    return _fitting(key, _KEY_CELLS)


def _value(value: Any, room: int) -> str:
    text = as_json(value)
    whole = _fitting(text, room)
    if not whole.endswith("…"):
        return whole
    size = f" ({len(text.encode()):,} bytes)"
    return _fitting(text, room - len(size)) + size


def _fitting(text: str, room: int) -> str:
    """`text`, printable, in at most `room` columns of a terminal."""
    # Cut first: a text may have millions of characters.
    shown = printable(text[: room + 1])
    if cell_len(shown) <= room:
        return shown
    return set_cell_size(shown, room - 1).rstrip() + "…"


def _left_behind(names: dict[str, tuple[str, ...]], console: Console) -> Iterator[Text]:
    widest = max(map(len, names)) + _GAP
    for setting, of_setting in names.items():
        lines = _wrapped(Text(listed(of_setting)), 2 * _INDENT + widest, console)
        first, *rest = lines
        yield Text.assemble(
            " " * 2 * _INDENT, (setting.ljust(widest), "cyan"), first.plain.lstrip()
        )
        yield from rest


def _wrapped(text: Text, indent: int, console: Console) -> Iterable[Text]:
    for line in text.wrap(console, max(_LEAST_CELLS, console.width - indent)):
        line.rstrip()
        yield Text.assemble(" " * indent, line)
