"""Carrying a dry run out: read, look, report. Nothing leaves this process."""

import logging
import os
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline import plan
from pipeline.dryrun.chain import Chain
from pipeline.dryrun.document import Document
from pipeline.dryrun.facts import Circumstances
from pipeline.dryrun.flags import FOR_S, RECORDS
from pipeline.dryrun.look import Look
from pipeline.dryrun.page import page
from pipeline.dryrun.reading import Bounds, End, Reading, Take
from pipeline.dryrun.report import report
from pipeline.dryrun.terminal import render
from pipeline.preview.words import amount
from pipeline.settings import Settings, load_settings
from pipeline.sources.files import find_files
from pipeline.stop import stop_on_signals
from transforms.progress import PROGRESS
from transforms.records import Message
from transforms.sink.lanes import DeliveryPolicy

_LOG = logging.getLogger(__name__)
_PATIENCE_S = 30.0
_EXIT_OK, _EXIT_FAILED = 0, 1
_HELD = (
    "%s: what the dry run looks at stays leased until it ends, at most %s; then it is given back. "
    "A job on the same subscription gets those messages only after that, and each look counts as a "
    "delivery attempt of a dead-letter policy. A subscription of its own disturbs nobody."
)
_SAME = "Nothing is sent, stored or acknowledged."


def look(given: Any, settings: Settings) -> int:
    """Looks at what the options name; returns the exit code.

    0: the report is made. 1: not all could be read, or the page could not be written; the report
    says what was seen. Raises SettingsError (for `--compare`), FileReadError.
    """
    other = load_settings(given.compare) if given.compare else None
    paths = find_files(given.input_files) if given.input_files else []
    bounds = _bounds(given)
    target = Path(given.report) if given.report else None
    name, other_name = _names(given.settings or "flags", given.compare or "")
    seen = Look(
        _chain(name, settings, given),
        _chain(other_name, other, given) if other is not None else None,
    )
    _announce(given, bounds)
    began, clock = datetime.now(UTC), time.monotonic()
    # On a terminal only; its log is for the words that stay.
    progress = Console(stderr=True).status("Looking")

    def end_bundle() -> None:
        seen.end_bundle()
        progress.update(f"Looking: {amount(seen.traffic.records, 'record')} so far")

    with stop_on_signals(_PATIENCE_S), progress:
        reading = Reading(bounds, _taking(seen), end_bundle)
        end = reading.files(paths) if paths else reading.subscription(given.input_subscription)
    document = report(
        seen,
        Circumstances(
            source=given.input_subscription or _words(given.input_files, paths),
            subscription=not paths,
            began=began,
            took_s=time.monotonic() - clock,
            end=end,
            most_s=bounds.seconds,
            most_records=bounds.records,
            again=reading.again,
        ),
    )
    Console().print(render(document))
    written = target is None or _write(target, document)
    return _EXIT_OK if written and end is not End.FAILED else _EXIT_FAILED


def _bounds(given: Any) -> Bounds:
    """Files end by themselves, a subscription does not."""
    seconds, records = given.dry_run_for_s, given.dry_run_records
    if given.input_files:
        return Bounds(seconds, records)
    return Bounds(seconds or FOR_S, records or RECORDS, given.stop_when_idle_s)


def _chain(name: str, settings: Settings, given: Any) -> Chain:
    return Chain(name, settings, _policy(settings, given))


def _policy(settings: Settings, given: Any) -> DeliveryPolicy:
    """The job's own on one machine."""
    processes = given.request_budget_processes or 1
    return plan.delivery_policy(settings, processes, hold=False, one_bundle_at_a_time=True)


def _names(one: str, other: str) -> tuple[str, str]:
    """What the two settings are called: short, and never the same."""
    short = Path(one).name, Path(other).name
    if short[0] != short[1]:
        return short
    return (one, other) if one != other else (one, f"{other} (compared)")


def _taking(seen: Look) -> Take:
    def take(message: Message) -> int:
        seen.take(message)
        PROGRESS.note()
        return seen.traffic.records

    return take


def _announce(given: Any, bounds: Bounds) -> None:
    if given.input_subscription:
        _LOG.warning(_HELD, given.input_subscription, f"{bounds.seconds:g} s")
    _LOG.info("Dry run. %s", _SAME)


def _words(pattern: str, paths: Sequence[str]) -> str:
    return pattern if len(paths) == 1 else f"{pattern} ({len(paths)} files)"


def _write(path: Path, document: Document) -> bool:
    """Writes the page; a reader never sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.unlink(missing_ok=True)
        with draft.open("x", encoding="utf-8") as file:
            file.write(page(document))
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        _LOG.error("--report: %s cannot be written: %s", path, error.strerror)
        return False
    print(f"The report is in {path}")
    return True
