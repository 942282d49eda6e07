"""Both ends of a run: the records that wait for it, and the stand-in that counts what arrives."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from benchmarks.accept import Acceptor, accepting
from engines.processes import EngineError, Group
from engines.verdict import Acknowledged

_ANSWER_S = 0.02
"""How long the stand-in takes to answer."""


class Waiting(NamedTuple):
    """Records where a job reads them. Each of them is one event."""

    flag: str
    """How the program is told to read them."""
    variables: Mapping[str, str]
    """What its environment needs for that."""
    acknowledged: Callable[[], int | None]
    """How many records are let go; None where nothing is acknowledged: they stay."""
    requests_per_second: float = 0.0
    """The request budget of the run; 0 is no limit."""


class Look(NamedTuple):
    """How far a run is."""

    arrived: int
    """Different events at the stand-in."""
    acknowledged: int | None
    """Counted before the events were."""
    requests: int = 0
    """Taken by the stand-in, also those that bring nothing new."""


class World:
    """What a run reads from and delivers to. `records`: as many wait."""

    def __init__(self, records: int, waiting: Waiting, acceptor: Acceptor) -> None:
        self.records = records
        self.waiting = waiting
        self._acceptor = acceptor
        self.url = acceptor.url
        self.first_at: float | None = None
        self._looks = 0
        self._ahead = 0
        self._last = Look(0, waiting.acknowledged())

    def look(self) -> Look:
        """Reads what is acknowledged, and then what has arrived."""
        acknowledged = self.waiting.acknowledged()
        events, _people, requests = self._acceptor.progress()
        self._last = Look(events, acknowledged, requests)
        self._looks += 1
        if acknowledged is not None:
            self._ahead = max(self._ahead, acknowledged - self._last.arrived)
        if self._last.arrived and self.first_at is None:
            self.first_at = time.monotonic()
        return self._last

    def over(self, job: Group) -> bool:
        """Whether the end is reached: of a subscription when the last look saw every message
        acknowledged, of files when the job has ended well. Raises EngineError when it ended else.
        """
        bounded = self._last.acknowledged is None
        if job.ended() and not (bounded and job.code(0) == 0):
            raise EngineError(f"{job.name} ended early:\n{job.last_words()}")
        if bounded:
            return job.ended()
        return self._last[:2] == (self.records, self.records)

    def acknowledgements(self) -> Acknowledged | None:
        """What all looks saw of them; None where there are none."""
        if self._last.acknowledged is None:
            return None
        return Acknowledged(self._last.acknowledged, self._ahead, self._looks)

    def again(self) -> int:
        """Events that came once more."""
        return self._acceptor.seen().twice

    def shares(self) -> dict[str, int]:
        """Site id, one for each worker -> operations that came with it."""
        return self._acceptor.seen().senders

    def refuse(self, seconds: float) -> None:
        """The stand-in answers 429 for so long."""
        self._acceptor.refuse(seconds)


@contextmanager
def world(records: int, waiting: Waiting) -> Iterator[World]:
    """A world in which `records` records wait, and nothing has arrived yet."""
    with accepting(_ANSWER_S, arrivals=True) as acceptor:
        yield World(records, waiting, acceptor)
