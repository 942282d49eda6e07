"""Watching a backfill: a bar in a terminal, else a line now and then."""

import logging
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from pipeline.backfill.amounts import in_time_left
from pipeline.backfill.cursor import Cursor
from pipeline.backfill.stock import Stock
from transforms.reasons import RECEIVED

_LOG = logging.getLogger(__name__)
_BAR_EVERY_S: Final = 0.5
LINE_EVERY_S: Final = 10.0


class Pace:
    """How fast a backfill goes, from what was settled since it was begun or gone on with."""

    def __init__(self, cursor: Cursor, stock: Stock) -> None:
        self._cursor = cursor
        self._stock = stock
        self._began_at = time.monotonic()
        self._records = cursor.manifest.counts.get(RECEIVED, 0)
        self._bytes = cursor.settled_bytes
        self.total_bytes = sum(file.size for file in cursor.files)

    def line(self, now: float) -> str:
        """What is settled, how fast, and what is left. `now`: monotonic seconds."""
        manifest, settled = self._cursor.manifest, self._cursor.settled_bytes
        records = manifest.counts.get(RECEIVED, 0)
        elapsed = max(now - self._began_at, 1e-3)
        rate = (records - self._records) / elapsed
        gained = settled - self._bytes
        left = in_time_left((self.total_bytes - settled) * elapsed / gained) if gained > 0 else "?"
        return (
            f"{records:,} records, {self._stock.settled(manifest.place)}, "
            f"{rate:,.0f} records/s, {left} left"
        )


@contextmanager
def watching(cursor: Cursor, stock: Stock) -> Iterator[None]:
    """Shows how far a backfill is, until the end of the context."""
    pace = Pace(cursor, stock)
    ended = threading.Event()
    show = _bar if sys.stderr.isatty() else _lines
    thread = threading.Thread(target=show, args=(cursor, pace, ended), name="watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _lines(_cursor: Cursor, pace: Pace, ended: threading.Event) -> None:
    while not ended.wait(LINE_EVERY_S):
        _LOG.info("Settled: %s", pace.line(time.monotonic()))


def _bar(cursor: Cursor, pace: Pace, ended: threading.Event) -> None:
    columns = (
        TextColumn("settled"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=pace.total_bytes)
        while not ended.wait(_BAR_EVERY_S):
            words = pace.line(time.monotonic())
            bar.update(task, completed=cursor.settled_bytes, description=words)
