"""Known: what this process has told Customer.io before, so that it is not told again.

Only a saving: nothing is lost when it is forgotten, and another process tells it once more. So it
is kept in memory, and bounded.
"""

import threading
from collections.abc import Hashable, Mapping
from typing import Any

MAX_KNOWN = 100_000
"""Entries of a process; about 30 MB."""


class Known:
    """Keys and values; over its size, what was asked for least recently goes first.

    For any number of threads.
    """

    def __init__(self, size: int = MAX_KNOWN) -> None:
        self._size = size
        self._lock = threading.Lock()
        # In the order of use: a dictionary keeps the order in which its keys came.
        self._entries: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._entries)

    def get(self, key: Hashable) -> Any:
        """The value; None when it was never there, or is forgotten."""
        with self._lock:
            value = self._entries.pop(key, None)
            if value is not None:
                self._entries[key] = value
            return value

    def update(self, entries: Mapping[Hashable, Any]) -> None:
        """Adds entries; none of them may be None."""
        with self._lock:
            for key, value in entries.items():
                self._entries.pop(key, None)
                self._entries[key] = value
            while len(self._entries) > self._size:
                del self._entries[next(iter(self._entries))]


class Learned:
    """What is known within a bundle: what was known before, and what it tells itself.

    What it tells counts for its own records at once, and for others after `keep`: a bundle that
    fails is tried again, and has to tell all of it again.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._own: dict[Hashable, Any] = {}

    def get(self, key: Hashable) -> Any:
        """The value; None when it is not known."""
        own = self._own.get(key)
        return self._known.get(key) if own is None else own

    def note(self, key: Hashable, value: Any) -> None:
        """Adds an entry; the value may not be None."""
        self._own[key] = value

    def keep(self) -> None:
        """The bundle has ended well."""
        self._known.update(self._own)


_of_workspaces: dict[str, Known] = {}
_lock = threading.Lock()


def known_of(workspace: str) -> Known:
    """What this process has told a workspace of Customer.io, whichever text names it."""
    with _lock:
        return _of_workspaces.setdefault(workspace, Known())
