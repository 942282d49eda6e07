"""What the activity page shows, as HTML: numbers, curve, events, people, refusals.

Everything that came from outside passes through `_text`, which escapes it.
"""

import html
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from pipeline.local.customerio.anonymous import ANONYMOUS_ID
from pipeline.local.customerio.objects import Thing
from pipeline.local.customerio.people import Person
from pipeline.local.customerio.records import Event, Rejection
from pipeline.local.customerio.wire import encode
from pipeline.local.customerio.workspace import Workspace

_EVENTS = 30
_PEOPLE = 15
_OBJECTS = 10
_REFUSALS = 10
_CHIPS = 8
_VALUE_CHARACTERS = 60
_NAME_CHARACTERS = 120
_MESSAGE_CHARACTERS = 300
_CHART_HEIGHT = 56

# Counter, its label, and how it looks when it is not zero.
_MINOR_TILES = (
    ("rejected", "Rejected", "bad"),
    ("duplicate_events", "Duplicates ignored", "calm"),
    ("ignored_stale_identifies", "Stale updates ignored", "calm"),
    ("ignored_operations", "Without effect", "calm"),
    ("throttled", "Throttled (429)", "warn"),
    ("unauthorized", "Unauthorized (401)", "bad"),
)


class _Listing(NamedTuple):
    title: str
    rows: Iterable[str]
    empty: str
    """What is said where there are no rows."""


def render(workspace: Workspace, wanted: str = "") -> str:
    """The changing part of the page; in its lists only what holds the text ``wanted``."""
    summary = workspace.summary()
    lists = (
        _events(workspace.events(_EVENTS, wanted)),
        _refusals(workspace.rejections(_REFUSALS, wanted)),
        _people(workspace.people(_PEOPLE, wanted), summary["people"]),
        _objects(workspace.objects(_OBJECTS, wanted), summary["objects"]),
    )
    events, *others = (_card(each, filtered=bool(wanted)) for each in lists)
    return "\n".join(
        (
            _tiles(summary),
            _chart(workspace.pulse(), summary["answers"]),
            '<div class="columns">',
            events,
            '<div class="stack">',
            *others,
            "</div></div>",
        )
    )


def _tiles(summary: Mapping[str, Any]) -> str:
    per_request = summary["items"] / summary["requests"] if summary["requests"] else 0.0
    major = (
        _tile("Items applied", summary["applied"], f"of {summary['items']:,} received"),
        _tile("Events", summary["events"], f"{summary['merged_events']:,} merged"),
        _tile("People", summary["people"], f"{summary['objects']:,} objects"),
        _tile("Requests", summary["requests"], f"{per_request:.1f} items each"),
    )
    minor = (
        f'<div class="tile small {tone if summary[name] else "zero"}">'
        f"<span>{label}</span><strong>{summary[name]:,}</strong></div>"
        for name, label, tone in _MINOR_TILES
    )
    return (
        f'<section class="tiles" aria-label="Totals">{"".join(major)}</section>'
        f'<section class="tiles minor" aria-label="Exceptions">{"".join(minor)}</section>'
    )


def _tile(label: str, number: int, note: str) -> str:
    return (
        f'<div class="tile"><span>{label}</span><strong>{number:,}</strong>'
        f"<small>{note}</small></div>"
    )


def _chart(counts: list[int], answers: Mapping[str, int]) -> str:
    peak = max(counts)
    scale = _CHART_HEIGHT / peak if peak else 0.0
    bars = "".join(
        f'<rect x="{place * 10 + 1}" y="{_CHART_HEIGHT - height:.1f}" width="8" '
        f'height="{height:.1f}" rx="1.5"/>'
        for place, height in enumerate(max(count * scale, 1.0) for count in counts)
    )
    # The present second is still filling up: the one before it is the honest "now".
    return (
        '<section class="card chart"><header><h2>Applied items per second</h2>'
        f"<p><b>{counts[-2]:,}</b> now <i></i> <b>{peak:,}</b> peak of the last minute</p></header>"
        f'<svg viewBox="0 0 {len(counts) * 10} {_CHART_HEIGHT}" preserveAspectRatio="none" '
        f'role="img" aria-label="Applied items in each of the last {len(counts)} seconds">'
        f"{bars}</svg>{_answers(answers)}</section>"
    )


def _answers(answers: Mapping[str, int]) -> str:
    if not answers:
        return ""
    chips = (
        f'<span class="chip{"" if status.startswith("2") else " bad"}">'
        f"<em>{'no answer' if status == '0' else status}</em>{count:,}</span>"
        for status, count in sorted(answers.items())
    )
    return f'<p class="chips"><span class="chip more">Answers</span>{"".join(chips)}</p>'


def _events(events: list[Event]) -> _Listing:
    rows = (
        f'<li><div class="line"><h3>{_text(event.name, _NAME_CHARACTERS)}</h3>'
        f"{_kind(event)}{_time(event.timestamp, event.received)}</div>"
        f'<p class="who">{_identifiers(event.identifiers)}</p>'
        f"{_chips(event.data)}</li>"
        for event in reversed(events)
    )
    title = "Latest events <small>by arrival, with the time of the event</small>"
    return _Listing(title, rows, "Waiting for the first event.")


def _kind(event: Event) -> str:
    kind = "" if event.kind == "event" else f'<span class="badge">{_text(event.kind)}</span>'
    if ANONYMOUS_ID in event.identifiers:
        whose = "anonymous" if event.cio_id is None else f"merged into {event.cio_id}"
        kind += f'<span class="badge">{_text(whose)}</span>'
    if event.timestamp_replaced:
        kind += '<span class="badge warn" title="The timestamp sent was unusable">time = now</span>'
    return kind


def _people(people: list[Person], total: int) -> _Listing:
    rows = (
        f'<li><div class="line"><h3>{_text(person.email or person.id or person.cio_id)}</h3>'
        f"{_time(int(person.updated), person.updated)}</div>"
        f'<p class="who">{_identifiers(_other_identifiers(person))}</p>'
        f"{_chips(person.attributes)}{_relationships(person)}</li>"
        for person in reversed(people)
    )
    note = f"{len(people):,} of {total:,}, latest change first" if people else ""
    title = f"People <small>{note}</small>"
    return _Listing(title, rows, "Nobody is known yet.")


def _relationships(person: Person) -> str:
    return _chips(dict.fromkeys(person.relationships, "object"))


def _objects(objects: list[Thing], total: int) -> _Listing:
    rows = (
        f'<li><div class="line"><h3>{_text(thing.object_id)}</h3>'
        f'<span class="badge">type {_text(thing.object_type_id)}</span></div>'
        f"{_chips(thing.attributes)}</li>"
        for thing in reversed(objects)
    )
    note = f"{len(objects):,} of {total:,}, newest first" if objects else ""
    return _Listing(f"Objects <small>{note}</small>", rows, "There are no objects.")


def _other_identifiers(person: Person) -> dict[str, str]:
    """The identifiers that are not in the headline."""
    named = (("email", person.email), ("id", person.id), ("cio_id", person.cio_id))
    present = [(key, value) for key, value in named if value is not None]
    return dict(present[1:])


def _refusals(refusals: list[Rejection]) -> _Listing:
    rows = (
        f'<li><div class="line"><h3>{_text(refusal.message, _MESSAGE_CHARACTERS)}</h3>'
        f'<span class="badge bad">{_text(refusal.reason)}</span>'
        f"{_time(int(refusal.received), refusal.received)}</div>"
        f'<p class="who"><code>{_text(refusal.field or "operation", _NAME_CHARACTERS)}</code></p>'
        f'<details data-key="{refusal.sequence}"><summary>What was sent</summary>'
        f"<pre>{_text(refusal.operation, None)}</pre></details></li>"
        for refusal in reversed(refusals)
    )
    return _Listing("Newest rejections", rows, "Nothing was refused.")


def _card(listing: _Listing, *, filtered: bool) -> str:
    body = "".join(listing.rows)
    empty = "Nothing matches the filter." if filtered else listing.empty
    content = f"<ul>{body}</ul>" if body else f'<p class="empty">{empty}</p>'
    return f'<section class="card"><header><h2>{listing.title}</h2></header>{content}</section>'


def _identifiers(identifiers: Mapping[str, str]) -> str:
    return " ".join(
        f"<span><em>{_text(key)}</em> {_text(value)}</span>" for key, value in identifiers.items()
    )


def _chips(values: Mapping[str, Any]) -> str:
    if not values:
        return ""
    chips = [
        f'<span class="chip"><em>{_text(name)}</em>{_text(_plain(value))}</span>'
        for name, value in list(values.items())[:_CHIPS]
    ]
    if len(values) > _CHIPS:
        chips.append(f'<span class="chip more">{len(values) - _CHIPS:,} more</span>')
    return f'<p class="chips">{"".join(chips)}</p>'


def _plain(value: object) -> str:
    return value if isinstance(value, str) else encode(value).decode()


def _time(seconds: int, now: float) -> str:
    """UTC; with the day where it is not the day of ``now``; as a number beyond the calendar."""
    try:
        moment = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return f"<time>{_text(str(seconds))}</time>"
    same_day = moment.date() == datetime.fromtimestamp(now, UTC).date()
    shown = moment.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S")
    return f'<time datetime="{moment.isoformat()}">{shown}</time>'


def _text(value: str, characters: int | None = _VALUE_CHARACTERS) -> str:
    """Escaped for text and attributes, cut to so many characters."""
    if characters is not None and len(value) > characters:
        value = f"{value[: characters - 1]}…"
    return html.escape(value, quote=True)
