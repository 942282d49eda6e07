"""A shipment: the items of a bundle on their way through the lanes, part after part.

While the lanes deliver one part, the bundle's own thread makes the next one ready. What a part
leaves in a lane that does not fill a request waits for the next part; so requests are full.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, Future, wait
from operator import attrgetter
from typing import Protocol

from transforms.sink.batch import Pending
from transforms.sink.lane import Receipt
from transforms.sink.spread import by_person, by_request

_PARTS_UNDER_WAY = 2
"""One that the lanes deliver, and one behind it, so that no lane waits for the others."""
_by_time = attrgetter("time_ms")


class Run(Protocol):
    """The items of a bundle in one lane; see `transforms.sink.lane.Run`."""

    @property
    def receipts(self) -> deque[Receipt]:
        """What is settled and was not fetched yet."""

    @property
    def counts(self) -> Counter[str]:
        """What was counted on the way."""

    def deliver(self, pendings: Iterable[Pending], *, last: bool) -> None:
        """Takes items on; returns when those that fill requests are delivered."""


class Shipment:
    """`runs`: the bundle's items in each lane; `threads`: the lanes' own.

    `alone`: the most items of a request, when no other bundle is under way in this process.
    `clock` (seconds) is for tests.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        threads: Sequence[Executor],
        alone: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runs = runs
        self._alone = alone
        self._threads = threads
        self._parts: deque[list[Future[None]]] = deque()
        self._used: set[Run] = set()
        self._clock = clock
        self._began: float | None = None
        self._took_s = 0.0

    def send(self, pendings: Iterable[Pending], *, last: bool = False) -> None:
        """Hands a part over to the lanes: each person's items in the order of their time.

        Waits while there are too many parts under way; after the last one, until all is delivered.
        Raises DeliveryError when some could not be delivered; the others have been, then.
        """
        while len(self._parts) >= _PARTS_UNDER_WAY:
            self._wait_for_oldest()
        lanes = len(self._runs)
        if last and not self._used and self._alone is not None:
            spread = by_request(pendings, lanes, self._alone)
        else:
            spread = by_person(pendings, lanes)
        part: list[Future[None]] = []
        for run, thread, waiting in zip(self._runs, self._threads, spread, strict=True):
            if waiting or (last and run in self._used):
                if self._began is None:
                    self._began = self._clock()
                self._used.add(run)
                waiting.sort(key=_by_time)
                part.append(thread.submit(run.deliver, waiting, last=last))
        self._parts.append(part)
        while last and self._parts:
            self._wait_for_oldest()
        if self._began is not None:
            self._took_s = self._clock() - self._began

    def _wait_for_oldest(self) -> None:
        part = self._parts.popleft()
        wait(part)
        failures = [error for future in part if (error := future.exception()) is not None]
        if failures:
            self.abandon()
            raise failures[0]

    def abandon(self) -> None:
        """Sends nothing more, and waits for what is under way."""
        futures = [future for part in self._parts for future in part]
        self._parts.clear()
        # Nobody is told of those that could be cancelled: waiting for them may take for ever.
        wait([future for future in futures if not future.cancel()])

    def receipts(self) -> list[Receipt]:
        """The receipts that came since the last call."""
        found: list[Receipt] = []
        for run in self._used:
            while run.receipts:
                found.append(run.receipts.popleft())
        return found

    def counts(self) -> Counter[str]:
        """What the lanes counted, and `delivering_ms`: how long it took them together.
        `throttled_ms` of a bundle: they wait side by side, so it has waited as long as one of them.
        """
        counts: Counter[str] = Counter()
        for run in self._used:
            counts.update(run.counts)
        waits = (run.counts["throttled_ms"] for run in self._used)
        counts["throttled_ms"] = max(waits, default=0)
        counts["delivering_ms"] = int(self._took_s * 1000)
        return counts
