"""The program that is measured, as a process of its own."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.machine import peak_mib
from benchmarks.pubsub import SUBSCRIPTION
from benchmarks.settings import API_KEY, SITE_ID, page

_STOP_S = 150.0
_POLL_S = 0.05
_LAST_WORDS = 2_000
_LEDGER = "ledger.json"


class ProgramError(RuntimeError):
    """The program ended when it should not have, or otherwise than it should."""


class Program:
    """A command with PUBSUB_EMULATOR_HOST and credentials in its environment.

    `log`: the file for what it prints; `ledger`: that of its ledger, where it writes one.
    """

    def __init__(
        self, command: Sequence[str], log: Path, pubsub: str, ledger: Path | None = None
    ) -> None:
        self._log = log
        self._ledger = ledger
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                env=os.environ
                | {
                    "PUBSUB_EMULATOR_HOST": pubsub,
                    "CUSTOMERIO_SITE_ID": SITE_ID,
                    "CUSTOMERIO_API_KEY": API_KEY,
                },
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def alive(self) -> None:
        """Raises ProgramError when it has ended."""
        if self._process.poll() is not None:
            raise self._error("ended early")

    @property
    def has_ledger(self) -> bool:
        """Whether it writes one."""
        return self._ledger is not None

    def is_up(self) -> bool:
        """Whether it has written its first ledger; it begins to read soon after that."""
        assert self._ledger is not None
        return self._ledger.exists()

    def received(self) -> int:
        """Records that it has read, up to a second ago."""
        return self._count("received")

    def settled(self) -> int:
        """Records that it is done with, up to a second ago."""
        return self._count("settled")

    def _count(self, name: str) -> int:
        if not self.is_up():
            return 0
        assert self._ledger is not None
        count: int = msgspec.json.decode(self._ledger.read_bytes())[name]
        return count

    def peak_mib(self) -> float:
        """Its peak resident memory so far, MiB."""
        self.alive()
        return peak_mib(self._process.pid)

    def stop(self) -> None:
        """Asks it to end and waits; what is in flight is settled. Raises ProgramError."""
        self.alive()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            raise self._error(f"did not stop within {_STOP_S:g} s") from None
        if self._process.returncode:
            raise self._error("failed")

    def kill(self) -> None:
        """Ends it at once."""
        self._process.kill()
        self._process.wait()

    def _error(self, what: str) -> ProgramError:
        words = self._log.read_text(errors="replace")[-_LAST_WORDS:]
        return ProgramError(
            f"the program {what} (exit code {self._process.returncode}); it said:\n{words}"
        )


def wait_until_settled(programs: Sequence[Program], records: int) -> None:
    """Waits until they are done with so many records together: no request of these comes any more.

    Raises ProgramError when one of them has ended.
    """
    while sum(program.settled() for program in programs) < records:
        for program in programs:
            program.alive()
        time.sleep(_POLL_S)


def command(directory: Path, url: str, *flags: str, **delivery: float) -> list[str]:
    """How the pipeline is started on the subscription; its files go to `directory`.

    `delivery`: keys of the settings that differ.
    """
    settings_file = directory / "settings.json"
    settings_file.write_bytes(msgspec.json.encode(page(**delivery)))
    return [
        sys.executable,
        "-m",
        "pipeline.main",
        f"--settings={settings_file}",
        f"--customerio_endpoint={url}",
        f"--input_subscription={SUBSCRIPTION}",
        f"--dead_letter_files={directory / 'dead'}",
        f"--ledger_file={directory / _LEDGER}",
        *flags,
    ]


@contextmanager
def running(
    pubsub: str, url: str, *flags: str, observed: bool = False, **delivery: float
) -> Iterator[Program]:
    """The pipeline on the subscription; killed in the end if it still runs.

    `observed`: py-spy may look into it.
    """
    with tempfile.TemporaryDirectory(prefix="program-") as name:
        directory = Path(name)
        words = command(directory, url, *flags, **delivery)
        if observed:
            words[2:2] = ["benchmarks.observed"]
        program = Program(words, directory / "log.txt", pubsub, directory / _LEDGER)
        try:
            yield program
        finally:
            program.kill()
