"""When this process last got something settled, for those who wait for it to finish."""

import time
from collections.abc import Callable


class Progress:
    """The moment at which Customer.io last took or refused an item.

    `clock` (seconds, never going back) is for tests.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at = clock()

    def note(self) -> None:
        """Something was settled now."""
        self._at = self._clock()

    def idle_s(self) -> float:
        """Seconds since then."""
        return self._clock() - self._at


PROGRESS = Progress()
