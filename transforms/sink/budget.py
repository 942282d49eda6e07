"""The request budget: at most so many requests a second, shared by all lanes of a process."""

import threading
import time
from collections.abc import Callable

_BURST_S = 0.05
_SLOWEST = 0.05
_RECOVERY_S = 30.0


class RequestBudget:
    """A token bucket (GCRA) whose rate falls when Customer.io answers 429, and recovers.

    `requests_per_second`: this process's share of the job's budget; 0 means no limit. After a 429
    the rate halves, to a twentieth of the share at the least, and grows back in a line to the whole
    share within half a minute.
    """

    def __init__(
        self,
        requests_per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._share = requests_per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._factor = 1.0
        self._factor_at = clock()
        self._next = 0.0
        self._closed_until = 0.0

    def acquire(self) -> float:
        """Waits for the right to send one request; returns the seconds waited."""
        waited = 0.0
        while True:
            with self._lock:
                closed_until = self._closed_until
                wait = self._reserve(self._clock())
            if wait <= 0:
                return waited
            self._sleep(wait)
            waited += wait
            # Whoever waited while a 429 came has to wait for the end of its pause, too.
            if self._closed_until == closed_until:
                return waited

    def _reserve(self, now: float) -> float:
        """Takes the next free moment; returns the seconds until then."""
        start = max(now, self._closed_until)
        if self._share > 0:
            self._next = max(self._next, start - _BURST_S)
            start = max(start, self._next)
            self._next += 1.0 / (self._share * self._recovered(now))
        return start - now

    def slow_down(self, pause_s: float) -> None:
        """A 429 came: no lane sends for `pause_s` seconds, and then more slowly."""
        with self._lock:
            now = self._clock()
            # Requests that were under way together are answered together: they count once.
            if now >= self._closed_until:
                self._factor = max(_SLOWEST, self._recovered(now) / 2)
                self._factor_at = now
            self._closed_until = max(self._closed_until, now + pause_s)

    def _recovered(self, now: float) -> float:
        return min(1.0, self._factor + (now - self._factor_at) / _RECOVERY_S)
