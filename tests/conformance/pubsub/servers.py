"""The two servers that speak Pub/Sub: our emulator, and Google's pstest. Time passes when told."""

import threading
from pathlib import Path
from subprocess import PIPE, Popen
from typing import NamedTuple, Protocol

from pipeline.local.pubsub import Broker, PubSubEmulator

_HOLD_S = 0.5
"""For which both hold a pull of nothing; pstest's is fixed."""


class Counts(NamedTuple):
    """Of the messages of a topic with one subscription."""

    published: int
    acked: int
    delivered: int
    """Repeats included."""


class PubSubServer(Protocol):
    """A running Pub/Sub whose leases do not end before ``advance``."""

    name: str
    address: str

    def advance(self, seconds: float) -> None:
        """Moves the server's clock."""

    def counts(self, topic: str, subscription: str) -> Counts:
        """What became of a topic's messages so far."""

    def close(self) -> None:
        """Ends the server."""


class Emulator:
    """Ours, in this process."""

    name = "emulator"

    def __init__(self) -> None:
        self._now = 0.0
        self._broker = Broker(lambda: self._now)
        self._server = PubSubEmulator(broker=self._broker, hold_s=_HOLD_S)
        self._server.start()
        self.address = self._server.address

    def advance(self, seconds: float) -> None:
        self._now += seconds
        for config in self._broker.subscriptions("projects/conformance"):
            self._broker.stats(config.name)

    def counts(self, topic: str, subscription: str) -> Counts:
        stats = self._broker.stats(subscription)
        delivered = stats.acked + stats.outstanding + stats.redelivered
        return Counts(stats.published, stats.acked, delivered)

    def close(self) -> None:
        self._server.stop()


class Pstest:
    """Google's, as a process of its own: ``main.go``."""

    name = "pstest"

    def __init__(self, program: Path) -> None:
        self._process = Popen([program], stdin=PIPE, stdout=PIPE, text=True)
        self._lock = threading.Lock()
        self.address = self._line()

    def advance(self, seconds: float) -> None:
        answer = self._ask(f"advance {seconds}")
        assert answer == "ok", answer

    def counts(self, topic: str, subscription: str) -> Counts:
        published, acked, delivered = map(int, self._ask(f"counts {topic}").split())
        return Counts(published, acked, delivered)

    def close(self) -> None:
        self._process.communicate(timeout=60)

    def _ask(self, command: str) -> str:
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{command}\n")
            self._process.stdin.flush()
            return self._line()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, f"pstest has ended with {self._process.wait(timeout=60)}"
        return line
