"""Keeping the place: what is settled goes into the manifest, and nothing else does."""

import logging
import threading
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from pipeline import finality
from pipeline.backfill import manifest as manifests
from pipeline.backfill.feed import Pull, pulls
from pipeline.backfill.find import SourceFile
from pipeline.backfill.manifest import Manifest, Place
from pipeline.stop import STOP
from transforms.tally import PROCESS_LEDGER

_LOG = logging.getLogger(__name__)


class Cursor:
    """Where the backfill of this process reads, and what of that is settled.

    The thread that carries a bundle out takes pulls; the runner's settles them; others look.
    """

    def __init__(self, path: Path, manifest: Manifest, files: tuple[SourceFile, ...]) -> None:
        self._path = path
        self.files = files
        self._lock = threading.Lock()
        self._manifest = manifest
        self._damaged = dict(manifest.damaged)
        self._read_bytes = sum(file.size for file in files[: manifest.place.file])
        self._settled_bytes = self._read_bytes
        self._pulls: Iterator[Pull] = iter(())
        self._taken = manifest.place
        self.exhausted = False
        """True when the files have been read to their end."""
        self.error: OSError | None = None
        """Why the manifest cannot be written any more."""

    @property
    def manifest(self) -> Manifest:
        """What is settled."""
        with self._lock:
            return self._manifest

    @property
    def settled_bytes(self) -> int:
        """Stored bytes of the files up to what is settled."""
        with self._lock:
            return self._settled_bytes

    def rewind(self) -> None:
        """Reads again from what is settled."""
        self._taken = self.manifest.place
        self.exhausted = False
        self._pulls = pulls(self.files, self._taken, STOP.is_set, self._note_damage)

    def take(self) -> Pull | None:
        """The next messages; None at the end, or when this process is to stop."""
        pull = next(self._pulls, None)
        if pull is None:
            self.exhausted = not STOP.is_set()
            return None
        self._taken = pull.place
        self._read_bytes = pull.read_bytes
        return pull

    def mark(self) -> tuple[Place, int]:
        """What was taken so far: give it to `settle` when it is settled."""
        return self._taken, self._read_bytes

    def settle(self, mark: tuple[Place, int], *, finished: bool = False) -> None:
        """Makes the counts final, and writes down that everything before the mark is settled."""
        finality.commit()
        counts, _latencies = PROCESS_LEDGER.snapshot()
        with self._lock:
            self._manifest = replace(
                self._manifest,
                place=mark[0],
                counts={name: amount for name, amount in sorted(counts.items()) if amount},
                damaged=dict(self._damaged),
                finished=finished,
            )
            self._settled_bytes = mark[1]
            if self.error is not None:
                return
            try:
                manifests.write(self._path, self._manifest)
            except OSError as error:
                self.error = error
                _LOG.error(
                    "%s cannot be written: %s. The backfill stops; the manifest's last state holds",
                    self._path,
                    error.strerror,
                )
                STOP.set()

    def _note_damage(self, name: str, why: str) -> None:
        with self._lock:
            if name not in self._damaged:
                _LOG.error("%s. What comes before the damage is sent; the other files go on", why)
            self._damaged[name] = why


_cursors: dict[str, Cursor] = {}
"""By the manifest's path: Beam hands a source on as bytes, within one process."""


def enter(key: str, cursor: Cursor) -> None:
    """Makes a cursor known to this process."""
    _cursors[key] = cursor


def cursor_of(key: str) -> Cursor:
    """The cursor of a key. Raises KeyError."""
    return _cursors[key]


def leave(key: str) -> None:
    """Forgets a cursor."""
    _cursors.pop(key, None)
