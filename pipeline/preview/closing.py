"""The end of a preview for people: counts, and what to look at."""

from collections.abc import Mapping
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.preview.explained import WOULD_BE_SENT
from pipeline.preview.render import outcome_text
from pipeline.preview.summary import DISABLED, REMEMBERED_HERE, Summary
from pipeline.preview.words import amount, printable
from pipeline.settings import Settings
from transforms.reasons import DEAD_LETTER_REASONS, FILTERED, SKIPPED, dead_lettered

_MEANINGS: Final[Mapping[str, str]] = {
    WOULD_BE_SENT: "Within all limits; Customer.io's answer decides the rest.",
    **FILTERED,
    **SKIPPED,
    **{dead_lettered(reason): text for reason, text in DEAD_LETTER_REASONS.items()},
}


def closing(summary: Summary, settings: Settings, limit: int | None) -> RenderableType:
    """Counts by outcome and by operation, and hints. `limit`: where the preview was to stop."""
    parts: list[RenderableType] = [
        Text(f"Preview of {amount(summary.records, 'record')}; nothing was sent", "italic"),
        _outcomes(summary),
    ]
    if summary.operations:
        texts = [amount(count, kind) for kind, count in sorted(summary.operations.items())]
        *first, last = texts
        before = f"{', '.join(first)} and " if first else ""
        parts.append(Text(f"Operations: {before}{last}."))
    if fewer := list(summary.fewer()):
        parts.append(Text(f"Each record is shown alone. {'; '.join(fewer)}."))
    if summary.counted:
        counted = ", ".join(f"{name} {count:,}" for name, count in summary.counted.items())
        parts.append(Text(f"Also counted: {counted}."))
    if summary.records == limit:
        parts.append(Text(f"--limit {limit} ends the preview here."))
    if settings.users.state == "person":
        parts.append(Text(REMEMBERED_HERE))
    if settings.status == "disabled":
        parts.append(Text(DISABLED, "bold"))
    parts += [Text(f"Hint: {printable(hint)}", "bold") for hint in summary.hints(settings)]
    return Group(*parts)


def _outcomes(summary: Summary) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    table.add_column("outcome", no_wrap=True)
    table.add_column("records", justify="right")
    table.add_column("meaning")
    for outcome, records in summary.outcomes():
        table.add_row(outcome_text(outcome), f"{records:,}", Text(_MEANINGS[outcome], "dim"))
    return table
