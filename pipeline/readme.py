"""The README's tables, made from the code: `python -m pipeline.readme` writes them anew."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipeline.settings.table import settings_table
from transforms.reasons import BESIDE_THE_LEDGER, DEAD_LETTER_REASONS, FILTERED, SKIPPED

_BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def outcomes_table() -> str:
    """What can become of a record."""
    rows = {"delivered": "Customer.io took it."}
    rows["coalesced.identify"] = "It became one identify with a later one of the same person."
    rows |= FILTERED
    rows |= SKIPPED
    rows |= {f"dead_lettered.{name}": text for name, text in DEAD_LETTER_REASONS.items()}
    return _table("outcome", rows)


def counters_table() -> str:
    """What is counted beside that."""
    return _table("counter", BESIDE_THE_LEDGER)


def _table(head: str, rows: Mapping[str, str]) -> str:
    return "\n".join(_lines(head, rows))


def _lines(head: str, rows: Mapping[str, str]) -> Iterator[str]:
    yield f"| {head} | what it means |"
    yield "| --- | --- |"
    for name, text in rows.items():
        yield f"| `{name}` | {text} |"


TABLES = {
    "settings": settings_table,
    "outcomes": outcomes_table,
    "counters": counters_table,
}


def with_tables(text: str) -> str:
    """A README with each `<!-- table: NAME --> … <!-- end -->` filled. Raises KeyError."""
    return _BLOCK.sub(lambda m: f"{m[1]}{TABLES[m[2]]().strip()}\n{m[3]}", text)


def main() -> int:
    """Rewrites README.md in this directory."""
    path = Path("README.md")
    before = path.read_text(encoding="utf-8")
    path.write_text(with_tables(before), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
