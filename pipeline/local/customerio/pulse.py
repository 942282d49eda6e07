"""How much arrived in each of the last seconds: the curve on the activity page."""

SECONDS = 60


class Pulse:
    """Counts by second, of the last 60 seconds."""

    def __init__(self) -> None:
        self._counts = [0] * SECONDS
        self._newest = 0

    def beat(self, now: float) -> None:
        """Count one at ``now`` (Unix seconds)."""
        self._advance(int(now))
        self._counts[int(now) % SECONDS] += 1

    def series(self, now: float) -> list[int]:
        """Counts of the last 60 seconds, the present one last."""
        second = int(now)
        self._advance(second)
        return [self._counts[(second + step) % SECONDS] for step in range(1, SECONDS + 1)]

    def _advance(self, second: int) -> None:
        for stale in range(max(self._newest + 1, second - SECONDS + 1), second + 1):
            self._counts[stale % SECONDS] = 0
        self._newest = max(self._newest, second)
