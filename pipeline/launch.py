"""Starting a job: check everything, build the graph, run it where the options say."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from pydantic import ValidationError
from rich.console import Console

from pipeline import graph, plan
from pipeline.deadletters import FileStore, Store, TopicStore
from pipeline.generations import last_line, run_once, run_subscription
from pipeline.ledger import read_ledger, render, write_ledger
from pipeline.options import (
    DATAFLOW,
    ONE_MACHINE,
    StreamOptions,
    UsageError,
    budget_processes,
    parse,
    runner_name,
)
from pipeline.settings import CredentialError, Settings, SettingsError, load_settings
from pipeline.settings.explain import explain
from pipeline.settings.model import CustomerIo
from pipeline.sources.dataflow import ReadOnDataflow
from pipeline.sources.files import FileReadError, ReadFromFiles, find_files
from pipeline.sources.session import SubscriptionError
from pipeline.sources.subscription import ReadFromSubscription
from pipeline.stop import STOP
from transforms.sink.sink import DeliverToCustomerIo

_LOG = logging.getLogger(__name__)

EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
_LEDGER_EVERY_S = 1.0
_GRACE_S = 15.0


def main(argv: list[str] | None = None) -> int:
    """Runs or submits the job; returns the exit code.

    0: done, or stopped as asked with everything in flight settled. 1: it could not go on. 2: flags
    or settings are wrong; nothing was read.
    """
    logging.basicConfig(
        level=logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    logging.getLogger("pipeline").setLevel(logging.INFO)
    # Beam logs the traceback of a bundle that failed; what has to be known of it, we say ourselves.
    logging.getLogger("apache_beam.runners.worker").setLevel(logging.CRITICAL)
    logging.getLogger("apache_beam.runners.common").setLevel(logging.CRITICAL)
    try:
        return _start(parse(sys.argv[1:] if argv is None else argv))
    except (UsageError, SettingsError, CredentialError, FileReadError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE


def _start(options: PipelineOptions) -> int:
    given = options.view_as(StreamOptions)
    settings = load_settings(given.settings)
    if given.customerio_endpoint:
        settings = with_endpoint(settings, given.customerio_endpoint)
    if settings.status == "disabled":
        print("The settings say status: disabled. Nothing is read.")
        return EXIT_OK
    runner = runner_name(options.view_as(StandardOptions))
    one_machine = runner in ONE_MACHINE
    credentials = settings.customerio.credentials
    if one_machine:
        credentials.resolve()
    elif runner == DATAFLOW:
        _refuse_environment(settings)
    # On one machine a file is read once and by nobody again: its bundle is never given back.
    hold = one_machine and bool(given.input_files)
    policy = plan.delivery_policy(settings, budget_processes(options), hold=hold)
    store = _store(given)
    # Looked up here, not with the graph: a file that is missing is the command line's fault.
    paths = find_files(given.input_files) if given.input_files else []

    def build(pipeline: beam.Pipeline) -> None:
        # Source and sink are made anew: Beam ties a transform to the one pipeline that it is in.
        sink = DeliverToCustomerIo(policy, credentials)
        source = ReadFromFiles(paths) if paths else _subscription(given, runner)
        graph.build(pipeline, source, settings, sink, store)

    if one_machine:
        return _run_here(build, options, settings)
    pipeline = beam.Pipeline(options=options)
    build(pipeline)
    result = pipeline.run()
    if runner != DATAFLOW:
        # Dataflow goes on by itself, and its launcher wants a program that ends. Elsewhere the end
        # of this process may well be the end of the job.
        result.wait_until_finish()
    return EXIT_OK


def with_endpoint(settings: Settings, url: str) -> Settings:
    """The settings with another endpoint. Raises UsageError when it is none."""
    try:
        endpoint = CustomerIo.model_validate({"endpoint": url}).endpoint
    except ValidationError as error:
        [fault] = explain(error)
        raise UsageError(
            f"--customerio_endpoint: {fault.found}; allowed: {fault.allowed}"
        ) from None
    customerio = settings.customerio.model_copy(update={"endpoint": endpoint})
    return settings.model_copy(update={"customerio": customerio})


def _refuse_environment(settings: Settings) -> None:
    for key in ("site_id", "api_key"):
        reference = str(getattr(settings.customerio, key))
        if reference.startswith("${"):
            raise UsageError(
                f"customerio.{key}: {reference} is not set on Dataflow's workers; store the value "
                "in Secret Manager and write secret://projects/P/secrets/S/versions/V"
            )


def _store(given: StreamOptions) -> Store:
    if given.dead_letter_topic:
        return TopicStore(given.dead_letter_topic)
    return FileStore(given.dead_letter_files)


def _subscription(given: StreamOptions, runner: str) -> graph.Source:
    if runner == DATAFLOW:
        return ReadOnDataflow(given.input_subscription)
    return ReadFromSubscription(given.input_subscription, given.stop_when_idle_s)


def _run_here(build: graph.Builder, options: PipelineOptions, settings: Settings) -> int:
    given = options.view_as(StreamOptions)
    ledger_file = Path(given.ledger_file) if given.ledger_file else None
    _LOG.info(
        "Running on FnApiRunner, the runner behind --runner=DirectRunner; delivering to %s",
        settings.customerio.base_url,
    )
    code = EXIT_OK
    # Beyond what a delivery may take there is nothing more to wait for.
    patience_s = settings.delivery.retry_for_s + settings.delivery.request_timeout_s + _GRACE_S
    with _stop_on_signals(patience_s), _ledger_written(ledger_file):
        try:
            if given.input_files:
                run_once(build, options)
            else:
                run_subscription(build, options, given.input_subscription, given.stop_when_idle_s)
        except SubscriptionError as error:
            _LOG.error("%s", error)
            code = EXIT_FAILED
        except Exception as error:
            _LOG.error("The job ended early: %s", last_line(error))
            code = EXIT_FAILED
    Console().print(render(read_ledger()))
    if STOP.is_set() and given.input_files:
        _LOG.warning(
            "Stopped before the end of the files. Run the same command again: what was "
            "delivered counts once."
        )
    return code


@contextmanager
def _stop_on_signals(patience_s: float) -> Iterator[None]:
    """SIGINT and SIGTERM: stop reading and settle what is in flight, within `patience_s` seconds.

    A second signal ends the process at once; what is not settled then comes again.
    """
    timer = threading.Timer(patience_s, _give_up)
    timer.daemon = True

    def stop(_number: int, _frame: FrameType | None) -> None:
        if STOP.is_set():
            os._exit(EXIT_FAILED)
        STOP.set()
        timer.start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        timer.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _give_up() -> None:
    _LOG.error("What is in flight could not be settled. It was not acknowledged and comes again.")
    os._exit(EXIT_FAILED)


@contextmanager
def _ledger_written(path: Path | None) -> Iterator[None]:
    """Keeps the ledger's file up to date, and writes the final one at the end.

    Raises UsageError when it cannot be written at the start; later that is a warning.
    """
    if path is None:
        yield
        return
    try:
        write_ledger(path, final=False)
    except OSError as error:
        raise UsageError(f"--ledger_file: {path} cannot be written: {error.strerror}") from error
    ended = threading.Event()

    def keep_writing() -> None:
        written = True
        while written and not ended.wait(_LEDGER_EVERY_S):
            written = _written(path, final=False)

    writer = threading.Thread(target=keep_writing, name="ledger", daemon=True)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()
        _written(path, final=True)


def _written(path: Path, *, final: bool) -> bool:
    try:
        write_ledger(path, final=final)
    except OSError as error:
        _LOG.warning("The ledger cannot be written to %s any more: %s", path, error.strerror)
        return False
    return True
