"""The ledger: what came in equals what became of it, record by record."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from msgspec import Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from transforms.reasons import (
    BESIDE_THE_LEDGER,
    DEAD_LETTER_REASONS,
    DELIVERED,
    FILTERED,
    OUTCOMES,
    RECEIVED,
    SKIPPED,
)
from transforms.tally import PROCESS_LEDGER, bucket_ceiling_ms

_PERCENTILES = (50, 95, 99)


class Ledger(Struct, frozen=True):
    """A reading of the counts, in records."""

    received: int
    outcomes: dict[str, int]
    beside: dict[str, int]
    latency_ms: dict[str, float]
    """p50, p95 and p99 from the event's time to its acceptance, milliseconds."""

    @property
    def settled(self) -> int:
        """Records whose outcome is known."""
        return sum(self.outcomes.values())

    @property
    def balanced(self) -> bool:
        """True when every record that came in is accounted for."""
        return self.received == self.settled

    def as_json(self, *, final: bool) -> dict[str, Any]:
        """The ledger as JSON; `final` False while the job still runs."""
        return {
            "final": final,
            "balanced": self.balanced,
            "received": self.received,
            "settled": self.settled,
            "outcomes": self.outcomes,
            "beside": self.beside,
            "latency_ms": self.latency_ms,
        }


def read_ledger(*, with_open: bool = False) -> Ledger:
    """This process's ledger; `with_open` counts the bundle under way too."""
    counts, latencies = PROCESS_LEDGER.snapshot(with_open=with_open)
    return Ledger(
        received=counts[RECEIVED],
        outcomes={name: counts[name] for name in OUTCOMES if counts[name]},
        beside={name: counts[name] for name in BESIDE_THE_LEDGER if counts[name]},
        latency_ms={f"p{rank}": percentile(latencies, rank) for rank in _PERCENTILES}
        if latencies
        else {},
    )


def percentile(buckets: Counter[int], rank: int) -> float:
    """The latency, in milliseconds, that `rank` percent do not exceed (at most 9 % too high).

    Raises ValueError when nothing was measured.
    """
    total = buckets.total()
    seen = 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen * 100 >= total * rank:
            return bucket_ceiling_ms(bucket)
    raise ValueError("no latency was measured")


def write_ledger(path: Path, *, final: bool) -> None:
    """Writes the ledger to a file; a reader never sees half of it."""
    ledger = read_ledger(with_open=not final)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    text = json.dumps(ledger.as_json(final=final), indent=2) + "\n"
    draft.unlink(missing_ok=True)
    # Made anew: whatever somebody else put in its place, a link for one, is not written through.
    with draft.open("x", encoding="utf-8") as file:
        file.write(text)
    draft.replace(path)


MEANINGS = (
    {DELIVERED: "Customer.io took it.", "coalesced.identify": "Became one with a later update."}
    | dict(FILTERED)
    | dict(SKIPPED)
    | {f"dead_lettered.{reason}": text for reason, text in DEAD_LETTER_REASONS.items()}
)


def render(ledger: Ledger) -> RenderableType:
    """The ledger as a table for a terminal."""
    table = Table(title="Ledger (records)", title_justify="left", show_footer=True)
    verdict = "balanced" if ledger.balanced else f"{ledger.received - ledger.settled:,} open"
    table.add_column("outcome", footer="received", no_wrap=True)
    table.add_column("records", f"{ledger.received:,}", justify="right")
    table.add_column("meaning", Text(verdict, "bold green" if ledger.balanced else "bold red"))
    for name, amount in ledger.outcomes.items():
        table.add_row(name, f"{amount:,}", Text(MEANINGS[name], "dim"))
    beside = Table(title="Beside the ledger", title_justify="left")
    beside.add_column("counter", no_wrap=True)
    beside.add_column("value", justify="right")
    beside.add_column("meaning")
    for name, amount in ledger.beside.items():
        beside.add_row(name, f"{amount:,}", Text(BESIDE_THE_LEDGER[name], "dim"))
    for name, milliseconds in ledger.latency_ms.items():
        text = "From the event's own time to its acceptance."
        beside.add_row(f"latency_ms {name}", f"{milliseconds:,.0f}", Text(text, "dim"))
    return Group(table, beside) if beside.row_count else table
