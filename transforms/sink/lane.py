"""One lane: its requests one after the other, each until it is answered for good."""

import math
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from transforms.progress import PROGRESS
from transforms.sink.alarm import BLOCKED, Alarm, summary
from transforms.sink.answers import Answer, Meaning, Verdict, read_answer, retry_after_s
from transforms.sink.backoff import backoff_s
from transforms.sink.batch import Packer, Pending, Request
from transforms.sink.budget import RequestBudget
from transforms.sink.client import TrackClient

_TOO_MANY_REQUESTS = 429


class Receipt(Struct, frozen=True, gc=False):
    """What became of the items of a request that was answered for good."""

    taken: Sequence[Pending]
    refused: Sequence[tuple[Pending, str]]
    """Each with Customer.io's words."""
    at_ms: int
    """When it answered, Unix milliseconds."""


class DeliveryError(Exception):
    """Items could not be delivered in the time given: their bundle has to be tried again."""


class Lane:
    """Delivers items in their order over one connection.

    `clock` (Unix seconds) and `sleep` (seconds) are for tests.
    """

    def __init__(
        self,
        client: TrackClient,
        budget: RequestBudget,
        alarm: Alarm,
        retry_for_s: float,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.budget = budget
        self.alarm = alarm
        self.retry_for_s = retry_for_s
        self.clock = clock
        self.sleep = sleep
        self.rng = random.Random()

    def begin(self, *, max_items: int, max_bytes: int) -> "Run":
        """Begins to deliver the items of a bundle."""
        return Run(self, Packer(max_items=max_items, max_bytes=max_bytes))

    def close(self) -> None:
        """Closes the connection."""
        self.client.close()


class Run:
    """The items of a bundle in one lane."""

    def __init__(self, lane: Lane, packer: Packer) -> None:
        self._lane = lane
        self._packer = packer
        self.receipts: deque[Receipt] = deque()
        """One a request, with those of its items that are settled by it."""
        self.counts: Counter[str] = Counter()
        self._failure: Exception | None = None

    def deliver(self, pendings: Iterable[Pending], *, last: bool) -> None:
        """Sends items; unless they are the last ones, those that fill no request wait for more.

        Raises DeliveryError; from then on always, for nothing may overtake what was not delivered.
        """
        if self._failure is not None:
            raise self._failure
        try:
            for request in self._packer.pack(pendings):
                self.send(request)
            if last:
                for request in self._packer.rest():
                    self.send(request)
        except Exception as error:
            self._failure = error
            raise

    def send(self, request: Request) -> bool:
        """Gets every item of a request taken or refused; True when all were taken."""
        verdict = self._until_answered(request)
        if verdict.meaning is Meaning.ACCEPTED:
            self._settle(request, verdict.refused)
            return not verdict.refused
        if len(request.pendings) == 1:
            self._settle(request, {0: verdict.detail})
        else:
            self._bisect(request)
        return False

    def _bisect(self, request: Request) -> None:
        first, second = request.halves()
        clean = self.send(first)
        if clean and len(second.pendings) > 1:
            # The first half was taken, so what is at fault is in the second: no need to ask.
            self._bisect(second)
        else:
            self.send(second)

    def _settle(self, request: Request, refused: Mapping[int, str]) -> None:
        pendings = request.pendings
        taken: Sequence[Pending] = pendings
        gone: list[tuple[Pending, str]] = []
        again: list[Pending] = []
        if refused:
            taken, gone, again = _sorted(pendings, refused)
        self.receipts.append(Receipt(taken, gone, int(self._lane.clock() * 1000)))
        if taken:
            name = "first_attempt" if request.tries == 1 else "after_retry"
            self.counts[name] += sum([len(each.parts) or 1 for each in taken])
        for pending in again:
            self.send(Request([pending], request.tries))

    def _until_answered(self, request: Request) -> Verdict:
        """Sends a request until it is accepted or an item of it is at fault."""
        body = request.body()
        failures = 0
        deadline = math.inf
        while True:
            answer = self._attempt(request, body)
            verdict = read_answer(answer, len(request.pendings), self._lane.client.redact)
            if verdict.meaning in (Meaning.ACCEPTED, Meaning.SPLIT):
                PROGRESS.note()
                return verdict
            failures += 1
            if failures == 1:
                deadline = self._lane.clock() + self._lane.retry_for_s
            self._after_failure(answer, verdict, failures, deadline)

    def _attempt(self, request: Request, body: bytes) -> Answer:
        self.counts["throttled_ms"] += int(self._lane.budget.acquire() * 1000)
        request.tries += 1
        self.counts["requests"] += 1
        self.counts["request_bytes"] += len(body)
        self.counts["batch_items"] += len(request.pendings)
        return self._lane.client.post(request.path, body)

    def _after_failure(
        self, answer: Answer, verdict: Verdict, failures: int, deadline: float
    ) -> None:
        """Waits before the next attempt. Raises DeliveryError when the time is over."""
        lane = self._lane
        asked = retry_after_s(answer, lane.clock())
        pause = backoff_s(failures, asked, lane.rng)
        if answer.status == _TOO_MANY_REQUESTS:
            lane.budget.slow_down(pause)
            self.counts["throttled_ms"] += int(pause * 1000)
        lane.alarm.ring(verdict)
        if verdict.meaning in BLOCKED:
            self.counts[BLOCKED[verdict.meaning]] += 1
        left = deadline - lane.clock()
        lane.sleep(max(0.0, min(pause, left)))
        if verdict.meaning is Meaning.CREDENTIALS:
            # After the wait: somebody may have mended them meanwhile.
            unreadable = lane.client.renew_credentials()
            if unreadable is not None:
                lane.alarm.ring_unreadable(unreadable)
        if pause >= left:
            raise DeliveryError(
                f"not delivered within {lane.retry_for_s:g} s; last answer: {summary(verdict)}"
            )


def _sorted(
    pendings: Sequence[Pending], refused: Mapping[int, str]
) -> tuple[list[Pending], list[tuple[Pending, str]], list[Pending]]:
    """What was taken, what was refused for good, and what has to be sent again, one by one.

    One bad identify must not take those that it was made one with: they are. So is an identify that
    stood behind them, although it was taken: sent after it, they would undo it where all of them
    carry the newest time of their person.
    """
    taken: list[Pending] = []
    gone: list[tuple[Pending, str]] = []
    again: list[Pending] = []
    parted: set[str] = set()
    for index, pending in enumerate(pendings):
        if index in refused and pending.parts:
            again += pending.parts
            parted.add(pending.item.person)
        elif index in refused:
            gone.append((pending, refused[index]))
        elif pending.item.identify and pending.item.person in parted:
            again.append(pending)
        else:
            taken.append(pending)
    return taken, gone, again
