"""Searching what a workspace keeps, for the activity page."""

from collections.abc import Iterator
from typing import Final

from pipeline.local.customerio.objects import Thing
from pipeline.local.customerio.people import Person
from pipeline.local.customerio.records import Event, Rejection

SEARCHED: Final = 50_000
"""How many of a kind are searched, the newest first: requests wait meanwhile."""

Kept = Event | Person | Thing | Rejection


def holds(kept: Kept, wanted: str) -> bool:
    """Whether a name or an identifier holds the text, in any case."""
    wanted = wanted.casefold()
    return any(wanted in text.casefold() for text in _texts(kept))


def _texts(kept: Kept) -> Iterator[str]:
    if isinstance(kept, Rejection):
        yield from (kept.operation, kept.message)
        return
    if isinstance(kept, Thing):
        yield kept.object_id
        return
    if isinstance(kept, Event):
        yield kept.name
        yield from kept.identifiers.values()
    else:
        yield from (text for text in (kept.id, kept.email) if text is not None)
    if kept.cio_id is not None:
        yield kept.cio_id
