"""Checks of a measurement: what was found, what it may be, and whether it is."""

from collections.abc import Sequence

from msgspec import Struct
from rich.console import Console
from rich.table import Table


class Check(Struct, frozen=True):
    """One thing that has to hold."""

    what: str
    found: str
    allowed: str
    holds: bool


def at_most(what: str, found: float, bound: float, unit: str = "") -> Check:
    """A number that must not be above a bound."""
    return Check(what, f"{found:,.6g}{unit}", f"at most {bound:,.6g}{unit}", found <= bound)


def exactly(what: str, found: int, wanted: int) -> Check:
    """A number that has one right value."""
    return Check(what, f"{found:,}", f"{wanted:,}", found == wanted)


def near(what: str, found: float, level: float, share: float, unit: str = "") -> Check:
    """A number that must not be above another one by more than a share of it."""
    return Check(
        what,
        f"{found:,.1f}{unit} ({found / level - 1:+.1%})",
        f"{level:,.1f}{unit} {share:+.0%}",
        found <= level * (1 + share),
    )


def show(title: str, checks: Sequence[Check], console: Console) -> bool:
    """Prints the checks as a table; True when all hold."""
    table = Table(title=title, title_justify="left")
    for name in ("check", "found", "allowed", ""):
        table.add_column(name, justify="left" if name == "check" else "right")
    for check in checks:
        table.add_row(check.what, check.found, check.allowed, "ok" if check.holds else "NOT MET")
    console.print(table)
    return all(check.holds for check in checks)
