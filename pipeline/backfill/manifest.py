"""The manifest: what a backfill reads, how far it has come, and what became of the records so far.

A file of JSON, replaced as a whole: whoever is killed leaves the last one that was written, which
is true. What was delivered after it is sent again, under the same ids.
"""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from pipeline.backfill import fingerprint
from pipeline.backfill.amounts import in_time
from pipeline.backfill.find import SourceFile
from pipeline.backfill.fingerprint import Fingerprint
from pipeline.preview.words import listed
from transforms.filter import TimeRange

_VERSION: Final = 2
_INCLUDE: Final = "events.include"


class ManifestError(Exception):
    """A manifest is damaged, or of another backfill; the text says what to do."""


class Place(Struct, frozen=True):
    """A place in the files: everything before it is settled."""

    file: int = 0
    """Its number among the files."""
    text: int = 0
    """The number of a file in an archive; 0 where the file is none."""
    line: int = 0
    """The last line that is settled, counted from 1; 0: none yet."""


class Work(Struct, frozen=True):
    """What a manifest is about: another work needs another manifest."""

    files: tuple[SourceFile, ...]
    settings: Fingerprint
    """What the settings say about what is sent, and where."""
    within: TimeRange | None
    events: tuple[str, ...] | None


class Manifest(Struct, frozen=True, kw_only=True):
    """A backfill, as far as it has come."""

    version: int = _VERSION
    work: msgspec.Raw
    """Encoded once: of many files it is large, and it never changes."""
    place: Place = Place()
    counts: Mapping[str, int] = {}
    """The ledger's, of all runs, up to the place."""
    damaged: Mapping[str, str] = {}
    """Name of a file that could not be read to its end -> why."""
    finished: bool = False


def begin(work: Work) -> Manifest:
    """The manifest of a backfill that has not begun."""
    return Manifest(work=msgspec.Raw(msgspec.json.encode(work)))


def read(path: Path, work: Work) -> Manifest:
    """The manifest of a work, or a new one where there is none. Raises ManifestError."""
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        if manifest.version != _VERSION:
            raise ManifestError(f"{path} is of another version of this program{_ANEW}")
        before = msgspec.json.decode(manifest.work, type=Work)
    except FileNotFoundError:
        return begin(work)
    except OSError as error:
        raise ManifestError(f"{path} cannot be read: {error.strerror}") from error
    except msgspec.MsgspecError as error:
        raise ManifestError(f"{path} is no manifest of a backfill ({error}){_ANEW}") from error
    differences = list(_differences(before, work))
    if differences:
        raise ManifestError(f"{path} belongs to another backfill: {'; '.join(differences)}{_ANEW}")
    return manifest


_ANEW: Final = (
    ". To go on where it stands, begin with the same files, settings and range; to begin anew, "
    "give another --manifest or delete this one: what was delivered counts once"
)


def _differences(before: Work, now: Work) -> Iterator[str]:
    if before.events != now.events:
        yield f"--events was {_names(before.events)}, is {_names(now.events)}"
    # It narrows events.include, and was told.
    kept = {_INCLUDE: before.settings.get(_INCLUDE)} if before.events != now.events else {}
    yield from fingerprint.differences(before.settings, {**now.settings, **kept})
    old_range, new_range = before.within or TimeRange(), now.within or TimeRange()
    for flag, was_ms, is_ms in (
        ("--since", old_range.since_ms, new_range.since_ms),
        ("--until", old_range.until_ms, new_range.until_ms),
    ):
        if was_ms != is_ms:
            yield f"{flag} was {_time(was_ms)}, is {_time(is_ms)}"
    old = {file.path: file for file in before.files}
    new = {file.path: file for file in now.files}
    for words, paths in (
        ("is gone", [path for path in old if path not in new]),
        ("is new", [path for path in new if path not in old]),
        ("has changed", [path for path in old if path in new and old[path] != new[path]]),
    ):
        if paths:
            more = f" (and {len(paths) - 1} more)" if len(paths) > 1 else ""
            yield f"{paths[0]} {words}{more}"


def _names(events: tuple[str, ...] | None) -> str:
    return "not given" if events is None else listed(events)


def _time(time_ms: int | None) -> str:
    return "not given" if time_ms is None else in_time(time_ms)


def write(path: Path, manifest: Manifest) -> None:
    """Replaces the manifest by this one, which is then safe. Raises OSError.

    A reader sees the one before or this one, never half of it.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    # Made anew: whatever somebody else put in its place, a link for one, is not written through.
    draft.unlink(missing_ok=True)
    try:
        with draft.open("xb") as file:
            file.write(msgspec.json.encode(manifest) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        # Else the name may go on meaning the old one after a power cut.
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Holds a manifest for this process; a process that dies lets go of it.

    Raises ManifestError when another process holds it, or when its folder cannot be written to.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ManifestError(f"{path} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ManifestError(
            f"{path} is in use: another backfill goes on with it; wait for its end, or stop it"
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)
