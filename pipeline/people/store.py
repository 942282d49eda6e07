"""The people of this process: read from the file on demand, written back when a bundle is final.

A bundle's changes are one transaction. It is committed where the bundle's messages are about to be
acknowledged, and rolled back where they come again.
"""

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice

from pipeline.people.file import explained, open_file
from pipeline.people.kept import Kept
from transforms.memory.person import Person, decode_person, encode_person

_KEPT_BYTES = 16 * 1024 * 1024
_CHANGED = 5_000
"""Persons that a bundle may change before they are written, within its transaction. A file is one
bundle, and may be about millions."""
_EXPIRED_AT_ONCE = 200
"""Persons that one commit deletes at the most."""
_KEYS_AT_ONCE = 500
_DAY_S = 86_400
_CLOCKS_S = 300.0
"""By which Pub/Sub's clock and this machine's may differ."""


class FileOfPeople:
    """An open file of people. `days`: for how long a person is kept of whom nothing is heard.

    `clock` (Unix seconds) is for tests. Raises StateFileError, here and in every method.
    """

    def __init__(self, path: str, days: int, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._days = days
        self._clock = clock
        self._kept = Kept(_KEPT_BYTES)
        # FnApiRunner works on bundles, and finalises them, in threads of its own.
        self._lock = threading.RLock()
        self._connection = open_file(path)
        self._in_transaction = False
        self._undone = self._left_undone = False
        with self._guarded():
            [(settled, until)] = self._connection.execute(
                "SELECT settled, unsettled_until FROM last_run"
            )
            self._unsettled = not settled
            self._unsettled_until: float | None = until
            if not settled:
                self._unsettled_until = clock() + _CLOCKS_S
            self._connection.execute(
                "UPDATE last_run SET settled = 0, unsettled_until = ?", (self._unsettled_until,)
            )

    @property
    def last_run_was_cut_off(self) -> bool:
        """Whether the run before this one ended in the middle of a bundle."""
        return self._unsettled

    def get(self, keys: Collection[bytes]) -> dict[bytes, Person]:
        """Those of these people that are known."""
        with self._lock:
            found = {key: person for key in keys if (person := self._kept.get(key)) is not None}
            missing = iter([key for key in keys if key not in found])
            while some := list(islice(missing, _KEYS_AT_ONCE)):
                found.update(self._read(some))
            return found

    def _read(self, keys: list[bytes]) -> Iterator[tuple[bytes, Person]]:
        marks = ",".join("?" * len(keys))
        with self._guarded():
            rows = self._connection.execute(
                f"SELECT key, memory FROM person WHERE heard_day >= ? AND key IN ({marks})",
                (self._oldest_day(), *keys),
            ).fetchall()
        for key, memory in rows:
            person = decode_person(memory)
            self._kept.hold(key, person, len(memory))
            yield key, person

    def put(self, changed: Mapping[bytes, Person]) -> None:
        """Remembers people as they are now; undone when their bundle fails."""
        with self._lock:
            for key, person in changed.items():
                self._kept.change(key, person)
            if self._kept.changes >= _CHANGED:
                self._write()

    def may_be_unsettled(self, published_s: float | None) -> bool:
        """Whether an update may belong to a bundle that was sent, and then lost by a crash.

        `published_s`: when its message was published, Unix seconds; None for a line of a file.
        """
        if self._undone:
            # Tried again, its records may come in other batches, and be worked on in another order.
            return True
        if published_s is None:
            return self._unsettled
        return self._unsettled_until is not None and published_s < self._unsettled_until

    def commit(self) -> None:
        """Makes the changes final."""
        with self._lock:
            self._write()
            if self._in_transaction:
                with self._guarded():
                    self._delete_expired()
                    self._connection.execute("COMMIT")
                self._in_transaction = False
            self._undone = False

    def roll_back(self, *, comes_again: bool) -> None:
        """Forgets the changes. `comes_again`: their records are the next that this process reads.

        If not, others may overtake them: it is as if this process had begun after a crash. If they
        do, it is like that until the next commit.
        """
        with self._lock:
            self._kept.clear()
            self._undone = True
            if not comes_again:
                self._left_undone = self._unsettled = True
            if self._in_transaction:
                self._in_transaction = False
                with self._guarded():
                    # SQLite may have done so itself, after a full disk for example.
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        """Gives the file free; what was not committed is undone."""
        with self._lock:
            if self._kept.changes or self._in_transaction:
                self.roll_back(comes_again=False)
            with self._guarded():
                if not (self._undone or self._left_undone):
                    self._connection.execute("UPDATE last_run SET settled = 1")
                self._connection.close()

    def _write(self) -> None:
        rows: list[tuple[bytes, int, bytes]] = []
        today = int(self._clock() // _DAY_S)
        for key, person in self._kept.take_changed():
            memory = encode_person(person)
            rows.append((key, today, memory))
            self._kept.hold(key, person, len(memory))
        if not rows:
            return
        with self._guarded():
            if not self._in_transaction:
                self._connection.execute("BEGIN IMMEDIATE")
                self._in_transaction = True
            self._connection.executemany(
                "INSERT INTO person VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET "
                "heard_day = excluded.heard_day, memory = excluded.memory",
                rows,
            )

    def _delete_expired(self) -> None:
        self._connection.execute(
            "DELETE FROM person WHERE key IN (SELECT key FROM person WHERE heard_day < ? LIMIT ?)",
            (self._oldest_day(), _EXPIRED_AT_ONCE),
        )

    def _oldest_day(self) -> int:
        return int(self._clock() // _DAY_S) - self._days

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise explained(error, self._path) from error
