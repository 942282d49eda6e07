"""Carrying a backfill out: find the files, look at them, ask, and send."""

import sys
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import apache_beam as beam
import msgspec
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from rich.console import Console

from pipeline import finality, graph, launch
from pipeline.backfill import cursor as cursors
from pipeline.backfill import manifest as manifests
from pipeline.backfill.cursor import Cursor
from pipeline.backfill.find import Found, find
from pipeline.backfill.fingerprint import fingerprint
from pipeline.backfill.look import look
from pipeline.backfill.manifest import Manifest, ManifestError, Place, Work
from pipeline.backfill.options import Backfill, own_flags
from pipeline.backfill.source import ReadAtCursor, read_shares
from pipeline.backfill.stock import Stock, take_stock
from pipeline.backfill.watch import watching
from pipeline.backfill.words import render
from pipeline.generations import run_once, wait_after
from pipeline.options import ONE_MACHINE, StreamOptions, UsageError, runner_name, setting_flags
from pipeline.options import parse as parse_job
from pipeline.people.choice import people_of, refuse_memory
from pipeline.people.file import StateFileError
from pipeline.preview.words import amount
from pipeline.settings import CredentialError, Settings, SettingsError, load_settings
from pipeline.settings.model import Events
from pipeline.sources.files import FileReadError
from pipeline.stop import STOP
from transforms.filter import canonical_event_type
from transforms.reasons import RECEIVED
from transforms.sink.sink import DeliverToCustomerIo
from transforms.tally import PROCESS_LEDGER


def run(asked: Backfill) -> int:
    """Sends history; returns the exit code.

    0: done, or stopped as asked with the place kept. 1: it could not go on, or a file could not be
    read to its end. 2: flags, settings or the manifest are wrong, there is nothing to read, or
    nobody said yes; nothing was sent.
    """
    launch.set_up_logging()
    try:
        options = parse_job([*asked.job_flags, f"--input_files={asked.source}"], own_flags())
        settings = _settings(asked, options.view_as(StreamOptions))
        if settings.status == "disabled":
            print("The settings say status: disabled. Nothing is sent.")
            return launch.EXIT_OK
        runner = runner_name(options.view_as(StandardOptions))
        refuse_memory(options.view_as(StreamOptions), settings, runner)
        if runner in ONE_MACHINE:
            return _on_one_machine(asked, options, settings)
        if asked.manifest:
            raise UsageError(
                f"--manifest works on one machine; with --runner={runner} the runner keeps its own "
                "place"
            )
        return _on_many_machines(asked, options, settings)
    except (
        UsageError,
        SettingsError,
        CredentialError,
        FileReadError,
        ManifestError,
        StateFileError,
    ) as error:
        print(f"error: {error}", file=sys.stderr)
        return launch.EXIT_USAGE


def _settings(asked: Backfill, given: StreamOptions) -> Settings:
    """The settings, narrowed to the event types asked for. Raises SettingsError, UsageError."""
    flags = setting_flags(given)
    settings = load_settings(given.settings, flags)
    if asked.events is None:
        return settings
    if problems := list(_not_sent(asked.events, settings.events)):
        raise UsageError("\n".join(problems))
    narrowed = msgspec.json.encode(asked.events).decode()
    return load_settings(given.settings, flags | {"events_include": narrowed})


def _not_sent(names: tuple[str, ...], events: Events) -> Iterator[str]:
    """What speaks against event types of --events: the settings do not send them."""
    wider = "a backfill may narrow what the settings send, not widen it"
    if not events.enabled:
        yield f"--events: events.enabled is false, so no event is sent; {wider}"
    included = None if events.include == "all" else set(map(canonical_event_type, events.include))
    excluded = set(map(canonical_event_type, events.exclude))
    for name in names:
        canonical = canonical_event_type(name)
        if canonical in excluded:
            yield f"--events: {name!r} is in events.exclude, which leaves it out; {wider}"
        elif included is not None and canonical not in included:
            yield f"--events: {name!r} is not in events.include; {wider}"


def _on_one_machine(asked: Backfill, options: PipelineOptions, settings: Settings) -> int:
    given = options.view_as(StreamOptions)
    path = manifest_path(asked, given)
    found = find(asked.source, asked.within, _own(path, given))
    work = Work(found.files, fingerprint(settings), asked.within, asked.events)
    with manifests.held(path):
        manifest = manifests.read(path, work)
        if manifest.finished:
            return _nothing_left(path, manifest)
        stock = _stock_of(asked, found)
        if manifest.counts:
            print(
                f"Going on with {path}: {manifest.counts.get(RECEIVED, 0):,} records and "
                f"{stock.settled(manifest.place)} are settled. What was begun is looked at whole.",
                flush=True,
            )
        policy, credentials = launch.delivery_of(options, settings, hold=False)
        store = launch.store_of(given)
        if not _agreed(asked, found, settings, stock, manifest.place):
            return launch.EXIT_USAGE
        print(f"The place is kept in {path}; the same command goes on from there.", flush=True)
        cursor = Cursor(path, manifest, found.files)
        key = str(path)
        people = people_of(settings, runner_name(options.view_as(StandardOptions)))
        extras = graph.Extras(given.environment_file, people, asked.within)

        def build(pipeline: beam.Pipeline) -> None:
            # Source and sink are made anew: Beam ties a transform to the pipeline that it is in.
            sink = DeliverToCustomerIo(policy, credentials)
            source = ReadAtCursor(key, settings)
            graph.build(pipeline, source, settings, sink, store, extras)

        PROCESS_LEDGER.open(manifest.counts)
        PROCESS_LEDGER.commit()
        cursors.enter(key, cursor)
        try:
            with watching(cursor, stock):
                code = launch.carry_out(lambda: _send(cursor, build, options), options, settings)
        finally:
            cursors.leave(key)
    return _close(cursor, path, code)


def _own(manifest: Path, given: StreamOptions) -> frozenset[str]:
    """Files of the backfill itself, which may lie among the others and are no data."""
    people = given.state_file
    names = (
        manifest,
        given.ledger_file,
        given.settings,
        given.environment_file,
        people,
        # SQLite's own beside it; after a crash it stays.
        people and f"{people}-wal",
    )
    return frozenset(str(Path(name).resolve()) for name in names if name)


def _send(cursor: Cursor, build: graph.Builder, options: PipelineOptions) -> int:
    """Runs generation after generation, until the files or this process are to end."""
    failures = 0
    cursor.rewind()
    while not STOP.is_set():
        try:
            run_once(build, options)
        except Exception as error:
            finality.roll_back(comes_again=True)
            failures += 1
            wait_after(failures, "A piece failed; it is sent again from its beginning", error)
            cursor.rewind()
            continue
        failures = 0
        cursor.settle(cursor.mark(), finished=cursor.exhausted)
        if cursor.exhausted:
            break
    return launch.EXIT_OK if cursor.error is None else launch.EXIT_FAILED


def _close(cursor: Cursor, path: Path, code: int) -> int:
    """Says how it ended; the exit code."""
    manifest = cursor.manifest
    for name, why in manifest.damaged.items():
        print(f"Not read to its end: {name}: {why}")
    if not manifest.finished:
        print(
            f"Stopped after {manifest.counts.get(RECEIVED, 0):,} records. The same command goes on "
            f"from there ({path})."
        )
        return code
    return launch.EXIT_FAILED if manifest.damaged else code


def _nothing_left(path: Path, manifest: Manifest) -> int:
    print(
        f"{path}: all of it was sent before, {manifest.counts.get(RECEIVED, 0):,} records. To send "
        "it again, give another --manifest or delete this one: what was delivered counts once."
    )
    return launch.EXIT_FAILED if manifest.damaged else launch.EXIT_OK


def _on_many_machines(asked: Backfill, options: PipelineOptions, settings: Settings) -> int:
    found = find(asked.source, asked.within)
    policy, credentials = launch.delivery_of(options, settings, hold=True)
    store = launch.store_of(options.view_as(StreamOptions))
    if not _agreed(asked, found, settings, _stock_of(asked, found), Place()):
        return launch.EXIT_USAGE

    def build(pipeline: beam.Pipeline) -> None:
        sink = DeliverToCustomerIo(policy, credentials)
        source = read_shares(found.files)
        graph.build(pipeline, source, settings, sink, store, graph.Extras(within=asked.within))

    launch.submit(build, options)
    return launch.EXIT_OK


def _stock_of(asked: Backfill, found: Found) -> Stock:
    """Opens the archives, and says so first: of many it takes a while."""
    print(f"Looking at {amount(len(found.files), 'file')} of {asked.source} …", flush=True)
    return take_stock(found.files)


def _agreed(asked: Backfill, found: Found, settings: Settings, stock: Stock, start: Place) -> bool:
    """Looks at what is behind `start`, shows what was seen, and asks to send it."""
    now_ms = int(time.time() * 1000)
    seen = look(stock, settings, asked.within, now_ms, start)
    Console().print(render(found, seen, settings, now_ms))
    if asked.yes:
        return True
    if sys.stdin.isatty():
        try:
            if input("Send it? [y/N] ").strip().lower() in ("y", "yes"):
                return True
        except EOFError:
            print()
    print("error: nothing was sent; to send it, give --yes", file=sys.stderr)
    return False


def manifest_path(asked: Backfill, given: StreamOptions) -> Path:
    """Where the place is kept: as asked; else beside the dead letters' files, else in this folder,
    under a name that is the same for the same --from and --settings.
    """
    if asked.manifest:
        return Path(asked.manifest)
    about = [_absolute(asked.source), _absolute(given.settings or "")]
    name = f"backfill-{blake2b(msgspec.json.encode(about), digest_size=4).hexdigest()}.manifest"
    letters = given.dead_letter_files
    if letters and "://" not in letters:
        return Path(letters).parent / name
    return Path(name)


def _absolute(name: str) -> str:
    return name if "://" in name else str(Path(name).absolute())
