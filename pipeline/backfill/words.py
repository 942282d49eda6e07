"""The look in words: what a backfill would send, and what somebody may not expect of it."""

from collections.abc import Iterator
from typing import Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from pipeline.backfill.amounts import in_bytes, in_time, in_time_left
from pipeline.backfill.find import Found
from pipeline.backfill.look import TRIGGERS_FOR_MS, Look
from pipeline.preview.words import amount
from pipeline.settings import Settings
from transforms.reasons import DELIVERED

RECORDS_A_SECOND: Final = 10_000
"""Of one process, about: what reading and encoding take (docs/performance.md)."""


def render(found: Found, seen: Look, settings: Settings, now_ms: int) -> RenderableType:
    """The look for a terminal."""
    table = Table(title="What there is to send", title_justify="left", show_header=False)
    table.add_column("what", no_wrap=True)
    table.add_column("how much")
    for name, text, style in lines(found, seen, settings, now_ms):
        table.add_row(name, Text(text, style))
    return table


def lines(
    found: Found, seen: Look, settings: Settings, now_ms: int
) -> Iterator[tuple[str, str, str]]:
    """What there is to say: a name, a text, and the text's style."""
    yield (
        "files",
        f"{seen.stock}, {in_bytes(seen.stored_bytes)}{_passed(found)}",
        "",
    )
    yield "records", f"about {seen.records:,} (estimated from {seen.sample.records:,})", ""
    yield "times", _times(seen), ""
    yield "to be sent", _sent(seen, settings), ""
    others = {name: each for name, each in seen.sample.outcomes.items() if name != DELIVERED}
    if others:
        text = ", ".join(f"{name} about {seen.scaled(each):,}" for name, each in others.items())
        yield "not sent", text, ""
    yield "takes", _duration(seen, settings), ""
    yield from _young(seen, now_ms)
    if seen.identifies:
        yield (
            "updates",
            f"about {amount(seen.identifies, 'update')} of people. Customer.io drops, without a "
            "word, what is older than the newest update of a profile: newer values stay, and these "
            "may change nothing",
            "yellow",
        )


def _passed(found: Found) -> str:
    parts = [
        f"{count:,} {words}"
        for count, words in (
            (found.merged_ids, "of merged ids, which hold no events"),
            (found.too_early, "uploaded before --since"),
            (found.other, "of another kind"),
        )
        if count
    ]
    return f"; passed over unread: {'; '.join(parts)}" if parts else ""


def _times(seen: Look) -> str:
    sample = seen.sample
    if sample.earliest_ms is None or sample.latest_ms is None:
        return "no record with a time was seen"
    first, last = in_time(sample.earliest_ms), in_time(sample.latest_ms)
    return f"from {first} to {last}, as far as seen"


def _sent(seen: Look, settings: Settings) -> str:
    records = seen.scaled(seen.sample.outcomes[DELIVERED])
    return (
        f"about {amount(records, 'record')} as {amount(seen.operations, 'operation')} in "
        f"{amount(seen.requests(settings), 'request')} to {settings.customerio.base_url}"
    )


def seconds(seen: Look, settings: Settings) -> float:
    """How long it takes one process, at best."""
    rate = settings.delivery.max_requests_per_second
    sending = seen.requests(settings) / rate if rate else 0.0
    return max(sending, seen.records / RECORDS_A_SECOND)


def _duration(seen: Look, settings: Settings) -> str:
    rate = settings.delivery.max_requests_per_second
    budget = (
        f"{rate:g} requests a second (delivery.max_requests_per_second; the stream beside it has "
        "its own)"
        if rate
        else "no limit of requests (delivery.max_requests_per_second: 0)"
    )
    return f"{in_time_left(seconds(seen, settings))} at best, with {budget}"


def _young(seen: Look, now_ms: int) -> Iterator[tuple[str, str, str]]:
    young = seen.young
    if young.seen or young.unread:
        parts = []
        if young.seen:
            parts.append(
                f"{amount(young.seen, 'record')} in {amount(young.files, 'file')} "
                f"{'is' if young.seen == 1 else 'are'} younger than 72 hours"
            )
        if young.unread:
            parts.append(
                f"{amount(young.unread, 'file')} may hold more and "
                f"{'was' if young.unread == 1 else 'were'} not looked through to the end"
            )
        until = in_time(now_ms - TRIGGERS_FOR_MS).replace(" UTC", "Z").replace(" ", "T")
        yield (
            "CAMPAIGNS",
            f"{'; '.join(parts)}: Customer.io may start campaigns for such events. --until={until} "
            "leaves them out",
            "bold red",
        )
    else:
        yield (
            "campaigns",
            "none is started: no event is younger than 72 hours",
            "green",
        )
