"""The file in which one machine keeps its people: opened, locked, checked.

SQLite, in write-ahead mode with an exclusive lock: one process has it, and what was committed
outlives that process, and a power cut as well. The lock is the operating system's, so it goes with
its process however that ends: https://www.sqlite.org/pragma.html#pragma_locking_mode
"""

import os
import sqlite3
from pathlib import Path
from typing import Final

APPLICATION_ID: Final = 0x41324350
"""Where SQLite keeps whose file it is: https://www.sqlite.org/fileformat.html#application_id"""
VERSION: Final = 1
"""Of the tables. That of a person's memory is in the memory itself."""
_OWNER_ONLY = 0o600
_TABLES = f"""
BEGIN;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
CREATE TABLE person (
    key BLOB PRIMARY KEY,
    heard_day INTEGER NOT NULL,
    memory BLOB NOT NULL
);
CREATE INDEX person_heard ON person (heard_day);
CREATE TABLE last_run (settled INTEGER NOT NULL, unsettled_until REAL);
INSERT INTO last_run VALUES (1, NULL);
COMMIT;
"""
"""`heard_day`: days since 1970. `settled`: whether all that the last run began was committed or
undone. `unsettled_until`: Unix seconds; before it a run ended that was not."""


class StateFileError(RuntimeError):
    """The file cannot be used; the text says why, and what to do."""


def open_file(path: str) -> sqlite3.Connection:
    """Opens the file of people for this process alone; makes it when there is none.

    Only its owner can read it from then on. Raises StateFileError.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, _OWNER_ONLY))
    except OSError as error:
        raise _unusable(path, error) from error
    connection = sqlite3.connect(
        path, timeout=0, isolation_level=None, check_same_thread=False, cached_statements=16
    )
    try:
        _prepare(connection, path)
        # One that was there before may be open to others.
        Path(path).chmod(_OWNER_ONLY)
    except (sqlite3.Error, OSError, StateFileError) as error:
        connection.close()
        if isinstance(error, sqlite3.Error):
            raise explained(error, path) from error
        if isinstance(error, OSError):
            raise _unusable(path, error) from error
        raise
    return connection


def _unusable(path: str, error: OSError) -> StateFileError:
    return StateFileError(f"{path} cannot be opened: {error.strerror}")


def _prepare(connection: sqlite3.Connection, path: str) -> None:
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    # An empty read takes no lock, a transaction that may write does.
    connection.execute("BEGIN EXCLUSIVE")
    [application] = connection.execute("PRAGMA application_id").fetchone()
    [version] = connection.execute("PRAGMA user_version").fetchone()
    [tables] = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    connection.execute("COMMIT")
    if application != APPLICATION_ID and (application or tables):
        raise StateFileError(
            f"{path} is a database, but none of this program's; give a path of its own"
        )
    if application and version != VERSION:
        raise StateFileError(
            f"{path} was written by another version of this program (tables {version}, this one "
            f"reads {VERSION}); run that version, or give another path and begin with no memory"
        )
    if not application:
        connection.executescript(_TABLES)
    [finding] = connection.execute("PRAGMA quick_check(1)").fetchone()
    if finding != "ok":
        raise _damaged(path)
    connection.execute("PRAGMA journal_mode = WAL")
    # Messages are acknowledged after a commit: it has to be on the disk by then.
    connection.execute("PRAGMA synchronous = FULL")


def explained(error: sqlite3.Error, path: str) -> StateFileError:
    """What SQLite says, with what to do about it."""
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StateFileError(
            f"{path} is in use by another process; a file of people serves one job at a time"
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return _damaged(path)
    return StateFileError(f"{path} cannot be used: {name or type(error).__name__}")


def _damaged(path: str) -> StateFileError:
    return StateFileError(
        f"{path} is damaged, or no file of people; put a copy in its place, or move it away and "
        "begin with no memory"
    )
