"""The ledger's file, kept up to date while a job runs on this machine."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.ledger import write_ledger
from pipeline.options import UsageError

_LOG = logging.getLogger(__name__)
_EVERY_S = 1.0


@contextmanager
def ledger_written(path: Path | None) -> Iterator[None]:
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
        while written and not ended.wait(_EVERY_S):
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
