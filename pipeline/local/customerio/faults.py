"""Faults on order: what the next requests get instead of, or besides, their answer.

Deterministic: a fault is used up by the first request that it matches, in the order of the queue.
The classes are also the JSON of POST /_standin/faults, told apart by their field "do".
"""

import threading
from collections import deque
from concurrent.futures import Future
from fnmatch import fnmatchcase
from typing import Literal

import msgspec


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


class _Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    """Common settings of the actions below."""


class Respond(_Action, frozen=True, tag="respond"):
    """Answer this; ``apply`` carries the request out nevertheless, unseen by the sender."""

    status: int
    headers: dict[str, str] = {}
    body: str = ""
    content_type: str = "application/json"
    apply: bool = False


class Reset(_Action, frozen=True, tag="reset"):
    """Reset the connection without an answer, before or after the request was carried out."""

    apply: bool = False


class Hang(_Action, frozen=True, tag="hang"):
    """Wait ``seconds`` (None: until `Faults.release`), then answer as usual.

    ``apply_first`` carries the request out before the wait. A request whose sender has left
    meanwhile is carried out all the same.
    """

    seconds: float | None = None
    apply_first: bool = False


class ItemErrors(_Action, frozen=True, tag="item_errors"):
    """Refuse the items at ``indexes`` of a v2 request, in an ``errors`` array; apply the others.

    With status 200 it is the answer that a careless client takes for a success. An index beyond
    the batch is reported as it stands. Requests of version 1 are answered as usual.
    """

    indexes: tuple[int, ...]
    status: Literal[200, 207] = 200
    reason: str = "invalid"
    field: str = "attributes"
    message: str = "refused by a scripted fault"


Action = Respond | Reset | Hang | ItemErrors


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
    faults: tuple[Fault, ...] = ()


def rate_limited(retry_after_s: int | None = 1) -> Respond:
    """429, with Retry-After unless None."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return Respond(429, headers, '{"meta":{"error":"too many requests"}}')


def unavailable(status: int = 503) -> Respond:
    """A server error with an HTML body, as a proxy in between would send it."""
    return html_page(status)


def redirect(location: str, status: int = 302) -> Respond:
    """Another address."""
    return Respond(status, {"Location": location})


def html_page(status: int) -> Respond:
    """A page where JSON was expected."""
    page = f"<html><body><h1>Error {status}</h1></body></html>"
    return Respond(status, body=page, content_type="text/html")


class Faults:
    """The queue of faults, the throttle, and the requests that hang. Safe from any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._queue: list[tuple[Fault, int | None]] = []
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
        self.add(*script.faults)

    def clear(self) -> None:
        """Forget queue and throttle. Requests that hang go on hanging."""
        with self._changed:
            self._queue.clear()
        self.throttle(None)

    def pending(self) -> int:
        """Faults in the queue."""
        with self._changed:
            return len(self._queue)

    def take(self, method: str, path: str, body: bytes) -> Action | None:
        """The action for this request, used up once."""
        with self._changed:
            for place, (fault, left) in enumerate(self._queue):
                if fault.match.covers(method, path, body):
                    if left == 1:
                        del self._queue[place]
                    elif left is not None:
                        self._queue[place] = (fault, left - 1)
                    return fault.action
            return None

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

    def wait_until_hanging(self, count: int = 1, timeout_s: float = 10.0) -> bool:
        """Wait until at least ``count`` requests hang; False: never in time."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._held) >= count, timeout_s)
