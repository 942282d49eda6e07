"""The command line of a replay: all of it checked before anything is read."""

import argparse
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from pipeline import command_line
from pipeline.places import problems_of_places
from pipeline.replay.choice import Choice
from pipeline.replay.source import FORMS, Kind, Source, covers, parse_source, resource_kind
from transforms.reasons import DEAD_LETTER_REASONS

PROG: Final = "python -m pipeline replay"
_IDLE_S: Final = 10.0


class Replay(Struct, frozen=True, kw_only=True):
    """What to replay, and how."""

    source: Source
    settings: str
    choice: Choice
    dry_run: bool
    dead_letter_files: str | None
    dead_letter_topic: str | None
    """One of the two is given, unless it is a dry run."""
    customerio_endpoint: str | None
    environment_file: str | None
    ledger_file: str | None
    state_file: str | None
    stop_when_idle_s: float


def parse(argv: Sequence[str]) -> Replay:
    """A replay from a command line. Raises CommandLineError with every problem found."""
    given = command_line.parse(_parser(), argv, _problems)
    return Replay(
        source=parse_source(given.source),
        settings=given.settings,
        choice=Choice(frozenset(given.reason), _since(given.since) if given.since else None),
        dry_run=given.dry_run,
        dead_letter_files=given.dead_letter_files,
        dead_letter_topic=given.dead_letter_topic,
        customerio_endpoint=given.customerio_endpoint,
        environment_file=given.environment_file,
        ledger_file=given.ledger_file,
        state_file=given.state_file,
        stop_when_idle_s=_seconds(given.stop_when_idle_s) if given.stop_when_idle_s else _IDLE_S,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG,
        usage=f"{PROG} --from SOURCE --settings FILE (--dead_letter_files PREFIX | "
        "--dead_letter_topic TOPIC) [--reason REASON]... [--since TIME] [--dry_run] …",
        description="Sends dead letters to Customer.io again. Running it twice changes nothing "
        "there: events carry the same ids, updates of people the same times.",
        allow_abbrev=False,
        exit_on_error=False,
    )
    # None is required for argparse, so that everything that is wrong is told at once.
    parser.add_argument("--from", dest="source", metavar="SOURCE", help=FORMS)
    parser.add_argument("--settings", metavar="FILE", help="settings file, YAML or JSON")
    parser.add_argument("--dead_letter_files", metavar="PREFIX", help="files for what fails again")
    parser.add_argument("--dead_letter_topic", metavar="TOPIC", help="topic for what fails again")
    parser.add_argument(
        "--reason",
        action="append",
        default=[],
        metavar="REASON",
        help="only letters of this reason; may be given more than once",
    )
    parser.add_argument(
        "--since",
        metavar="TIME",
        help="only letters that failed at this ISO date or date-time or later; UTC unless it says "
        "otherwise",
    )
    parser.add_argument(
        "--dry_run",
        action="store_true",
        help="send, write and acknowledge nothing: show what the letters would become",
    )
    parser.add_argument(
        "--customerio_endpoint", metavar="URL", help="wins over the settings; for tests, proxies"
    )
    parser.add_argument(
        "--environment_file", metavar="FILE", help="NAME=VALUE lines for the settings' ${NAME}"
    )
    parser.add_argument("--ledger_file", metavar="FILE", help="the ledger as JSON")
    parser.add_argument(
        "--state_file",
        metavar="FILE",
        help="with users.state: person, the file in which the job remembers people; stop the job "
        "meanwhile",
    )
    parser.add_argument(
        "--stop_when_idle_s",
        metavar="N",
        help=f"end when the subscription has been empty for N seconds (default {_IDLE_S:g})",
    )
    return parser


def _problems(given: argparse.Namespace) -> Iterator[str]:
    yield from _problems_of_places(given)
    if not given.settings:
        yield "--settings FILE is missing: the settings say what is sent, and where"
    for reason in given.reason:
        if reason not in DEAD_LETTER_REASONS:
            near = command_line.nearest(reason, DEAD_LETTER_REASONS)
            meant = f"did you mean {near}? " if near else ""
            yield f"--reason: found {reason!r}; {meant}allowed: {', '.join(DEAD_LETTER_REASONS)}"
    if given.since is not None:
        try:
            _since(given.since)
        except ValueError:
            yield (
                f"--since: found {given.since!r}; an ISO date or date-time, such as 2026-07-01 or "
                "2026-07-01T12:00:00Z"
            )


def _problems_of_places(given: argparse.Namespace) -> Iterator[str]:
    source: Source | None = None
    if not given.source:
        yield f"--from SOURCE is missing: {FORMS}"
    else:
        try:
            source = parse_source(given.source)
        except ValueError as error:
            yield f"--from: {error}"
    files, topic = given.dead_letter_files, given.dead_letter_topic
    if (files and topic) or not (files or topic or given.dry_run):
        yield (
            "give one of --dead_letter_files and --dead_letter_topic: what fails again is kept, "
            "never dropped"
        )
    if topic and resource_kind(topic) is not Kind.TOPIC:
        yield f"--dead_letter_topic: found {topic!r}; the form is projects/P/topics/T"
    if not given.dry_run:
        yield from problems_of_places(given)
    of_files = source is not None and source.kind is Kind.FILES
    if source and of_files and files and covers(source.name, files):
        yield (
            f"--dead_letter_files: files of {files!r} would be read by the next replay together "
            f"with those that this one reads ({source.name}); give another prefix"
        )
    if given.stop_when_idle_s is not None:
        try:
            _seconds(given.stop_when_idle_s)
        except ValueError:
            yield f"--stop_when_idle_s: found {given.stop_when_idle_s!r}; seconds above 0"
        if of_files:
            yield "--stop_when_idle_s goes with a subscription: files end by themselves"


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise ValueError(text)
    return seconds


def _since(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
