"""When this process last got something settled, for those who wait for it to finish."""

import time


class Progress:
    """The moment, on the monotonic clock, at which Customer.io last took or refused an item."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def note(self) -> None:
        """Something was settled now."""
        self._at = time.monotonic()

    def idle_s(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self._at


PROGRESS = Progress()
