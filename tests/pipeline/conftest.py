"""What the tests of the job share: a process at its start, and a Pub/Sub that can be watched."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import ClassVar

import pytest

from pipeline.local.pubsub import (
    Broker,
    Delivery,
    Draft,
    PubSubEmulator,
    SubscriptionConfig,
    SubscriptionStats,
)
from pipeline.local.pubsub.errors import PubSubError
from pipeline.local.pubsub.model import Consumer
from pipeline.sources.sessions import close_session, session_of
from pipeline.stop import STOP
from transforms.records import DeadLetter
from transforms.tally import PROCESS_LEDGER, ProcessLedger

TOPIC = "projects/tests/topics/amplitude"
SUBSCRIPTION = "projects/tests/subscriptions/stream"
PUBLISHED_AT = 1_700_000_000.25
"""The publish time of every message, Unix seconds."""
PATIENCE_S = 120.0
"""Whoever waits so long for an event waits in vain."""


class PubSub(Broker):
    """A broker whose time stands still, and which remembers what it was asked.

    It has TOPIC and SUBSCRIPTION, with an acknowledgement deadline of 10 s. `emulator` serves it.
    """

    def __init__(self) -> None:
        self.now = 1_000.0
        self.refusal: PubSubError | None = None
        """What acknowledgements are answered with."""
        self.pulls = 0
        self.acknowledged: list[str] = []
        self.deadlines: list[tuple[int, frozenset[str]]] = []
        self._asked = threading.Condition()
        # Of its own: a session reads this clock while it holds its own lock.
        self._clock_lock = threading.Lock()
        self.waiting = 0
        """Pulls that wait because there is nothing to give them."""
        self._waited_s = 0.0
        self._waiting_since = 0.0
        super().__init__(lambda: self.now, lambda: int(PUBLISHED_AT * 4) * 250_000_000)
        self.create_topic(TOPIC)
        self.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC))
        self.emulator = PubSubEmulator(broker=self, hold_s=60.0)

    def put(self, *texts: str) -> list[str]:
        """Publishes messages; their ids."""
        return self.publish(TOPIC, [Draft(text.encode(), {"text": text}) for text in texts])

    def counts(self) -> SubscriptionStats:
        """What became of the messages up to now."""
        return self.stats(SUBSCRIPTION)

    def pass_time(self, seconds: float) -> None:
        """Moves the clock; leases that are over by then end."""
        self.now += seconds
        self.counts()

    def until(self, happened: Callable[[], bool]) -> None:
        """Waits until it has happened, looking again after every request."""
        with self._asked:
            assert self._asked.wait_for(happened, PATIENCE_S), self.counts()

    def until_pulled(self, pulls: int) -> None:
        """Opens the process's session of SUBSCRIPTION, and waits until it has so many pulls.

        It has them as soon as it asks for one more.
        """
        session_of(SUBSCRIPTION)
        self.until(lambda: self.pulls > pulls)

    def waited_s(self) -> float:
        """Seconds for which pulls have waited because there was nothing to give them."""
        with self._clock_lock:
            waiting_s = time.monotonic() - self._waiting_since if self.waiting else 0.0
            return self._waited_s + waiting_s

    @contextmanager
    def _a_pull_waits(self) -> Iterator[None]:
        with self._clock_lock:
            if not self.waiting:
                self._waiting_since = time.monotonic()
            self.waiting += 1
        self._tell()
        try:
            yield
        finally:
            with self._clock_lock:
                self.waiting -= 1
                if not self.waiting:
                    self._waited_s += time.monotonic() - self._waiting_since

    def pull(
        self,
        subscription: str,
        max_messages: int,
        wait_s: float = 0.0,
        consumer: Consumer | None = None,
    ) -> list[Delivery]:
        self.pulls += 1
        self._tell()
        deliveries = super().pull(subscription, max_messages, 0.0, consumer)
        if not deliveries and wait_s:
            with self._a_pull_waits():
                deliveries = super().pull(subscription, max_messages, wait_s, consumer)
        self._tell()
        return deliveries

    def acknowledge(self, subscription: str, ack_ids: Iterable[str]) -> None:
        if self.refusal is not None:
            raise self.refusal
        ack_ids = list(ack_ids)
        super().acknowledge(subscription, ack_ids)
        self.acknowledged += ack_ids
        self._tell()

    def modify_ack_deadline(self, subscription: str, ack_ids: Sequence[str], seconds: int) -> None:
        super().modify_ack_deadline(subscription, ack_ids, seconds)
        self.deadlines.append((seconds, frozenset(ack_ids)))
        self._tell()

    def _tell(self) -> None:
        with self._asked:
            self._asked.notify_all()


class HookedStore:
    """A store that does what a test wants: of the class, for instances are pickled."""

    on_write: ClassVar[Callable[[list[DeadLetter]], None]]

    def open(self) -> None:
        """Nothing to open."""

    def write(self, letters: Sequence[tuple[DeadLetter, bytes]]) -> None:
        """Hands the letters to the test."""
        HookedStore.on_write([letter for letter, _line in letters])

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """What a command sets up for its process ends with its test."""
    names = ("pipeline", "apache_beam.runners.worker", "apache_beam.runners.common")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.fixture
def pub_sub(monkeypatch: pytest.MonkeyPatch) -> Iterator[PubSub]:
    """A Pub/Sub that runs, and where the clients of this process find it.

    A session is idle for as long as its pull waits here. By the clock on the wall, one whose first
    pull is slow to arrive would be idle too, and a job that ends then would have read nothing.
    """
    broker = PubSub()
    clock = SimpleNamespace(monotonic=broker.waited_s)
    monkeypatch.setattr("pipeline.sources.session.time", clock)
    with broker.emulator:
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", broker.emulator.address)
        yield broker
        close_session(SUBSCRIPTION)


@pytest.fixture
def fresh_process() -> Iterator[ProcessLedger]:
    """What a process has once: its ledger at zero, and no wish to stop."""
    STOP.clear()
    PROCESS_LEDGER.reset()
    yield PROCESS_LEDGER
    STOP.clear()
    PROCESS_LEDGER.reset()
