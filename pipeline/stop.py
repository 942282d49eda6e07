"""Stopping: SIGINT and SIGTERM end the reading, and what is in flight is settled."""

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from transforms.progress import PROGRESS, Progress

_LOG = logging.getLogger(__name__)

STOP = threading.Event()
"""The wish to stop, seen by the sources of this process."""

_LOOK_EVERY_S = 0.5


@contextmanager
def stop_on_signals(patience_s: float, progress: Progress = PROGRESS) -> Iterator[None]:
    """Sets STOP on SIGINT and SIGTERM.

    From then on the process may take as long as it gets on: it is ended (status 1) when for
    `patience_s` seconds nothing was settled, and at once by a second signal. What is not settled
    then was not acknowledged.

    `progress`: what is settled is noted there; another one is for tests.
    """
    ended = threading.Event()

    def watch() -> None:
        progress.note()
        # Not in the signal's own handler: that may have come in the middle of another log line.
        _LOG.info("Stopping: nothing more is read, and what is in flight is settled first.")
        while not ended.wait(_LOOK_EVERY_S):
            if progress.idle_s() > patience_s:
                _LOG.error(
                    "What is in flight could not be settled within %g s. It was not acknowledged: "
                    "Pub/Sub gives it again, and files are read again by the same command.",
                    patience_s,
                )
                os._exit(1)

    watcher = threading.Thread(target=watch, name="stop", daemon=True)

    def stop(_number: int, _frame: FrameType | None) -> None:
        if STOP.is_set():
            os._exit(1)
        STOP.set()
        watcher.start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        ended.set()
        for number, handler in before.items():
            signal.signal(number, handler)
