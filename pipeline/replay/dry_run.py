"""A dry run: what letters would become today, counted by the reason that they failed for."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table

from pipeline.preview.walk import Walker
from pipeline.preview.words import amount
from pipeline.replay.letter import Letter
from pipeline.settings.model import Settings
from transforms.decode import decoded
from transforms.reasons import DEAD_LETTER_REASONS, DELIVERED, OUTCOMES, weightiest
from transforms.records import Delivery, Message, Record, Settled

SENT_AGAIN = "sent again"
"""What becomes of an operation: Customer.io's answer decides the rest."""
_ORDER = (DELIVERED, SENT_AGAIN, *OUTCOMES)


class OfReason:
    """The letters of one reason."""

    def __init__(self) -> None:
        self.records = 0
        self.operations = 0
        self.oldest = datetime.max.replace(tzinfo=UTC)
        self.newest = datetime.min.replace(tzinfo=UTC)
        """Times of the last failure."""
        self.attempts: Counter[int] = Counter()
        """Attempts -> letters."""
        self.becomes: Counter[str] = Counter()
        """Outcome, or SENT_AGAIN -> records."""

    def add(self, letter: Letter, becomes: Iterable[str]) -> None:
        """Counts one more letter."""
        of_operation = isinstance(letter.content, Delivery)
        self.operations += of_operation
        self.records += not of_operation
        self.oldest = min(self.oldest, letter.failed_at)
        self.newest = max(self.newest, letter.failed_at)
        self.attempts[letter.attempts] += 1
        self.becomes.update(becomes)


def sort_by_reason(letters: Iterable[Letter], settings: Settings) -> dict[str, OfReason]:
    """Counts letters, in the order of the list of reasons."""
    walker = Walker(settings)
    found: dict[str, OfReason] = {}
    for letter in letters:
        found.setdefault(letter.reason, OfReason()).add(letter, becomes(letter, walker))
    return {reason: found[reason] for reason in DEAD_LETTER_REASONS if reason in found}


def becomes(letter: Letter, walker: Walker) -> Iterator[str]:
    """What each record of a letter would become, Customer.io willing."""
    content = letter.content
    if isinstance(content, Message):
        for result in decoded(content):
            yield _end(walker.walk(result).end if isinstance(result, Record) else result)
    else:
        yield SENT_AGAIN if content.items else weightiest(content.fallen)


def _end(end: Delivery | Settled) -> str:
    return end.outcome if isinstance(end, Settled) else weightiest((*end.fallen, DELIVERED))


def render(found: dict[str, OfReason]) -> RenderableType:
    """The counts as tables for a terminal."""
    count = sum(each.records + each.operations for each in found.values())
    letters = _table(f"Dry run: {amount(count, 'dead letter')}; nothing is sent")
    letters.add_column("reason", no_wrap=True)
    for name in ("letters", "records", "operations", "attempts"):
        letters.add_column(name, justify="right")
    letters.add_column("last failed, UTC", no_wrap=True)
    today = _table("What they would become today, under these settings")
    today.add_column("reason", no_wrap=True)
    today.add_column("would become", no_wrap=True)
    today.add_column("records", justify="right")
    for reason, of in found.items():
        letters.add_row(
            reason,
            f"{of.records + of.operations:,}",
            f"{of.records:,}",
            f"{of.operations:,}",
            _joined(
                " to ", *(f"{attempts:,}" for attempts in (min(of.attempts), max(of.attempts)))
            ),
            _joined("\n", _moment(of.oldest), _moment(of.newest)),
        )
        for outcome in _ORDER:
            if of.becomes[outcome]:
                today.add_row(reason, outcome, f"{of.becomes[outcome]:,}")
    return Group(letters, today) if found else letters


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )


def _moment(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _joined(between: str, first: str, last: str) -> str:
    return first if first == last else f"{first}{between}{last}"
