"""Runs the real program as a process of its own, against servers on this machine."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import pytest
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.types import BatchSettings

from pipeline.local.pubsub.broker import Broker
from pipeline.local.pubsub.emulator import PubSubEmulator
from pipeline.local.pubsub.model import Consumer, Delivery, SubscriptionConfig

SITE_ID, API_KEY = "site-of-the-tests", "key-of-the-tests"
TOPIC = "projects/end-to-end/topics/amplitude"
SUBSCRIPTION = "projects/end-to-end/subscriptions/stream"
PUBLISHED_AT = 1_700_000_000
"""The publish time, Unix seconds, of every message."""
_PATIENCE_S = 240.0


class _Broker(Broker):
    """Knows how many pulls are open."""

    def __init__(self, clock: Callable[[], float], wall_clock_ns: Callable[[], int]) -> None:
        super().__init__(clock, wall_clock_ns)
        self._pulls = 0
        self._closed = threading.Condition()

    def pull(
        self,
        subscription: str,
        max_messages: int,
        wait_s: float = 0.0,
        consumer: Consumer | None = None,
    ) -> list[Delivery]:
        with self._closed:
            self._pulls += 1
        try:
            return super().pull(subscription, max_messages, wait_s, consumer)
        finally:
            with self._closed:
                self._pulls -= 1
                self._closed.notify_all()

    def wait_until_nobody_pulls(self) -> None:
        """Waits until no pull is open."""
        with self._closed:
            assert self._closed.wait_for(lambda: self._pulls == 0, _PATIENCE_S)


class PubSub:
    """The emulator with one topic and one subscription.

    Its clock stands still but for `pass_time`: no lease ends because a machine is slow.
    """

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self.broker: Broker = _Broker(
            clock=lambda: self._ahead_s,
            wall_clock_ns=lambda: PUBLISHED_AT * 10**9,
        )
        self.broker.create_topic(TOPIC)
        self.broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, 20))
        self.emulator = PubSubEmulator(broker=self.broker)

    def subscribe(self, topic: str) -> str:
        """A subscription to another topic; its name."""
        name = topic.replace("/topics/", "/subscriptions/")
        self.broker.create_subscription(SubscriptionConfig(name, topic, 20))
        return name

    def pass_time(self, seconds: float) -> None:
        """Moves the broker's clock: leases of a process that was killed end."""
        self._ahead_s += seconds
        self.broker.stats(SUBSCRIPTION)

    def wait_until_left(self) -> None:
        """Waits until the emulator knows that a process is gone, the only one that pulled.

        Messages that come or come again before are handed to it, and leased to nobody.
        """
        assert isinstance(self.broker, _Broker)
        self.broker.wait_until_nobody_pulls()

    def wait_for_acks(self, messages: int) -> None:
        """Waits until so many messages are acknowledged in all."""
        deadline = time.monotonic() + _PATIENCE_S
        while (stats := self.broker.stats(SUBSCRIPTION)).acked < messages:
            assert time.monotonic() < deadline, stats
            time.sleep(0.05)

    def publish(self, messages: Iterable[bytes]) -> None:
        """Publishes messages and waits until the broker has them."""
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("PUBSUB_EMULATOR_HOST", self.emulator.address)
            client = PublisherClient(BatchSettings(max_messages=500, max_latency=0.02))
        for future in [client.publish(TOPIC, data) for data in messages]:
            future.result(timeout=_PATIENCE_S)
        client.stop()
        client.transport.close()


@contextmanager
def pub_sub() -> Iterator[PubSub]:
    """A running emulator."""
    server = PubSub()
    with server.emulator:
        yield server


class Recorder:
    """A server that takes everything and remembers every request."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                recorder.requests.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Recorder":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def items(self) -> list[tuple[str, dict[str, Any]]]:
        """Every operation with the endpoint it came by, in the v2 shape."""
        found: list[tuple[str, dict[str, Any]]] = []
        for path, body in self.requests:
            content = json.loads(body)
            if path == "/api/v2/batch":
                found += [("v2", item) for item in content["batch"]]
            else:
                person = unquote(path.split("/")[4])
                kind = "cio_id" if person.startswith("cio_") else "email" if "@" in person else "id"
                content |= {
                    "type": "person",
                    "action": "event",
                    "identifiers": {kind: person.removeprefix("cio_")},
                    "attributes": content.pop("data"),
                }
                found.append(("v1", content))
        return found


def patient(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, with the longest time for a request unless they name one.

    A request that a slow machine makes the program give up is sent twice, and counts as two.
    """
    delivery = {"request_timeout_s": 300, **settings.get("delivery", {})}
    return {**settings, "delivery": delivery}


class Program:
    """`python -m pipeline.main` in a directory of its own."""

    _started: ClassVar[list["Program"]] = []

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, Any],
        endpoint: str,
        *flags: str,
        pub_sub: PubSub | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._log = directory / "log.txt"
        settings_file = directory / "settings.json"
        settings_file.write_text(json.dumps(patient(settings)))
        environment = os.environ | {"CUSTOMERIO_SITE_ID": SITE_ID, "CUSTOMERIO_API_KEY": API_KEY}
        environment.pop("PUBSUB_EMULATOR_HOST", None)
        environment.update(variables or {})
        arguments = [
            f"--settings={settings_file}",
            f"--customerio_endpoint={endpoint}",
            f"--ledger_file={directory / 'ledger.json'}",
            *flags,
        ]
        if pub_sub is not None:
            environment["PUBSUB_EMULATOR_HOST"] = pub_sub.emulator.address
            arguments.append(f"--input_subscription={SUBSCRIPTION}")
        if not any(flag.startswith("--dead_letter") for flag in flags):
            arguments.append(f"--dead_letter_files={directory / 'dead'}")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline.main", *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

        self._started.append(self)

    @classmethod
    def end_all(cls) -> None:
        """Ends every program that still runs."""
        while cls._started:
            cls._started.pop().kill()

    def wait(self) -> int:
        """Waits for the end; the exit code."""
        return self._process.wait(_PATIENCE_S)

    def finish(
        self, pub_sub: PubSub, subscription: str = SUBSCRIPTION, acked: int | None = None
    ) -> int:
        """Waits until messages are acknowledged, asks for the end, and waits for it; the exit code.

        `acked`: how many in all; None: every message that was published.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            stats = pub_sub.broker.stats(subscription)
            if stats.acked >= (stats.published if acked is None else acked):
                break
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, f"{stats}\n{self.log()}"
            time.sleep(0.05)
        self.terminate()
        return self.wait()

    def kill(self) -> None:
        """Ends it as kill -9 does."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def log(self) -> str:
        """What it printed."""
        return self._log.read_text(errors="replace")

    def wait_for_log(self, text: str, times: int) -> None:
        """Waits until it has said something so many times; fails when it ends before."""
        deadline = time.monotonic() + _PATIENCE_S
        while self.log().count(text) < times:
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)

    def ledger(self) -> dict[str, Any]:
        """The ledger that it wrote last."""
        content: dict[str, Any] = json.loads((self.directory / "ledger.json").read_text())
        return content

    def dead_letters(self) -> list[dict[str, Any]]:
        """All dead letters in files of its directory."""
        return [
            json.loads(line)
            for path in sorted(self.directory.glob("dead-*.jsonl"))
            for line in path.read_bytes().splitlines()
        ]
