"""How an outage is measured, and how many failures belong to one."""

from pathlib import Path

from msgspec import Struct

_RETRY_FOR_S, _FIRST_PAUSE_S, _LONGEST_PAUSE_S = 120.0, 0.5, 30.0
_FAILED = b"A bundle failed"


class Plan(Struct, frozen=True):
    """How an outage is measured; times in seconds."""

    mode: str
    rate: float
    """Records a second, from the beginning to the end."""
    burst: int
    """Records at the start: memory has then seen the bundles that a backlog makes."""
    warm_s: float
    beside_s: float
    """How long memory is watched before the outage, and after it."""
    away_s: float = 0.0
    failures: int = 0
    """The outage lasts until so many bundles have failed, and at least `away_s`."""
    factor: float = 1.0
    """What all waits are divided by."""
    hurry: float = 1.0
    """How much faster the broker's clock runs."""


def failures_in(seconds: float) -> int:
    """Bundles that fail in an outage of so many seconds, by the default settings."""
    failures, passed = 0, _RETRY_FOR_S
    while passed <= seconds:
        failures += 1
        passed += min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (failures - 1)) + _RETRY_FOR_S
    return failures


def failures(log: Path) -> int:
    """Bundles that failed, by the log."""
    return log.read_bytes().count(_FAILED)
