"""Publishing at a steady rate by a schedule that waits for nobody.

Every record has a time at which it is due, and its latency counts from then, whenever it really
left: a server that stands still for a second delays all records of that second, and all of them are
counted so (no coordinated omission).
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.pubsub import Publisher, request

_TICK_S = 0.005
"""Records that are due within so long leave in one request."""


class Schedule(NamedTuple):
    """When what was due."""

    due_at: list[float]
    """Unix seconds of each record."""
    latest_s: float
    """How late the one left that left latest."""


def publish(publisher: Publisher, lines: Sequence[bytes], rate: float) -> Schedule:
    """Publishes `rate` records a second; when each was due."""
    began = time.time() + _TICK_S
    due_at = [began + number / rate for number in range(len(lines))]
    calls = []
    latest_s = 0.0
    sent = 0
    while sent < len(lines):
        time.sleep(max(_TICK_S, due_at[sent] - time.time()))
        now = time.time()
        end = sent
        while end < len(lines) and due_at[end] <= now:
            end += 1
        if end > sent:
            calls.append(publisher.begin(request(lines[sent:end])))
            latest_s = max(latest_s, time.time() - due_at[sent])
            sent = end
    for call in calls:
        call.result()
    return Schedule(due_at, latest_s)
