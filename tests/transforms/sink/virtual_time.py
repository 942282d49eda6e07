"""Threads that share a time which passes only while all of them sleep."""

import heapq
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import count


class VirtualTime:
    """A clock and a sleep for several threads, of which one runs at any moment.

    The next to run is the one that wakes first; of two, the one that fell asleep first. So the
    threads do the same in every run, and no real time passes.
    """

    def __init__(self, now: float = 1_000.0) -> None:
        self._now = now
        self._changed = threading.Condition()
        self._asleep: list[tuple[float, int]] = []
        self._naps = count()
        self._awake = 0

    def clock(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._nap((self._now + seconds, next(self._naps)))

    def run(self, bodies: Iterable[Callable[[], None]]) -> None:
        """Runs every body in a thread of its own, the first first; raises what one raised."""
        waiting = [(body, (self._now, next(self._naps))) for body in bodies]
        self._awake = len(waiting)
        with ThreadPoolExecutor(max_workers=len(waiting)) as threads:
            for future in [threads.submit(self._run, *each) for each in waiting]:
                future.result()

    def _run(self, body: Callable[[], None], start: tuple[float, int]) -> None:
        try:
            self._nap(start)
            body()
        finally:
            with self._changed:
                self._awake -= 1
                self._changed.notify_all()

    def _nap(self, until: tuple[float, int]) -> None:
        with self._changed:
            heapq.heappush(self._asleep, until)
            self._awake -= 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._awake == 0 and self._asleep[0] == until)
            heapq.heappop(self._asleep)
            self._now = max(self._now, until[0])
            self._awake = 1
