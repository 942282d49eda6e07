"""A preview for people: one block a record, a summary at the end.

Everything that comes from the data is escaped and handed to rich as plain text, so that neither a
terminal nor rich's markup obeys it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import msgspec
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.preview.explained import WOULD_BE_SENT, Explained, Sending
from pipeline.preview.summary import DISABLED, Summary
from pipeline.preview.words import amount, as_json, brief, listed, printable, shortened
from pipeline.settings.model import Settings
from transforms.reasons import DEAD_LETTER_REASONS, FILTERED, SKIPPED, dead_lettered
from transforms.records import Json

SHOWN_ATTRIBUTES: Final = 20
_INDENT: Final = 2
_KEY_CHARACTERS: Final = 32
_LEAST_VALUE_CHARACTERS: Final = 24

_MEANINGS: Final[Mapping[str, str]] = {
    WOULD_BE_SENT: "Within all limits; Customer.io's answer decides the rest.",
    **FILTERED,
    **SKIPPED,
    **{dead_lettered(reason): text for reason, text in DEAD_LETTER_REASONS.items()},
}
_STYLES: Final = {
    WOULD_BE_SENT: "bold green",
    "filtered": "yellow",
    "skipped": "yellow",
    "dead_lettered": "bold red",
}

_Row = tuple[str, str]


def block(explained: Explained, width: int) -> RenderableType:
    """One record. `width`: columns of the terminal, by which long values are shortened."""
    place = printable(explained.message_id)
    if explained.of > 1:
        place += f", record {explained.position} of {explained.of}"
    what = explained.kind if explained.name is None else f"{explained.kind} {_name(explained)}"
    parts: list[RenderableType] = [
        Text(place, "dim"),
        Text.assemble((what, "bold"), "  ", _outcome(explained)),
    ]
    if explained.reason:
        parts.append(_indented(Text(printable(explained.reason))))
    for sending in explained.sendings:
        parts.append(_indented(_operation(sending, width - _INDENT)))
    if explained.left_behind:
        rows = [(setting, listed(names)) for setting, names in explained.left_behind.items()]
        parts.append(_indented(_section("left behind, for they are not selected", rows)))
    if explained.notes:
        rows = [(f"{note.name} ({note.count})", note.detail) for note in explained.notes]
        parts.append(_indented(_section("counted beside", rows)))
    return Group(*parts, Text())


def _name(explained: Explained) -> str:
    return brief(explained.name)


def _outcome(explained: Explained) -> Text:
    text = _styled(explained.outcome)
    if explained.outcome != WOULD_BE_SENT:
        text.append(f"  at {explained.stage}", "dim")
    return text


def _styled(outcome: str) -> Text:
    return Text(outcome, _STYLES[outcome.partition(".")[0]])


def _indented(renderable: RenderableType) -> Padding:
    return Padding(renderable, (0, 0, 0, _INDENT))


def _section(title: str, rows: Iterable[_Row]) -> RenderableType:
    return Group(Text(title, "italic"), _indented(_grid(rows)))


def _grid(rows: Iterable[_Row]) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", max_width=_KEY_CHARACTERS, overflow="fold")
    grid.add_column(overflow="fold")
    for key, value in rows:
        grid.add_row(Text(printable(key)), Text(printable(value)))
    return grid


def _operation(sending: Sending, width: int) -> RenderableType:
    body: Json = msgspec.json.decode(sending.body)
    # An item of a batch says what it is; the body of a v1 request is always an event.
    action = " ".join(str(body.pop(key)) for key in ("type", "action") if key in body) or "event"
    heading = Text.assemble(
        (action, "bold"), f"  {sending.endpoint}  {amount(len(sending.body), 'byte')}"
    )
    keys = [f"  {key}" for key in _attributes(body)] + list(body)
    widest = min(_KEY_CHARACTERS, max(cell_len(printable(key)) for key in keys))
    limit = max(_LEAST_VALUE_CHARACTERS, width - _INDENT - widest - 2)
    return Group(heading, _indented(_grid(_rows(body, limit))))


def _attributes(body: Json) -> Json:
    """The attributes of an operation; v1 calls an event's `data`."""
    attributes: Json = body.get("attributes") or body.get("data") or {}
    return attributes


def _rows(body: Json, limit: int) -> Iterator[_Row]:
    """The body's fields, its attributes on lines of their own."""
    attributes = _attributes(body)
    for key, value in body.items():
        if key == "timestamp":
            yield key, f"{value}  {datetime.fromtimestamp(value, UTC):%Y-%m-%d %H:%M:%S} UTC"
        elif value is attributes:
            yield key, ""
            for name, given in islice(attributes.items(), SHOWN_ATTRIBUTES):
                yield f"  {name}", _value(given, limit)
            if len(attributes) > SHOWN_ATTRIBUTES:
                yield f"  and {len(attributes) - SHOWN_ATTRIBUTES} more", "(--json shows them all)"
        else:
            yield key, _value(value, limit)


def _value(value: Any, limit: int) -> str:
    text = as_json(value)
    if len(text) <= limit:
        return text
    size = f" ({len(text.encode()):,} bytes)"
    return shortened(text, limit - len(size)) + size


def closing(summary: Summary, settings: Settings, limit: int | None) -> RenderableType:
    """The summary: counts by outcome and by operation, and what to look at."""
    title = f"Preview of {amount(summary.records, 'record')}; nothing was sent"
    table = Table(title=title, title_justify="left", show_footer=False)
    table.add_column("outcome", overflow="fold")
    table.add_column("records", justify="right")
    table.add_column("meaning")
    for outcome, records in summary.outcomes():
        table.add_row(_styled(outcome), f"{records:,}", Text(_MEANINGS[outcome], "dim"))
    parts: list[RenderableType] = [table]
    if summary.operations:
        texts = [amount(count, what) for what, count in sorted(summary.operations.items())]
        parts.append(Text(f"Operations: {' and '.join(texts)}."))
    if summary.counted:
        counted = ", ".join(f"{name} {count:,}" for name, count in summary.counted.items())
        parts.append(Text(f"Counted beside: {counted}."))
    if limit is not None and summary.records == limit:
        parts.append(Text(f"--limit {limit} ends the preview here."))
    if settings.status == "disabled":
        parts.append(Text(DISABLED, "bold"))
    parts += [Text(f"Hint: {printable(hint)}", "bold") for hint in summary.hints(settings)]
    return Group(*parts)
