"""What a run starts, and ends: each process leads a group of its own, with what comes of it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_STOP_S = 15.0
_LOOK_EVERY_S = 0.1


class EngineError(RuntimeError):
    """An engine did not do what a run needs; the text says what, and where to look."""


class Group:
    """A command and all processes that come of it, so that one kill ends them together.

    `log`: the file for what they print.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, variables: Mapping[str, str]
    ) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                env={**os.environ, **variables},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Of the command; also the number of its group."""
        return self._process.pid

    def ended(self) -> bool:
        """Whether the command itself is gone."""
        return self._process.poll() is not None

    def code(self, timeout_s: float) -> int:
        """Waits for the end of the command; its exit code. Raises EngineError."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"{self.name} did not end within {timeout_s:g} s; {self.log}"
            ) from None

    def kill(self) -> None:
        """Ends the whole group at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """Asks the command to end, waits a while, and ends what is left of the group."""
        if not self.ended():
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)
        self.kill()

    def last_words(self, characters: int = 2_000) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-characters:]


def free_port() -> int:
    """A port of this machine that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def await_that(what: str, holds: Callable[[], bool], timeout_s: float, *watched: Group) -> None:
    """Waits until `holds`. Raises EngineError when it takes too long or a watched process ends."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        for group in watched:
            if group.ended():
                raise EngineError(f"{group.name} ended early:\n{group.last_words()}")
        if time.monotonic() > deadline:
            raise EngineError(f"{what}: not within {timeout_s:g} s")
        time.sleep(_LOOK_EVERY_S)


def listens(port: int) -> bool:
    """Whether somebody answers on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
