"""Starting a job: check everything, build the graph, run it where the options say."""

import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import (
    FlinkRunnerOptions,
    PipelineOptions,
    StandardOptions,
    TestOptions,
    TypeOptions,
)
from rich.console import Console

from pipeline import finality, graph, plan
from pipeline.deadletters import FileStore, Store, TopicStore
from pipeline.dryrun.run import look
from pipeline.generations import cause, run_once, run_subscription
from pipeline.ledger import read_ledger, render
from pipeline.ledger_file import ledger_written
from pipeline.memory import collect_rarely, share_arenas
from pipeline.options import (
    DATAFLOW,
    FLINK,
    ONE_MACHINE,
    PRISM,
    StreamOptions,
    UsageError,
    budget_processes,
    parse,
    runner_name,
    setting_flags,
)
from pipeline.people.choice import opened, people_of, refuse_memory
from pipeline.people.file import StateFileError
from pipeline.settings import (
    CredentialError,
    Secret,
    Settings,
    SettingsError,
    load_settings,
)
from pipeline.settings.credentials import SECRET_ALLOWED, Credentials
from pipeline.sources.dataflow import ReadOnDataflow
from pipeline.sources.files import FileReadError, ReadFromFiles, find_files
from pipeline.sources.portable import ReadOnWorkers
from pipeline.sources.session import SubscriptionError
from pipeline.sources.subscription import ReadFromSubscription
from pipeline.stop import STOP, stop_on_signals
from transforms.sink.lanes import DeliveryPolicy
from transforms.sink.sink import DeliverToCustomerIo

_LOG = logging.getLogger(__name__)

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
_GRACE_S = 15.0


def main(argv: list[str] | None = None) -> int:
    """Runs or submits the job; returns the exit code.

    0: done, or stopped as asked with everything in flight settled. 1: it could not go on. 2: flags
    or settings are wrong; nothing was read.
    """
    set_up_logging()
    try:
        return _start(parse(sys.argv[1:] if argv is None else argv))
    except (UsageError, SettingsError, CredentialError, FileReadError, StateFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE


def set_up_logging() -> None:
    """Our own words to standard error, and of Beam's only what nobody else says."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("pipeline").setLevel(logging.INFO)
    # Beam logs the traceback of a bundle that failed; what has to be known of it, we say ourselves.
    logging.getLogger("apache_beam.runners.worker").setLevel(logging.CRITICAL)
    logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)


def _start(options: PipelineOptions) -> int:
    given = options.view_as(StreamOptions)
    # Before the first URL is opened: Beam reads whom to impersonate then, and only then.
    FileSystems.set_options(options)
    settings = load_settings(given.settings, setting_flags(given))
    if options.view_as(TestOptions).dry_run:
        return look(given, settings)
    if settings.status == "disabled":
        print("The settings say status: disabled. Nothing is read.")
        return EXIT_OK
    runner = runner_name(options.view_as(StandardOptions))
    refuse_memory(given, settings, runner)
    # On one machine nobody reads a file again, and an engine begins with all files from the start
    # again, so many times at the most: their bundle is never given back.
    policy, credentials = delivery_of(options, settings, hold=bool(given.input_files))
    store = store_of(given)
    workers = max(1, options.view_as(FlinkRunnerOptions).parallelism)
    # Looked up here, not with the graph: a file that is missing is the command line's fault.
    paths = find_files(given.input_files) if given.input_files else []
    extras = graph.Extras(given.environment_file, people_of(settings, runner))

    def reading(files: list[str]) -> graph.Builder:
        """The job over some files; without any, over the subscription."""

        def build(pipeline: beam.Pipeline) -> None:
            # Source and sink are made anew: Beam ties a transform to the pipeline that it is in.
            sink = DeliverToCustomerIo(policy, credentials)
            source = (
                ReadFromFiles(files, spread=runner not in ONE_MACHINE)
                if files
                else _subscription(given, runner, workers)
            )
            graph.build(pipeline, source, settings, sink, store, extras)

        return build

    if runner in ONE_MACHINE:
        return run_here(reading, options, settings, paths)
    submit(reading(paths), options)
    return EXIT_OK


def delivery_of(
    options: PipelineOptions, settings: Settings, *, hold: bool
) -> tuple[DeliveryPolicy, Credentials]:
    """How the options' runner delivers, and with what. Raises UsageError, CredentialError.

    `hold`: a bundle is never given back, for nobody would send it again.
    """
    given = options.view_as(StreamOptions)
    runner = runner_name(options.view_as(StandardOptions))
    one_machine = runner in ONE_MACHINE
    credentials = replace(settings.customerio.credentials, environment_file=given.environment_file)
    if one_machine:
        resolve_credentials(settings, given.environment_file)
    elif runner == DATAFLOW:
        refuse_environment(settings)
    policy = plan.delivery_policy(
        settings, budget_processes(options), hold=hold, one_bundle_at_a_time=one_machine
    )
    return policy, credentials


def submit(build: graph.Builder, options: PipelineOptions) -> None:
    """Hands a job to a runner of many machines."""
    pipeline = beam.Pipeline(options=options)
    build(pipeline)
    result = pipeline.run()
    if runner_name(options.view_as(StandardOptions)) != DATAFLOW:
        # Dataflow goes on by itself, and its launcher wants a program that ends. Elsewhere the end
        # of this process may well be the end of the job.
        result.wait_until_finish()


def refuse_environment(settings: Settings) -> None:
    """Raises UsageError when credentials are variables of this machine, which no worker has."""
    problems = [
        f"{key}: {reference} is not set on Dataflow's workers; store the value in Secret Manager "
        f"and write {SECRET_ALLOWED} in the settings, or as --{key.replace('.', '_')}"
        for key, reference in settings.references.items()
        if not reference.in_secret_manager
    ]
    if problems:
        raise UsageError("\n".join(problems))


def resolve_credentials(settings: Settings, environment_file: str | None) -> None:
    """Raises CredentialError, with all that cannot be had here, before anything is read."""
    problems: dict[str, None] = {}
    for reference in settings.references.values():
        try:
            Secret(reference, environment_file)()
        except CredentialError as error:
            problems[str(error)] = None
    if problems:
        raise CredentialError("\n".join(problems))


def store_of(given: StreamOptions) -> Store:
    """Where the options want dead letters to go."""
    if given.dead_letter_topic:
        return TopicStore(given.dead_letter_topic)
    return FileStore(given.dead_letter_files)


def _subscription(given: StreamOptions, runner: str, workers: int) -> graph.Source:
    if runner == DATAFLOW:
        try:
            return ReadOnDataflow(given.input_subscription)
        except ValueError as error:
            raise UsageError(f"--input_subscription: {error}") from error
    if runner in (FLINK, PRISM):
        return ReadOnWorkers(given.input_subscription, workers)
    return ReadFromSubscription(given.input_subscription, given.stop_when_idle_s)


Reading = Callable[[list[str]], graph.Builder]
"""Gives the job over some files; without any, over the options' subscription."""


def run_here(
    reading: Reading, options: PipelineOptions, settings: Settings, paths: list[str]
) -> int:
    """Runs on this machine until the end or a signal, prints the ledger; returns the exit code.

    Raises UsageError when the ledger's file cannot be written, StateFileError when people cannot be
    remembered.
    """
    given = options.view_as(StreamOptions)

    def work() -> int:
        if paths:
            return _run_files(reading, options, paths)
        run_subscription(reading([]), options, given.input_subscription, given.stop_when_idle_s)
        return EXIT_OK

    code = carry_out(work, options, settings)
    if STOP.is_set() and paths:
        _LOG.warning(
            "Stopped before the end of the files. Run the same command again: what was "
            "delivered counts once."
        )
    return code


def carry_out(work: Callable[[], int], options: PipelineOptions, settings: Settings) -> int:
    """Does `work`, which runs pipelines until STOP is set, and prints the ledger; the exit code.

    Raises UsageError when the ledger's file cannot be written.
    """
    share_arenas()
    collect_rarely()
    # Half of the time that it takes to build the graph, in every generation. The tests check types.
    options.view_as(TypeOptions).pipeline_type_check = False
    given = options.view_as(StreamOptions)
    ledger_file = Path(given.ledger_file) if given.ledger_file else None
    _LOG.info(
        "Running on FnApiRunner, the runner behind --runner=DirectRunner; delivering to %s",
        settings.customerio.base_url,
    )
    # Beyond what a delivery may take there is nothing more to wait for.
    patience_s = settings.delivery.retry_for_s + settings.delivery.request_timeout_s + _GRACE_S
    with (
        opened(given, settings),
        stop_on_signals(patience_s),
        ledger_written(ledger_file),
    ):
        try:
            code = work()
        except SubscriptionError as error:
            _LOG.error("%s", error)
            code = EXIT_FAILED
        except Exception as error:
            _LOG.error("The job ended early: %s", cause(error))
            code = EXIT_FAILED
    Console().print(render(read_ledger()))
    return code


def _run_files(reading: Reading, options: PipelineOptions, paths: list[str]) -> int:
    """Runs the pipeline over one file after the other: each is settled by itself."""
    code = EXIT_OK
    for path in paths:
        if STOP.is_set():
            break
        try:
            run_once(reading([path]), options)
        except Exception as error:
            finality.roll_back(comes_again=False)
            _LOG.error(
                "%s was not finished and is not in the ledger; what was sent of it counts once "
                "when it is read again: %s",
                path,
                cause(error),
            )
            code = EXIT_FAILED
    return code
