"""Publishes records at a steady rate, straight into the broker."""

import threading
import time

from pipeline.local.pubsub.broker import Broker
from tests.endurance.records import Numbered, troubled

_TICK_S = 0.05


class Publisher:
    """A thread that publishes numbered records, and trouble from the catalogue among them.

    `trouble`: its share of the records, 0 to 1.
    """

    def __init__(self, broker: Broker, topic: str, trouble: float) -> None:
        self._broker = broker
        self._topic = topic
        self._trouble_share = trouble
        self._numbered = Numbered()
        self._trouble = troubled()
        self._lock = threading.Lock()
        self._rate = 0.0
        self._due = 0.0
        self._troubled = 0
        self._messages = 0
        threading.Thread(target=self._go_on, name="publisher", daemon=True).start()

    @property
    def numbered(self) -> int:
        """Numbered records published so far."""
        return self._numbered.made

    @property
    def records(self) -> int:
        """All records published so far."""
        return self._numbered.made + self._troubled

    @property
    def messages(self) -> int:
        """Messages published so far."""
        return self._messages

    def at_rate(self, records_per_s: float) -> None:
        """From now on so many records a second; 0: none."""
        with self._lock:
            self._rate = records_per_s

    def publish(self, records: int) -> None:
        """Publishes so many records now."""
        with self._lock:
            self._publish(records)

    def _go_on(self) -> None:
        before = time.monotonic()
        while True:
            time.sleep(_TICK_S)
            now = time.monotonic()
            with self._lock:
                self._due += self._rate * (now - before)
                records = int(self._due)
                self._due -= records
                self._publish(records)
            before = now

    def _publish(self, records: int) -> None:
        drafts = []
        wanted = (self.records + records) * self._trouble_share
        while self._troubled < wanted:
            draft, count = next(self._trouble)
            drafts.append(draft)
            self._troubled += count
            records -= count
        drafts += self._numbered.take(max(0, records))
        if drafts:
            self._messages += len(drafts)
            self._broker.publish(self._topic, drafts)
