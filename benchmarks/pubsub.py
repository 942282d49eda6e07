"""Pub/Sub: the emulator as a process of its own, and who publishes to it."""

import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import grpc
from google.pubsub_v1 import types

from benchmarks.inputs import Portion

TOPIC = "projects/benchmarks/topics/amplitude"
SUBSCRIPTION = "projects/benchmarks/subscriptions/stream"
MESSAGES = 500
"""Messages of a publish request, one record each."""
_LEASE_S = 60
_IN_FLIGHT = 4
_TIMEOUT_S = 60.0
_NAME = "PUBSUB_EMULATOR_HOST="


@contextmanager
def emulator() -> Iterator[str]:
    """Runs an emulator with the topic and the subscription; its HOST:PORT."""
    command = [sys.executable, "-m", "pipeline.local.pubsub", f"--topic={TOPIC}"]
    command += [f"--subscription={SUBSCRIPTION}", f"--ack_deadline_s={_LEASE_S}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline().strip()
        if not line.startswith(_NAME):
            raise RuntimeError("the Pub/Sub emulator did not start; what it said is above")
        yield line.removeprefix(_NAME)
    finally:
        # Held pulls are of no interest any more.
        process.kill()
        process.wait()
        process.stdout.close()


def requests(lines: Iterable[bytes], messages: int = MESSAGES) -> Iterator[bytes]:
    """Publish requests for lines, encoded, with so many messages each."""
    waiting = iter(lines)
    while some := list(islice(waiting, messages)):
        yield request(some)


def request(lines: Sequence[bytes]) -> bytes:
    """One publish request, encoded."""
    encoded: bytes = types.PublishRequest.pb()(
        topic=TOPIC, messages=[{"data": line} for line in lines]
    ).SerializeToString()
    return encoded


class Publisher:
    """Publishes over one connection, with the raw protocol: it must not cost what is measured."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(
            address,
            [("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)],
        )
        self._publish: Any = self._channel.unary_unary("/google.pubsub.v1.Publisher/Publish")

    def publish(self, encoded: Iterable[bytes]) -> None:
        """Publishes requests, a few at a time, and waits for the last one."""
        free = threading.Semaphore(_IN_FLIGHT)
        calls: list[Any] = []
        for each in encoded:
            free.acquire()
            call = self.begin(each)
            call.add_done_callback(lambda _: free.release())
            calls = [older for older in calls if not older.done()] + [call]
            for older in calls:
                if older.done():
                    older.result()
        for call in calls:
            call.result()

    def publish_all(self, portion: Portion) -> None:
        """Publishes the records of a portion."""
        self.publish(requests(portion.lines()))

    def begin(self, encoded: bytes) -> Any:
        """Sends a request and does not wait; the call, whose `result` raises when it failed."""
        return self._publish.future(encoded, timeout=_TIMEOUT_S)

    def close(self) -> None:
        """Closes the connection."""
        self._channel.close()


@contextmanager
def publisher(address: str) -> Iterator[Publisher]:
    """A publisher that is closed in the end."""
    each = Publisher(address)
    try:
        yield each
    finally:
        each.close()
