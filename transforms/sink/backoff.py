"""Exponential backoff with full jitter."""

import random

_FIRST_S = 0.25
_LONGEST_S = 30.0
LONGEST_RETRY_AFTER_S = 300.0
"""A server that asks for a longer pause is asked again after this one."""


def backoff_s(failures: int, retry_after_s: float | None, rng: random.Random) -> float:
    """Seconds to wait after the `failures`-th failure in a row (from 1).

    What the server asks for is the least; the jitter comes on top, so that many workers that were
    told the same do not come back at once.
    """
    ceiling = min(_LONGEST_S, _FIRST_S * 2.0 ** min(failures - 1, 10))
    jitter = rng.uniform(0.0, ceiling)
    if retry_after_s is None:
        return jitter
    return min(retry_after_s, LONGEST_RETRY_AFTER_S) + min(jitter, 1.0)
