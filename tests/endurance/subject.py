"""The program that is measured, and the world that it is measured in, as two processes."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.endurance.world import API_KEY, SITE_ID, SUBSCRIPTION, Addresses, Order, State

_STOP_S = 240.0


class WorldProcess:
    """A world (see `world`), and what it is told. Safe from any thread."""

    def __init__(self, *flags: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.endurance.world", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self._lock = threading.Lock()
        self.addresses = msgspec.json.decode(self._line(), type=Addresses)

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the world has ended; what it said last is above")
        return line

    def tell(self, order: Order) -> State:
        """Has an order carried out; how things are then."""
        assert self._process.stdin is not None
        with self._lock:
            self._process.stdin.write(msgspec.json.encode(order) + b"\n")
            self._process.stdin.flush()
            return msgspec.json.decode(self._line(), type=State)

    def state(self) -> State:
        """How things are."""
        return self.tell(Order())

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def close(self) -> None:
        """Ends it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


class Subject:
    """`python -m MODULE`, the pipeline's own main by default, against a world.

    Log, ledger and dead letters are files in `directory`.
    """

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, Any],
        addresses: Addresses,
        arguments: Sequence[str] = ("-m", "pipeline.main"),
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.log = directory / "log.txt"
        self.ledger = directory / "ledger.json"
        settings_file = directory / "settings.json"
        settings_file.write_bytes(msgspec.json.encode(settings))
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    *arguments,
                    f"--settings={settings_file}",
                    f"--customerio_endpoint={addresses.customerio}",
                    f"--input_subscription={SUBSCRIPTION}",
                    f"--dead_letter_files={directory / 'dead'}",
                    f"--ledger_file={self.ledger}",
                ],
                env=os.environ
                | {
                    "CUSTOMERIO_SITE_ID": SITE_ID,
                    "CUSTOMERIO_API_KEY": API_KEY,
                    "PUBSUB_EMULATOR_HOST": addresses.pubsub,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def stop(self) -> int:
        """Asks it to end (SIGTERM), and kills it when it does not; the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return self._process.wait()
