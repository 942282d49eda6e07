"""Everything around the program that is measured, as a process of its own.

`python -m tests.endurance.world`: Pub/Sub, the stand-in of Customer.io, and who publishes. It
prints its addresses as one line of JSON, and then answers each line of JSON that it reads (see
`Order`) with a line of JSON (`State`). It ends with its input.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.customerio.faults import Action, Hang, ItemErrors, Reset, Respond, unavailable
from pipeline.local.customerio.faults import rate_limited as too_many
from pipeline.local.pubsub.emulator import PubSubEmulator
from pipeline.local.pubsub.model import SubscriptionConfig, SubscriptionStats
from tests.endurance.away import AWAY, back
from tests.endurance.census import KEPT_EVENTS, Census, Count
from tests.endurance.publisher import Publisher
from tests.endurance.watched import Handling, WatchedBroker

SITE_ID, API_KEY = "site-of-the-tests", "key-of-the-tests"
TOPIC = "projects/endurance/topics/amplitude"
SUBSCRIPTION = "projects/endurance/subscriptions/stream"
_LEASE_S = 20
_LOOK_EVERY_S = 0.5
_REQUESTS_A_FAULT = 100

FAULTS: tuple[Action, ...] = (
    unavailable(503),
    too_many(1),
    Reset(),
    Reset(apply=True),
    Respond(500, apply=True),
    Hang(0.5),
    unavailable(502),
    ItemErrors((0,), 207),
)
"""Taken in turn. The last one refuses an item for good: it becomes a dead letter."""


class Order(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the world is to do, carried out from top to bottom."""

    away: str | None = None
    """A mode of `away.AWAY`."""
    back: bool = False
    publish: int = 0
    """Records to publish at once."""
    rate: float | None = None
    """Records to publish each second from now on."""
    faults: bool | None = None
    """Whether one request in a hundred gets a fault."""


class Addresses(Struct, frozen=True):
    """Where the servers listen."""

    pubsub: str
    """HOST:PORT"""
    customerio: str
    """http://HOST:PORT"""


class State(Struct, frozen=True):
    """How things are."""

    records: int
    """Published, trouble included."""
    numbered: int
    """Published, without trouble."""
    broker: dict[str, int]
    """See `SubscriptionStats`."""
    handling: Handling
    customerio: dict[str, int]
    """The stand-in's counters."""
    answers: dict[str, int]
    """Its answers by status; 0: none."""
    census: Count


class World:
    """The servers and the publisher. `hurry`: how much faster than ours the broker's clock runs."""

    def __init__(self, trouble: float, hurry: float) -> None:
        self.broker = WatchedBroker(clock=lambda: time.monotonic() * hurry)
        self.broker.create_topic(TOPIC)
        self.broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, _LEASE_S))
        self.emulator = PubSubEmulator(broker=self.broker)
        self.stand_in = CustomerIoStandIn(SITE_ID, API_KEY, keep_events=KEPT_EVENTS)
        self.publisher = Publisher(self.broker, TOPIC, trouble)
        self._census = Census(self.stand_in.workspace)
        self._lock = threading.Lock()
        self._mode: str | None = None
        self._faulty = False
        self._faults = self._next_fault_at = 0

    def start(self) -> Addresses:
        """Starts the servers and the look-out."""
        self.emulator.start()
        self.stand_in.start()
        threading.Thread(target=self._look_out, name="look-out", daemon=True).start()
        return Addresses(self.emulator.address, self.stand_in.url)

    def carry_out(self, order: Order) -> State:
        """Does as ordered; how things are then."""
        if order.away is not None:
            AWAY[order.away](self.stand_in)
            self._mode = order.away
        if order.back and self._mode is not None:
            back(self.stand_in, self._mode)
            self._mode = None
        if order.publish:
            self.publisher.publish(order.publish)
        if order.rate is not None:
            self.publisher.at_rate(order.rate)
        if order.faults is not None:
            self._faulty = order.faults
            self._next_fault_at = self.stand_in.workspace.counters().requests
        return self._state()

    def _state(self) -> State:
        with self._lock:
            self._census.look()
            stats: SubscriptionStats = self.broker.stats(SUBSCRIPTION)
            return State(
                records=self.publisher.records,
                numbered=self.publisher.numbered,
                broker=stats._asdict(),
                handling=self.broker.handling(),
                customerio=msgspec.structs.asdict(self.stand_in.workspace.counters()),
                answers={str(k): n for k, n in self.stand_in.workspace.answers().items()},
                census=self._census.count(),
            )

    def _look_out(self) -> None:
        while True:
            time.sleep(_LOOK_EVERY_S)
            with self._lock:
                self._census.look()
                requests = self.stand_in.workspace.counters().requests
                while self._faulty and requests >= self._next_fault_at:
                    self._next_fault_at += _REQUESTS_A_FAULT
                    self.stand_in.faults.next(FAULTS[self._faults % len(FAULTS)])
                    self._faults += 1


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs until the input ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.endurance.world")
    parser.add_argument("--trouble", type=float, default=0.0, help="its share of the records")
    parser.add_argument("--hurry", type=float, default=1.0, help="speed of the broker's clock")
    given = parser.parse_args(arguments)
    world = World(given.trouble, given.hurry)
    _say(world.start())
    decoder = msgspec.json.Decoder(Order)
    for line in sys.stdin:
        _say(world.carry_out(decoder.decode(line)))
    # Requests that hang and pulls that are held are of no interest any more.
    os._exit(0)


def _say(what: Struct) -> None:
    print(msgspec.json.encode(what).decode(), flush=True)


if __name__ == "__main__":
    main()
