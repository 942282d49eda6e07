"""Counting: plain integers while a bundle runs, reported once when it ends.

A report goes two ways: to Beam's metrics (any runner shows them, and drops those of a bundle that
failed), and to this process's ledger, which a local job prints.
"""

import threading
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from apache_beam.metrics.metric import Metrics

NAMESPACE = "amplitude_to_customerio"
LATENCY = "latency_ms"
LATE_MS = 60_000
"""Above it an operation is late. Amplitude aims at 60 s (p95) for its own event streaming."""
COUNTED_AT_ONCE = ("blocked.credentials", "blocked.endpoint")
"""In this process's ledger from the moment they happen: their bundle may not commit for days."""
_BUCKETS_PER_DOUBLING = 12


_DOUBLINGS = 50
"""Beyond 30 000 years."""
_STARTS = [
    -((-(2**doubling) * (_BUCKETS_PER_DOUBLING + within)) // _BUCKETS_PER_DOUBLING)
    for doubling in range(_DOUBLINGS)
    for within in range(_BUCKETS_PER_DOUBLING)
]
"""The smallest latency, in milliseconds, of each bucket but the first."""

latency_bucket: Callable[[int], int] = partial(bisect_right, _STARTS)
"""Milliseconds -> the logarithmic bucket of a latency; a bucket is at most 9 % wide."""


def bucket_ceiling_ms(bucket: int) -> float:
    """The largest latency, in milliseconds, that falls into a bucket."""
    if bucket == 0:
        return 0.0
    doubling, within = divmod(bucket - 1, _BUCKETS_PER_DOUBLING)
    return float(2**doubling) * (1 + (within + 1) / _BUCKETS_PER_DOUBLING)


class Tally:
    """Counts of one bundle in one DoFn."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.latencies_ms: list[int] = []

    def add(self, name: str, amount: int = 1) -> None:
        """Counts `amount` under `name`, a name of `transforms.reasons`."""
        self.counts[name] += amount

    def report(self) -> None:
        """Hands the counts to Beam and to the process's ledger, and starts again at zero.

        Call it from the bundle's own thread: Beam loses what other threads count.
        """
        for name, amount in self.counts.items():
            if amount:
                Metrics.counter(NAMESPACE, name).inc(amount)
        for name in COUNTED_AT_ONCE:
            self.counts.pop(name, None)
        PROCESS_LEDGER.open(self.counts)
        self.counts = Counter()
        self.report_latencies()

    def report_latencies(self) -> None:
        """Hands on the latencies alone: there is one for every operation, and a file, which is one
        bundle, may have millions.

        Outcomes wait for the end of the bundle. There the stages report one after the other, so
        that at no moment more is settled than was received.
        """
        if self.latencies_ms:
            # As fast as a loop gets.
            deque(map(Metrics.distribution(NAMESPACE, LATENCY).update, self.latencies_ms), maxlen=0)
            PROCESS_LEDGER.open({}, self.latencies_ms)
            self.latencies_ms = []


class ProcessLedger:
    """The counts of this process: those of committed bundles, and those of the bundle under way.

    The source commits when the runner finalises the bundle, that is when nothing of it can be
    undone any more; a bundle that failed is rolled back, for its records come again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._committed: Counter[str] = Counter()
        self._open: Counter[str] = Counter()
        self._committed_latencies: Counter[int] = Counter()
        self._open_latencies: Counter[int] = Counter()

    def open(self, counts: Mapping[str, int], latencies_ms: Iterable[int] = ()) -> None:
        """Adds counts of a bundle that is still under way."""
        with self._lock:
            self._open.update(counts)
            self._open_latencies.update(map(latency_bucket, latencies_ms))

    def commit(self) -> None:
        """Makes the open counts final."""
        with self._lock:
            self._committed.update(self._open)
            self._committed_latencies.update(self._open_latencies)
            self._open.clear()
            self._open_latencies.clear()

    def roll_back(self) -> None:
        """Forgets the open counts."""
        with self._lock:
            self._open.clear()
            self._open_latencies.clear()

    def count_now(self, name: str, amount: int = 1) -> None:
        """Counts what has happened whether or not its bundle commits (an answer 401, a wait)."""
        with self._lock:
            self._committed[name] += amount

    def reset(self) -> None:
        """Starts again at zero."""
        with self._lock:
            for counter in (self._committed, self._open):
                counter.clear()
            self._committed_latencies.clear()
            self._open_latencies.clear()

    def snapshot(self, *, with_open: bool = False) -> tuple[Counter[str], Counter[int]]:
        """Copies of the counts and of the latency buckets; `with_open` adds unfinished bundles."""
        with self._lock:
            counts, latencies = self._committed.copy(), self._committed_latencies.copy()
            if with_open:
                counts.update(self._open)
                latencies.update(self._open_latencies)
            return counts, latencies


PROCESS_LEDGER = ProcessLedger()
