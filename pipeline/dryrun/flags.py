"""The flags of a dry run, and what speaks against them."""

import argparse
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pipeline.places import unwritable

DRY_RUN: Final = "--dry_run"
HELP: Final = (
    "On one machine: look at the records and report what would be sent. Nothing is sent, stored or "
    "acknowledged, and no credentials are needed. Takes no value."
)
FLAGS: Final = ("dry_run_for_s", "dry_run_records", "report", "compare")
"""Those that go with `--dry_run`; a job of many machines has none of them."""
FOR_S: Final = 60.0
"""How long a dry run looks at a subscription when nothing else is asked for."""
RECORDS: Final = 100_000
"""The most records of a subscription when nothing else is asked for: all of them stay leased."""
_DRY_RUN_GIVEN: Final = f"{DRY_RUN}=True"
"""Beam has a flag of that name for its own tests, which takes a value; it is declared once."""


def add_flags(group: argparse._ArgumentGroup) -> None:
    """Declares all but `--dry_run`."""
    group.add_argument(
        "--dry_run_for_s",
        metavar="SECONDS",
        type=float,
        help=f"With --dry_run: look so many seconds at the most. Default with a subscription: "
        f"{FOR_S:g}; files are read to their end.",
    )
    group.add_argument(
        "--dry_run_records",
        metavar="N",
        type=int,
        help="With --dry_run: look at so many records, and those that come in the same message. "
        f"Default with a subscription: {RECORDS:,}.",
    )
    group.add_argument(
        "--report", metavar="FILE", help="With --dry_run: the report as one HTML page, a file."
    )
    group.add_argument(
        "--compare",
        metavar="FILE",
        help="With --dry_run: another settings file. The report says what would change with it.",
    )


def spelled_for_beam(argv: Sequence[str]) -> list[str]:
    """The command line with `--dry_run` as Beam's own flag takes it."""
    return [_DRY_RUN_GIVEN if argument == DRY_RUN else argument for argument in argv]


def contradictions(given: Any, runner: str, *, one_machine: bool) -> Iterator[str]:
    """What is wrong with the flags of a dry run; nothing of it depends on the settings."""
    if given.dry_run and given.dry_run != "True":
        yield f"{DRY_RUN} takes no value: give it, or leave it out"
    if not given.dry_run:
        for flag in FLAGS:
            if getattr(given, flag) is not None:
                yield f"--{flag} goes with {DRY_RUN}"
        return
    if not one_machine:
        yield (
            f"{DRY_RUN} works on one machine, not with --runner={runner}: what it sees has to come "
            "together in one process, and nothing may be acknowledged; leave --runner out"
        )
    for flag in ("dry_run_for_s", "dry_run_records"):
        value = getattr(given, flag)
        if value is not None and not value > 0:
            yield f"--{flag}: found {value}; a number above 0"
    if given.report:
        yield from unwritable("--report", given.report)
