"""The table of checks in docs/doctor.md: `python -m pipeline.doctor.table` writes it anew."""

import re
import sys
from pathlib import Path
from typing import Final

from pipeline.doctor.checks import CHECKS

PAGE: Final = Path("docs/doctor.md")
_BLOCK: Final = re.compile(r"(<!-- table: checks -->\n).*?(<!-- end -->)", re.DOTALL)


def checks_table() -> str:
    """One row a check. Ends with a line break."""
    rows = [
        "| check | how it looks | red | yellow |",
        "| --- | --- | --- | --- |",
        *(f"| {each.name} | {each.asks} | {each.red} | {each.yellow} |" for each in CHECKS),
    ]
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """The page with the table between its two marks."""
    return _BLOCK.sub(lambda found: f"{found[1]}{checks_table()}{found[2]}", page)


def main() -> int:
    """Rewrites the page, from the repository's directory."""
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
