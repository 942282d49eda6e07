"""The lanes of a process: how many requests are under way, and who waits for whom."""

import threading
from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from transforms.sink.alarm import Alarm
from transforms.sink.budget import RequestBudget
from transforms.sink.client import TrackClient
from transforms.sink.keyring import Credentials, Keyring
from transforms.sink.lane import Lane
from transforms.sink.shipment import Shipment


class DeliveryPolicy(Struct, frozen=True):
    """How a process delivers; sizes in bytes, times in seconds."""

    endpoint: str
    max_batch_items: int = 100
    max_batch_bytes: int = 475_000
    requests_per_second: float = 100.0
    """This process's share of the job's request budget; 0: no limit."""
    lanes: int = 16
    request_timeout_s: float = 10.0
    retry_for_s: float = 120.0
    one_bundle_at_a_time: bool = False
    """In this process. Then any lane may take a person, and requests are fuller."""


_kept: dict[tuple["DeliveryPolicy", Credentials], tuple[RequestBudget, Alarm]] = {}
"""Outlives the lanes: a bundle that failed must not forget how long Customer.io asked to wait."""


class Lanes:
    """Threads with a connection each. One person's items take the same one, as long as any of them
    is under way.

    So the items of a person leave in order, also when an earlier request is still being retried and
    whichever bundle they come from, while the other lanes go on.
    """

    def __init__(self, policy: DeliveryPolicy, credentials: Credentials) -> None:
        self._policy = policy
        self.budget, alarm = _kept.setdefault(
            (policy, credentials), (RequestBudget(policy.requests_per_second), Alarm())
        )
        keyring = Keyring(credentials)
        self._lanes = [
            Lane(
                TrackClient(policy.endpoint, keyring, policy.request_timeout_s),
                self.budget,
                alarm,
                policy.retry_for_s,
            )
            for _ in range(policy.lanes)
        ]
        self._threads = [
            ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"lane-{number}")
            for number in range(policy.lanes)
        ]

    def begin(self) -> "Shipment":
        """Begins to deliver a bundle."""
        return Shipment(
            [
                lane.begin(
                    max_items=self._policy.max_batch_items, max_bytes=self._policy.max_batch_bytes
                )
                for lane in self._lanes
            ],
            self._threads,
            self._policy.max_batch_items if self._policy.one_bundle_at_a_time else None,
        )

    def close(self) -> None:
        """Ends the threads and closes their connections."""
        for thread in self._threads:
            thread.shutdown(wait=True, cancel_futures=True)
        for lane in self._lanes:
            lane.close()


_lock = threading.Lock()
_open: dict[tuple[DeliveryPolicy, Credentials], tuple[Lanes, int]] = {}


def acquire(policy: DeliveryPolicy, credentials: Credentials) -> Lanes:
    """The process's lanes for a policy and credentials, which are compared as values.

    Every DoFn of the process shares them. Give them back.
    """
    with _lock:
        key = policy, credentials
        lanes, users = _open.get(key) or (Lanes(policy, credentials), 0)
        _open[key] = (lanes, users + 1)
        return lanes


def release(policy: DeliveryPolicy, credentials: Credentials) -> None:
    """Gives back what `acquire` gave; the last one to do so closes the lanes."""
    with _lock:
        key = policy, credentials
        lanes, users = _open.pop(key)
        if users > 1:
            _open[key] = (lanes, users - 1)
            return
    lanes.close()
