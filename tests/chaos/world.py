"""What the program meets in a storm: Pub/Sub, Customer.io, and the program itself."""

import gzip
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.pubsub import Broker, Draft, PubSubEmulator, PubSubFaults, SubscriptionConfig
from tests.chaos.evidence import Ledger
from tests.chaos.wanted import Wanted
from tests.end_to_end.harness import SUBSCRIPTION, TOPIC, Program, PubSub

LEASE_S = 120.0
"""Longer than any lease that the program asks for."""
_ACK_DEADLINE_S = 20
LETTERS_TOPIC = "projects/end-to-end/topics/letters"
_LETTERS_AT_ONCE = 1_000
_START_TIMEOUT_S = 240.0


def admit_people(customerio: CustomerIoStandIn, wanted: Wanted) -> None:
    """Makes those known that records name by a cio_id; of others with one it takes nothing."""
    for person in wanted.people:
        kind, _, value = person.partition(":")
        if kind == "cio_id":
            customerio.workspace.admit(value)


class StormyPubSub(PubSub):
    """The emulator with faults, and with clocks that the storm moves.

    `publish_at` is the publish time of what is published next, whole Unix seconds.
    """

    def __init__(self, faults: PubSubFaults | None) -> None:
        self._ahead_s = 0.0
        self.publish_at = 0
        self.broker = Broker(
            clock=lambda: time.monotonic() + self._ahead_s,
            wall_clock_ns=lambda: self.publish_at * 10**9,
        )
        self.broker.create_topic(TOPIC)
        self.broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, _ACK_DEADLINE_S))
        self.broker.create_topic(LETTERS_TOPIC)
        self._letters = self.subscribe(LETTERS_TOPIC)
        self.emulator = PubSubEmulator(broker=self.broker, faults=faults)

    def put(self, drafts: Iterable[Draft]) -> list[str]:
        """Publishes past the network, so that nothing of it goes wrong; the message ids."""
        return self.broker.publish(TOPIC, drafts)

    def letters(self) -> list[str]:
        """All dead letters of the topic, each as it was stored; they are gone from it then."""
        found: list[str] = []
        while deliveries := self.broker.pull(self._letters, _LETTERS_AT_ONCE):
            for delivery in deliveries:
                zipped = delivery.message.attributes.get("content_encoding") == "gzip"
                data = delivery.message.data
                found.append((gzip.decompress(data) if zipped else data).decode())
            self.broker.acknowledge(self._letters, [each.ack_id for each in deliveries])
        return found


class Victim(Program):
    """The program, which may be killed at any moment. Its directory's name is its own name."""

    def __init__(
        self,
        directory: Path,
        settings: dict[str, Any],
        endpoint: str,
        *flags: str,
        pub_sub: PubSub,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            directory, settings, endpoint, *flags, pub_sub=pub_sub, variables=variables
        )
        self._ended_by_itself = True

    def terminate(self) -> None:
        """SIGTERM, to a program that listens for it: one that is still starting would just die."""
        # The ledger's first state is written after that.
        self.wait_for((self.directory / "ledger.json").exists, _START_TIMEOUT_S)
        super().terminate()

    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def strike(self, number: signal.Signals) -> None:
        """SIGKILL, or SIGTERM and the wait for what it does then."""
        if number is signal.SIGKILL:
            self._ended_by_itself = not self.is_running()
            self.kill()
        else:
            self.end()

    def end(self) -> None:
        """SIGTERM to a program that has nothing left to do: it ends by itself, and well."""
        self.terminate()
        self.wait()

    def wait_for(self, check: Callable[[], bool], timeout_s: float) -> bool:
        """Waits until the check holds; False when the time is over or the program has ended."""
        give_up = time.monotonic() + timeout_s
        while self.is_running() and time.monotonic() < give_up:
            if check():
                return True
            time.sleep(0.02)
        return False

    def last_ledger(self) -> Ledger:
        """What it left; call it once it has ended."""
        path = self.directory / "ledger.json"
        text = path.read_text() if path.exists() else None
        return Ledger(self.directory.name, self._ended_by_itself, self.wait(), text)
