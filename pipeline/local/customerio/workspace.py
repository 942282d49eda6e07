"""A workspace that any thread may read: state, counters, refusals, log of requests."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Reversible
from itertools import islice
from typing import Any, TypeVar

import msgspec

from pipeline.local.customerio.fields import Problem, seconds_or_none
from pipeline.local.customerio.objects import Thing
from pipeline.local.customerio.people import Person
from pipeline.local.customerio.pulse import Pulse
from pipeline.local.customerio.records import (
    Counters,
    Event,
    Identify,
    Refusal,
    Rejection,
    RequestLine,
)
from pipeline.local.customerio.search import SEARCHED, Kept, holds
from pipeline.local.customerio.state import Outcome, State

_KEPT_REJECTIONS = 10_000
_KEPT_REQUESTS = 10_000
_KEPT_TEXT = 2_000
_KEPT_REFUSALS = 100_000

Item = TypeVar("Item")
Searched = TypeVar("Searched", bound=Kept)


class Workspace:
    """What was delivered and what Customer.io would have made of it.

    ``clock`` gives Unix seconds. ``keep_events`` bounds how many events, and how many identifies,
    are kept (None: all); counters and the memory of event ids are not bounded by it. Everything
    handed out is a copy.
    """

    def __init__(
        self, clock: Callable[[], float] = time.time, keep_events: int | None = None
    ) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._counters = Counters()
        self._state = State(self._counters, keep_events)
        self._pulse = Pulse()
        self._problems = 0
        self._answers: Counter[int] = Counter()
        self._identifies: deque[Identify] = deque(maxlen=keep_events)
        self._refusals: deque[Refusal] = deque(maxlen=_KEPT_REFUSALS)
        self._rejections: deque[Rejection] = deque(maxlen=_KEPT_REJECTIONS)
        self._requests: deque[RequestLine] = deque(maxlen=_KEPT_REQUESTS)

    def apply(self, operation: Mapping[str, Any]) -> Outcome:
        """Carry out one valid operation and count what became of it."""
        with self._changed:
            now = self._clock()
            outcome = self._state.apply(operation, now)
            self._counters.items += 1
            if operation["type"] == "person" and operation["action"] == "identify":
                self._identifies.append(_identify(operation, outcome))
            match outcome:
                case "applied":
                    self._counters.applied += 1
                    self._pulse.beat(now)
                case "duplicate":
                    self._counters.duplicate_events += 1
                case "stale":
                    self._counters.ignored_stale_identifies += 1
                case "ignored":
                    self._counters.ignored_operations += 1
            return outcome

    def reject(self, problems: Iterable[Problem], raw: bytes, index: int = 0) -> None:
        """Note that one item was refused; ``raw`` is its JSON, ``index`` its place in the batch."""
        text = raw[: 4 * _KEPT_TEXT].decode("utf-8", "replace")[:_KEPT_TEXT]
        with self._changed:
            now = self._clock()
            self._counters.items += 1
            self._counters.rejected += 1
            for problem in problems:
                self._problems += 1
                self._rejections.append(
                    Rejection(
                        sequence=self._problems,
                        received=now,
                        index=index,
                        reason=problem.reason,
                        field=problem.field,
                        message=problem.message,
                        operation=text,
                    )
                )

    def note_refusal(self, refusal: Refusal) -> None:
        """Remember an item that an answer on order called refused."""
        with self._changed:
            self._refusals.append(refusal)

    def admit(self, cio_id: str) -> None:
        """Let a person be known already, under an id that Customer.io gave them."""
        with self._changed:
            self._state.people.admit(cio_id, self._clock())

    def log(self, line: RequestLine) -> None:
        """Note a finished request and wake those who wait."""
        with self._changed:
            self._counters.requests += 1
            self._counters.unauthorized += line.status == 401
            self._counters.throttled += line.status == 429
            self._answers[line.status] += 1
            self._requests.append(line)
            self._changed.notify_all()

    def wait_until(self, check: Callable[["Workspace"], bool], timeout_s: float = 60.0) -> bool:
        """Wait until ``check`` holds, looking again after each request; False: never in time."""
        with self._changed:
            return self._changed.wait_for(lambda: check(self), timeout_s)

    def counters(self) -> Counters:
        """The counters of this moment."""
        with self._changed:
            return msgspec.structs.replace(self._counters)

    def answers(self) -> dict[int, int]:
        """Requests by the status that they were answered with (0: none)."""
        with self._changed:
            return dict(self._answers)

    def people(self, limit: int | None = None, wanted: str = "") -> list[Person]:
        """Profiles by their latest change, the newest last; the last ``limit`` of them.

        ``wanted``, here and below: only of those that hold a text (`search.holds`).
        """
        with self._changed:
            return [person.copy() for person in _found(self._state.people, limit, wanted)]

    def person(self, **identifier: str) -> Person | None:
        """One profile by id=, email= or cio_id=."""
        with self._changed:
            found = self._state.people.find(identifier)
            return found.copy() if found else None

    def events(self, limit: int | None = None, wanted: str = "") -> list[Event]:
        """Events in the order of arrival; the last ``limit`` of them."""
        with self._changed:
            return [
                msgspec.structs.replace(event)
                for event in _found(self._state.events, limit, wanted)
            ]

    def identifies(self) -> list[Identify]:
        """Identifies of people in the order of arrival, also those without effect."""
        with self._changed:
            return list(self._identifies)

    def refusals(self) -> list[Refusal]:
        """Items that answers on order called refused, in order (100,000 are kept)."""
        with self._changed:
            return list(self._refusals)

    def objects(self, limit: int | None = None, wanted: str = "") -> list[Thing]:
        """Objects, the oldest first; the last ``limit`` of them."""
        with self._changed:
            return [
                msgspec.structs.replace(thing, attributes=dict(thing.attributes))
                for thing in _found(self._state.objects, limit, wanted)
            ]

    def rejections(self, limit: int | None = None, wanted: str = "") -> list[Rejection]:
        """Problems of refused items in order (10,000 are kept); the last ``limit`` of them."""
        with self._changed:
            return _found(self._rejections, limit, wanted)

    def requests(self, limit: int | None = None) -> list[RequestLine]:
        """The request log in order (10,000 are kept); the last ``limit`` lines."""
        with self._changed:
            return _last(self._requests, limit)

    def pulse(self) -> list[int]:
        """Applied items in each of the last 60 seconds, the present one last."""
        with self._changed:
            return self._pulse.series(self._clock())

    def summary(self) -> dict[str, Any]:
        """Counters by name, with the numbers of people, events, objects, and the answers."""
        with self._changed:
            return {
                **msgspec.structs.asdict(self._counters),
                "people": len(self._state.people),
                "events": self._state.events_received,
                "objects": len(self._state.objects),
                "answers": {str(status): count for status, count in self._answers.items()},
            }


def _last(items: Reversible[Item], limit: int | None) -> list[Item]:
    return list(islice(reversed(items), limit))[::-1]


def _found(items: Reversible[Searched], limit: int | None, wanted: str) -> list[Searched]:
    if not wanted:
        return _last(items, limit)
    searched = islice(reversed(items), SEARCHED)
    return list(islice((item for item in searched if holds(item, wanted)), limit))[::-1]


def _identify(operation: Mapping[str, Any], outcome: Outcome) -> Identify:
    return Identify(
        identifiers=operation["identifiers"],
        attributes=operation.get("attributes") or {},
        timestamp=seconds_or_none(operation.get("timestamp")),
        outcome=outcome,
    )
