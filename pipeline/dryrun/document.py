"""The report as plain data: sections of text, tables and plots, for a terminal and for a page.

All texts are plain: whoever renders them escapes them.
"""

from enum import Enum
from typing import NamedTuple


class Tone(Enum):
    """What a thing means to the reader; each renderer has a colour or a word for it."""

    GOOD = "good"
    PLAIN = "plain"
    QUIET = "quiet"
    WARN = "warn"
    BAD = "bad"


class Bar(NamedTuple):
    """A cell that shows a share, 0 to 1, beside its text."""

    share: float
    text: str
    tone: Tone = Tone.PLAIN


class Mark(NamedTuple):
    """A cell that is a word with a meaning."""

    text: str
    tone: Tone


class Name(NamedTuple):
    """A cell with a name from the records or the settings."""

    text: str


Cell = str | Bar | Mark | Name


class Column(NamedTuple):
    """A table's column."""

    title: str
    number: bool = False
    """Right-aligned."""


class Table(NamedTuple):
    """Rows of cells; `note` says what the table leaves out."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    open: bool = True
    """False: a page may fold it up."""


class Card(NamedTuple):
    """One figure at the top."""

    label: str
    value: str
    note: str
    tone: Tone = Tone.PLAIN


class Part(NamedTuple):
    """A part of a whole."""

    label: str
    records: int
    tone: Tone


class Stack(NamedTuple):
    """A whole in parts."""

    title: str
    parts: tuple[Part, ...]


class Plot(NamedTuple):
    """How many records in each span of time."""

    title: str
    spans: tuple[tuple[int, int], ...]
    """Begin, Unix seconds, and count."""
    width_s: int
    note: str = ""


class Hint(NamedTuple):
    """Something that the reader should know first."""

    tone: Tone
    text: str


class Hints(NamedTuple):
    """Several of them, the gravest first."""

    hints: tuple[Hint, ...]


class Paragraph(NamedTuple):
    """Text."""

    text: str


class Cards(NamedTuple):
    """The figures at the top."""

    cards: tuple[Card, ...]


Block = Table | Cards | Stack | Plot | Hints | Paragraph


class Section(NamedTuple):
    """A heading, a sentence that says what is below it, and that."""

    title: str
    lead: str
    blocks: tuple[Block, ...]


class Document(NamedTuple):
    """The whole report."""

    title: str
    subtitle: str
    sections: tuple[Section, ...]
    footer: str
