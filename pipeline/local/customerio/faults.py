"""Faults on order, and bad weather: what the next requests get.

Deterministic: a fault is used up by the first request that it matches, in the order of the queue;
weather gives the n-th request the same fate for the same seed.
"""

import threading
from collections import Counter, deque
from concurrent.futures import Future
from fnmatch import fnmatchcase

import msgspec

from pipeline.local.customerio.actions import (
    Action,
    Busy,
    Flood,
    Hang,
    ItemErrors,
    Reset,
    Respond,
    Trickle,
    Truncate,
    html_page,
    name_of,
    rate_limited,
    redirect,
    unavailable,
)
from pipeline.local.customerio.weather import Weather

__all__ = [
    "Action",
    "Busy",
    "Fault",
    "Faults",
    "Flood",
    "Hang",
    "ItemErrors",
    "Match",
    "Reset",
    "Respond",
    "Script",
    "Throttle",
    "Trickle",
    "Truncate",
    "Weather",
    "html_page",
    "rate_limited",
    "redirect",
    "unavailable",
]


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which requests: method and path as shell patterns, and a text that the body holds."""

    method: str = "*"
    path: str = "*"
    contains: str = ""

    def covers(self, method: str, path: str, body: bytes) -> bool:
        """Whether this request is meant."""
        return (
            fnmatchcase(method, self.method)
            and fnmatchcase(path, self.path)
            and self.contains.encode() in body
        )


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action for the next ``times`` matching requests; None: until `Faults.clear`."""

    action: Action
    match: Match = Match()
    times: int | None = 1


class Throttle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most ``requests_per_second`` in any second; the others get 429 with Retry-After."""

    requests_per_second: int
    retry_after_s: int = 1


class Script(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /_standin/faults, carried out from top to bottom."""

    clear: bool = False
    release: bool = False
    throttle: Throttle | None = None
    weather: Weather | None = None
    faults: tuple[Fault, ...] = ()


class Faults:
    """The queue of faults, the weather, the throttle, and what hangs. Safe from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: list[tuple[Fault, int | None]] = []
        self._weather: Weather | None = None
        self._weathered = 0
        self._injected: Counter[str] = Counter()
        self._throttle: Throttle | None = None
        self._admitted: deque[float] = deque()
        self._held: set[Future[None]] = set()

    def next(self, action: Action, times: int | None = 1, match: Match | None = None) -> None:
        """Put a fault for the next ``times`` matching requests at the end of the queue."""
        self.add(Fault(action, match or Match(), times))

    def add(self, *faults: Fault) -> None:
        """Put faults at the end of the queue."""
        with self._changed:
            self._queue += [(fault, fault.times) for fault in faults]

    def weather(self, weather: Weather | None) -> None:
        """Let requests that no fault of the queue matches draw from now on; None: fair weather."""
        with self._changed:
            self._weather = weather
            self._weathered = 0

    def throttle(self, requests_per_second: int | None, retry_after_s: int = 1) -> None:
        """Answer 429 above this many requests in any second; None: no limit."""
        with self._changed:
            self._admitted.clear()
            self._throttle = (
                None
                if requests_per_second is None
                else Throttle(requests_per_second, retry_after_s)
            )

    def run(self, script: Script) -> None:
        """Carry out a script."""
        if script.clear:
            self.clear()
        if script.release:
            self.release()
        if script.throttle:
            self.throttle(script.throttle.requests_per_second, script.throttle.retry_after_s)
        if script.weather:
            self.weather(script.weather)
        self.add(*script.faults)

    def clear(self) -> None:
        """Forget queue, weather and throttle. Requests that hang go on hanging."""
        with self._changed:
            self._queue.clear()
            self._weather = None
        self.throttle(None)

    def injected(self) -> dict[str, int]:
        """How often each action was taken, by its `name_of`."""
        with self._changed:
            return dict(sorted(self._injected.items()))

    def pending(self) -> int:
        """Faults in the queue."""
        with self._changed:
            return len(self._queue)

    def take(self, method: str, path: str, body: bytes) -> Action | None:
        """The action for this request: of the queue, used up once, or else of the weather."""
        with self._changed:
            for place, (fault, left) in enumerate(self._queue):
                if fault.match.covers(method, path, body):
                    if left == 1:
                        del self._queue[place]
                    elif left is not None:
                        self._queue[place] = (fault, left - 1)
                    return self._counted(fault.action)
            if self._weather is None:
                return None
            self._weathered += 1
            return self._counted(self._weather.draw(self._weathered))

    def _counted(self, action: Action | None) -> Action | None:
        if action is not None:
            self._injected[name_of(action)] += 1
        return action

    def excess(self, now: float) -> Respond | None:
        """The 429 for a request at ``now`` (monotonic seconds) that is one too many."""
        with self._changed:
            if self._throttle is None:
                return None
            while self._admitted and self._admitted[0] <= now - 1:
                self._admitted.popleft()
            if len(self._admitted) >= self._throttle.requests_per_second:
                return rate_limited(self._throttle.retry_after_s)
            self._admitted.append(now)
            return None

    def hold(self) -> Future[None]:
        """A future that `release` completes; hand it back to `let_go` when the wait is over."""
        with self._changed:
            held: Future[None] = Future()
            self._held.add(held)
            self._changed.notify_all()
            return held

    def let_go(self, held: Future[None]) -> None:
        """The request of this future hangs no more."""
        with self._changed:
            self._held.discard(held)
            self._changed.notify_all()

    def release(self) -> None:
        """Let every hanging request go on."""
        with self._changed:
            held = tuple(self._held)
            self._held.clear()
            self._changed.notify_all()
        for future in held:
            if not future.done():
                future.set_result(None)

    def wait_until_hanging(self, count: int = 1, timeout_s: float = 60.0) -> bool:
        """Wait until at least ``count`` requests hang; False: never in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._held) >= count, timeout_s)
