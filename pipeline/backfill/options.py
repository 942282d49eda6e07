"""The command line of a backfill: its own flags; the others are those of the job."""

import argparse
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from pipeline.command_line import CommandLineError, nearest
from pipeline.dryrun.flags import DRY_RUN
from pipeline.places import unwritable
from transforms.filter import TimeRange

PROG: Final = "python -m pipeline backfill"
FORMS: Final = "a file, a folder, a glob, or a gs:// prefix, of .json, .ndjson, .gz or .zip files"
_FROM: Final = "--from"
_INPUTS: Final = ("--input_files", "--input_subscription")


class Backfill(Struct, frozen=True, kw_only=True):
    """What to send, and how."""

    source: str
    within: TimeRange | None
    """None: whatever its time."""
    events: tuple[str, ...] | None
    """Event types to send; None: those of the settings."""
    manifest: str | None
    yes: bool
    job_flags: tuple[str, ...]
    """The flags of the job itself, not looked at yet."""


def parse(argv: Sequence[str]) -> Backfill:
    """A backfill from a command line. Raises CommandLineError with every problem found."""
    parser = _parser()
    try:
        given, others = parser.parse_known_args(list(argv))
    except argparse.ArgumentError as error:
        raise CommandLineError(str(error)) from error
    problems = list(_problems(given, others))
    if problems:
        raise CommandLineError(*problems)
    since, until = (_time_ms(text) if text else None for text in (given.since, given.until))
    bounded = since is not None or until is not None
    return Backfill(
        source=given.source,
        within=TimeRange(since, until) if bounded else None,
        events=_names(given.events) if given.events else None,
        manifest=given.manifest,
        yes=given.yes,
        job_flags=tuple(others),
    )


def own_flags() -> tuple[str, ...]:
    """The flags that are not the job's."""
    return tuple(_parser()._option_string_actions)  # noqa: SLF001


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG,
        usage=f"{PROG} --from SOURCE --settings FILE (--dead_letter_files PREFIX | "
        "--dead_letter_topic TOPIC) [--since TIME] [--until TIME] [--events A,B] "
        "[--manifest FILE] [--yes] [FLAG OF THE JOB]…",
        description="Sends history to Customer.io. Ids and times are those that the stream gives, "
        "so whatever was delivered before counts once. All other flags are those of "
        "python -m pipeline.main.",
        allow_abbrev=False,
        exit_on_error=False,
    )
    # None is required for argparse, so that everything that is wrong is told at once.
    parser.add_argument(_FROM, dest="source", metavar="SOURCE", help=FORMS)
    parser.add_argument(
        "--since",
        metavar="TIME",
        help="only records that happened at this ISO date or date-time or later; UTC unless it "
        "says otherwise",
    )
    parser.add_argument("--until", metavar="TIME", help="only records that happened before it")
    parser.add_argument(
        "--events",
        metavar="A,B",
        help="only these of the settings' event types; or a JSON list, for names with commas",
    )
    parser.add_argument(
        "--manifest",
        metavar="FILE",
        help="on one machine: where the place is kept; default: beside the dead letters' files, "
        "else in this folder",
    )
    parser.add_argument(
        "--yes", action="store_true", help="send without asking; needed where nobody can answer"
    )
    return parser


def _problems(given: argparse.Namespace, others: Sequence[str]) -> Iterator[str]:
    if not given.source:
        # What is not known here may be the job's; what looks like the one that is missing is not.
        names = (other.partition("=")[0] for other in others if other.startswith("-"))
        meant = [f"; was it meant by {name}?" for name in names if nearest(name, [_FROM])][:1]
        yield f"{_FROM} SOURCE is missing: {FORMS}{''.join(meant)}"
    for flag in _INPUTS:
        if _is_given(flag, others):
            yield f"{flag} is the job's; a backfill reads what --from names"
    if _is_given(DRY_RUN, others):
        yield (
            f"{DRY_RUN} is the job's, and a backfill sends; leave out --yes to see what it would "
            "send, or give the job's --dry_run with --input_files"
        )
    if given.manifest:
        yield from unwritable("--manifest", given.manifest, makes_folder=True)
    times = {}
    for name in ("since", "until"):
        text = getattr(given, name)
        if text is None:
            continue
        try:
            times[name] = _time_ms(text)
        except (ValueError, OverflowError):
            yield (
                f"--{name}: found {text!r}; an ISO date or date-time, such as 2026-07-01 or "
                "2026-07-01T12:00:00Z"
            )
    if len(times) == 2 and times["since"] >= times["until"]:
        yield "--since is not before --until: no time is in between"
    if given.events is not None:
        try:
            _names(given.events)
        except ValueError:
            yield (
                f"--events: found {given.events!r}; names with commas between them, or a JSON list "
                "of names"
            )


def _is_given(flag: str, arguments: Sequence[str]) -> bool:
    return any(each == flag or each.startswith(f"{flag}=") for each in arguments)


def _time_ms(text: str) -> int:
    time = datetime.fromisoformat(text)
    return round((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)


def _names(text: str) -> tuple[str, ...]:
    """Names of event types. Unlike in a setting's flag, one may begin with a bracket."""
    if text.lstrip().startswith('["'):
        names = json.loads(text)
    else:
        names = [name.strip() for name in text.split(",")]
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(text)
    return tuple(names)
