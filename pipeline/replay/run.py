"""Carrying a replay out: look up what there is to read, then send it, or only show it."""

import logging
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import apache_beam as beam
from apache_beam.options.pipeline_options import StandardOptions
from rich.console import Console

from pipeline import graph, launch, plan
from pipeline.options import StreamOptions, UsageError, runner_name
from pipeline.options import parse as parse_job
from pipeline.people.choice import people_of, refuse_memory
from pipeline.people.file import StateFileError
from pipeline.preview.summary import DISABLED
from pipeline.preview.words import amount
from pipeline.replay.dry_run import render, sort_by_reason
from pipeline.replay.from_files import letters_of_file, read_letters
from pipeline.replay.from_subscription import (
    Sorter,
    SourceError,
    letters_of_subscription,
    now,
    subscription_of,
)
from pipeline.replay.left import LEFT
from pipeline.replay.letter import Letter
from pipeline.replay.options import Replay
from pipeline.replay.source import FORMS, Kind
from pipeline.settings import CredentialError, Settings, SettingsError, load_settings
from pipeline.sources.files import FileReadError, find_files
from pipeline.sources.session import SubscriptionError
from pipeline.sources.sessions import choosing
from pipeline.sources.subscription import ReadFromSubscription
from pipeline.stop import stop_on_signals
from transforms.sink.sink import DeliverToCustomerIo

_LOG = logging.getLogger(__name__)
_DRY_RUN_PATIENCE_S = 30.0


class Found:
    """What there is to read: files, or a subscription."""

    def __init__(self, asked: Replay) -> None:
        """Looks it up. Raises FileReadError, SourceError."""
        source = asked.source
        self.paths = find_files(source.name, FORMS) if source.kind is Kind.FILES else []
        self.subscription = source.name if source.kind is Kind.SUBSCRIPTION else ""
        if source.kind is Kind.TOPIC:
            self.subscription = subscription_of(source.name)
        files = f"{amount(len(self.paths), 'file')} ({source.name})"
        self.words = files if self.paths else self.subscription


def run(asked: Replay) -> int:
    """Replays; returns the exit code.

    0: done, or stopped as asked with everything in flight settled. 1: it could not go on, or some
    of what it read is no dead letter. 2: flags or settings are wrong, or there is nothing to read.
    """
    launch.set_up_logging()
    LEFT.reset()
    try:
        endpoint = asked.customerio_endpoint
        settings = load_settings(
            asked.settings, {"customerio_endpoint": endpoint} if endpoint else None
        )
        if settings.status == "disabled" and not asked.dry_run:
            print("The settings say status: disabled. Nothing is sent.")
            return launch.EXIT_OK
        code = _show(asked, settings) if asked.dry_run else _send(asked, settings)
    except (
        UsageError,
        SettingsError,
        CredentialError,
        FileReadError,
        SourceError,
        StateFileError,
    ) as error:
        print(f"error: {error}", file=sys.stderr)
        return launch.EXIT_USAGE
    for line in LEFT.lines():
        print(line)
    return launch.EXIT_FAILED if LEFT.damaged else code


def _send(asked: Replay, settings: Settings) -> int:
    credentials = replace(settings.customerio.credentials, environment_file=asked.environment_file)
    launch.resolve_credentials(settings, asked.environment_file)
    found = Found(asked)
    options = parse_job(list(_job_flags(asked, found)))
    given = options.view_as(StreamOptions)
    policy = plan.delivery_policy(settings, processes=1, hold=bool(found.paths))
    store = launch.store_of(given)
    runner = runner_name(options.view_as(StandardOptions))
    refuse_memory(given, settings, runner)
    people = people_of(settings, runner)

    def reading(files: list[str]) -> graph.Builder:
        def build(pipeline: beam.Pipeline) -> None:
            sink = DeliverToCustomerIo(policy, credentials)
            source = (
                read_letters(files, asked.choice)
                if files
                else ReadFromSubscription(found.subscription, given.stop_when_idle_s)
            )
            extras = graph.Extras(asked.environment_file, people)
            graph.build_replay(pipeline, source, settings, sink, store, extras)

        return build

    print(
        f"Replaying the dead letters of {found.words}{asked.choice.words()} to "
        f"{settings.customerio.base_url}; what fails again goes to "
        f"{asked.dead_letter_topic or f'{asked.dead_letter_files}-*.jsonl'}",
        flush=True,
    )
    with _sorted(asked, found):
        return launch.run_here(reading, options, settings, found.paths)


def _job_flags(asked: Replay, found: Found) -> Iterator[str]:
    """The job's flags that say the same."""
    yield f"--settings={asked.settings}"
    if found.paths:
        yield f"--input_files={asked.source.name}"
    else:
        yield f"--input_subscription={found.subscription}"
        yield f"--stop_when_idle_s={asked.stop_when_idle_s}"
    for name in (
        "dead_letter_files",
        "dead_letter_topic",
        "ledger_file",
        "environment_file",
        "state_file",
    ):
        value = getattr(asked, name)
        if value:
            yield f"--{name}={value}"


def _sorted(asked: Replay, found: Found) -> AbstractContextManager[None]:
    """A context in which the subscription's messages are sorted by the replay's choice."""
    if found.paths:
        return nullcontext()
    return choosing(found.subscription, Sorter(asked.choice, now(), LEFT))


def _show(asked: Replay, settings: Settings) -> int:
    found = Found(asked)
    code = launch.EXIT_OK
    print(f"Reading the dead letters of {found.words}{asked.choice.words()}", flush=True)

    def letters() -> Iterator[Letter]:
        nonlocal code
        for path in found.paths:
            try:
                for _stored, letter in letters_of_file(path, asked.choice):
                    yield letter
            except FileReadError as error:
                _LOG.error("%s", error)
                code = launch.EXIT_FAILED
        if found.subscription:
            try:
                yield from letters_of_subscription(found.subscription, asked.stop_when_idle_s)
            except SubscriptionError as error:
                _LOG.error("%s", error)
                code = launch.EXIT_FAILED

    with stop_on_signals(_DRY_RUN_PATIENCE_S), _sorted(asked, found):
        by_reason = sort_by_reason(letters(), settings)
    Console().print(render(by_reason))
    if settings.status == "disabled":
        print(DISABLED)
    return code
