"""A local run from its first step to its exit code."""

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from google.api_core.exceptions import GoogleAPICallError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from pipeline.ledger import Ledger
from pipeline.local.run.feed import Feed, make_subscription, of_file, publish, samples
from pipeline.local.run.options import RunOptions, parse
from pipeline.local.run.processes import LocalProcess, ProcessError
from pipeline.local.run.report import read_ledger_file, show_ledger, show_workspace
from pipeline.settings import SettingsError, load_settings
from pipeline.sources.files import FileReadError

_PROJECT, _TOPIC, _SUBSCRIPTION = "local-run", "amplitude-records", "customerio-stream"
_STAND_IN_CREDENTIALS = {
    "CUSTOMERIO_SITE_ID": "stand-in-site",
    "CUSTOMERIO_API_KEY": "stand-in-key",
}
_LOOPBACK = "127.0.0.1,localhost,::1"
_IDLE_S = 3
_LOOK_EVERY_S = 0.25
_INTERRUPTED = 130


class Interrupted(Exception):  # noqa: N818 - not an error: somebody pressed Ctrl-C
    """The user wants to stop."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs everything; 0 only when every record is accounted for."""
    options = parse(argv)
    _keep_proxies_out()
    console = Console()
    directory = Path("local-run") / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    directory.mkdir(parents=True, mode=0o700, exist_ok=True)
    try:
        with _interruptible(), ExitStack() as running:
            return _run(options, directory, console, running)
    except Interrupted:
        console.print("Stopped. Everything that was started is ended.")
        return _INTERRUPTED
    except (SettingsError, FileReadError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except ProcessError as error:
        print(f"error: {error}", file=sys.stderr)
    except GoogleAPICallError as error:
        print(f"error: Pub/Sub says {type(error).__name__}: {error.message}", file=sys.stderr)
        print("Is PUBSUB_EMULATOR_HOST set to an emulator that runs?", file=sys.stderr)
    print(f"The logs are in {directory}/.", file=sys.stderr)
    return 1


def _keep_proxies_out() -> None:
    """A company's proxy is not for servers on this machine; the processes to come inherit that."""
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), _LOOPBACK)))


@contextmanager
def _interruptible() -> Iterator[None]:
    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise Interrupted

    before = {n: signal.signal(n, interrupt) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _run(options: RunOptions, directory: Path, console: Console, running: ExitStack) -> int:
    remembers = load_settings(str(options.settings)).users.state == "person"
    endpoint, page = options.endpoint, None
    if options.real:
        _step(console, 1, "Customer.io: your own workspace, with your credentials")
    else:
        endpoint = page = _start_stand_in(directory, running)
        _step(console, 1, f"Customer.io: a stand-in with its real rules; activity at {page}")

    if "PUBSUB_EMULATOR_HOST" not in os.environ:
        os.environ["PUBSUB_EMULATOR_HOST"] = _start_emulator(directory, running)
    _step(console, 2, f"Pub/Sub: an emulator at {os.environ['PUBSUB_EMULATOR_HOST']}")

    topic, subscription = make_subscription(_PROJECT, _TOPIC, _SUBSCRIPTION)
    messages, records = publish(_feeds(options), topic)
    what = options.input or "sample Amplitude records, one in ten of them troubled"
    _step(console, 3, f"Published {messages:,} messages with {records:,} records: {what}")

    ledger_file = directory / "ledger.json"
    state = [f"--state_file={directory / 'people.sqlite'}"] if remembers else []
    pipeline = _start_pipeline(options, directory, subscription, endpoint, running, state)
    _step(console, 4, f"Streaming with the pipeline, process {pipeline.pid}")
    if options.serve:
        _serve(console, topic, page, pipeline)
    else:
        _follow(console, pipeline, ledger_file, records)
    code = pipeline.stop()
    ledger = read_ledger_file(ledger_file)
    if code != 0 or ledger is None:
        raise ProcessError(f"the pipeline ended with status {code}:\n{pipeline.tail()}")
    return _report(console, ledger, records, page, directory, exact=not options.serve)


def _start_stand_in(directory: Path, running: ExitStack) -> str:
    process = LocalProcess(
        "pipeline.local.customerio",
        [],
        log=directory / "customerio.log",
        environment=_STAND_IN_CREDENTIALS,
        announces="CUSTOMERIO_ENDPOINT",
    )
    running.callback(process.stop)
    return process.announced


def _start_emulator(directory: Path, running: ExitStack) -> str:
    process = LocalProcess(
        "pipeline.local.pubsub",
        [],
        log=directory / "pubsub.log",
        announces="PUBSUB_EMULATOR_HOST",
    )
    running.callback(process.stop)
    return process.announced


def _feeds(options: RunOptions) -> Iterator[Feed]:
    return of_file(options.input) if options.input else samples(options.records)


def _start_pipeline(
    options: RunOptions,
    directory: Path,
    subscription: str,
    endpoint: str | None,
    running: ExitStack,
    state: list[str],
) -> LocalProcess:
    arguments = [
        *state,
        f"--settings={options.settings}",
        f"--input_subscription={subscription}",
        f"--dead_letter_files={directory / 'dead_letters'}",
        f"--ledger_file={directory / 'ledger.json'}",
        *([f"--customerio_endpoint={endpoint}"] if endpoint else []),
        *([] if options.serve else [f"--stop_when_idle_s={_IDLE_S}"]),
    ]
    own = {
        "CUSTOMERIO_SITE_ID": options.site_id or "",
        "CUSTOMERIO_API_KEY": options.api_key or "",
    }
    process = LocalProcess(
        "pipeline.main",
        arguments,
        log=directory / "pipeline.log",
        environment=own if options.real else _STAND_IN_CREDENTIALS,
    )
    running.callback(process.stop)
    return process


def _follow(console: Console, pipeline: LocalProcess, ledger_file: Path, records: int) -> None:
    """A progress bar until the pipeline ends by itself."""
    columns = (
        TextColumn("   {task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("records"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("settled", total=records)
        while pipeline.poll() is None:
            if ledger := read_ledger_file(ledger_file):
                progress.update(task, completed=ledger.settled)
            time.sleep(_LOOK_EVERY_S)
        if ledger := read_ledger_file(ledger_file):
            progress.update(task, completed=ledger.settled)


def _serve(console: Console, topic: str, endpoint: str | None, pipeline: LocalProcess) -> None:
    """Keeps everything up until Ctrl-C, or until the pipeline ends."""
    console.print(f"   Publish more to {topic} at {os.environ['PUBSUB_EMULATOR_HOST']}.")
    if endpoint:
        console.print(f"   Watch people and events at {endpoint}")
        console.print("   Other commands reach both with:")
        names = _STAND_IN_CREDENTIALS | {"PUBSUB_EMULATOR_HOST": os.environ["PUBSUB_EMULATOR_HOST"]}
        words = " ".join(f"{name}={value}" for name, value in names.items())
        console.print(f"     export {words}", soft_wrap=True)
        console.print(f"     … --customerio_endpoint={endpoint}", soft_wrap=True)
    console.print("   Ctrl-C stops everything and prints the ledger.")
    try:
        pipeline.wait()
    except Interrupted:
        console.print("\nStopping: what is in flight is settled first.")


def _report(
    console: Console,
    ledger: Ledger,
    records: int,
    page: str | None,
    directory: Path,
    *,
    exact: bool,
) -> int:
    console.print()
    show_ledger(console, ledger)
    if page:
        summary = show_workspace(console, page)
        console.print(
            f"Customer.io took {summary['items']:,} operations. Without a word it dropped "
            f"{summary['duplicate_events']:,} events that it had already (same ULID), "
            f"{summary['ignored_stale_identifies']:,} updates older than what it knew, and "
            f"{summary['ignored_operations']:,} operations on a cio_id that it never gave out."
        )
    dead = sum(n for name, n in ledger.outcomes.items() if name.startswith("dead_lettered."))
    if dead:
        console.print(f"Dead letters ({dead:,} records) with their reasons: {directory}/")
    accounted = ledger.balanced and (ledger.received >= records if exact else True)
    if accounted:
        console.print(f"[green]Every record is accounted for:[/] {ledger.received:,} received.")
        return 0
    console.print(
        f"[red]Not every record is accounted for:[/] {records:,} published, "
        f"{ledger.received:,} received, {ledger.settled:,} settled. The logs are in {directory}/."
    )
    return 1


def _step(console: Console, number: int, text: str) -> None:
    console.print(f"[bold]{number}.[/] {text}", highlight=False)
