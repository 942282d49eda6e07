"""What the report's tables have in common: names, tones, and what they leave out."""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from pipeline.dryrun.document import Column, Name, Tone
from pipeline.dryrun.numbers import whole
from pipeline.preview.words import shortened
from transforms.reasons import COALESCED, DELIVERED

MOST_ROWS: Final = 40
MOST_NAME_CHARACTERS: Final = 80
COUNT: Final = (Column("records", number=True), Column("share"))
KINDS: Final = {"event": "events", "identify": "person updates (identify)"}
"""Customer.io's action: words. An action that is not here is its own word."""

K = TypeVar("K", bound=Any)


def tone_of(outcome: str) -> Tone:
    """What an outcome means to the reader."""
    if outcome in (DELIVERED, COALESCED):
        return Tone.GOOD
    return Tone.BAD if outcome.startswith("dead_lettered.") else Tone.QUIET


def name_of(text: str) -> Name:
    """A name from a record, printable and not too long."""
    return Name(shortened(text, MOST_NAME_CHARACTERS))


def top(counted: Iterable[tuple[K, int]], missed: int) -> tuple[list[tuple[K, int]], str]:
    """The rows with the largest counts, and what is left out, in words."""
    ranked = sorted(counted, key=lambda row: (-row[1], row[0]))
    return ranked[:MOST_ROWS], cut_words(len(ranked), missed)


def cut_words(rows: int, missed: int) -> str:
    """What a table leaves out; empty where it is whole."""
    texts = []
    if rows > MOST_ROWS:
        texts.append(f"The first {MOST_ROWS} of {whole(rows)}.")
    if missed:
        texts.append(
            f"The table was full: {whole(missed)} occurrences of names that came later are not in "
            "it."
        )
    return " ".join(texts)
