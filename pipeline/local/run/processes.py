"""The processes of a local run: started, waited for, and ended by us alone."""

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 200.0


class ProcessError(RuntimeError):
    """A process did not start; the text says which one and what it said last."""


class LocalProcess:
    """`python -m MODULE ARGS` with its output in a log file.

    `announces`: NAME of the line NAME=VALUE that the process prints when it is ready.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str] | None = None,
        announces: str | None = None,
    ) -> None:
        self.module = module
        self.log = log
        self._log_file: IO[bytes] = log.open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if announces else self._log_file,
            stderr=self._log_file,
            env={**os.environ, **(environment or {})},
            # A Ctrl-C in the terminal reaches us alone; we end the others in order.
            start_new_session=True,
        )
        self.announced = self._wait_for(announces) if announces else ""

    def _wait_for(self, name: str) -> str:
        """The VALUE of the line that says that the process is ready."""
        output = self._process.stdout
        assert output is not None
        deadline = time.monotonic() + _START_TIMEOUT_S
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while selector.select(max(0.0, deadline - time.monotonic())):
                line = output.readline().decode().strip()
                if line.startswith(f"{name}="):
                    return line.removeprefix(f"{name}=")
                if not line and self._process.poll() is not None:
                    break
        self.stop()
        raise ProcessError(f"{self.module} did not start:\n{self.tail()}")

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Waits for the end; the exit code."""
        return self._process.wait()

    def stop(self) -> int:
        """Asks the process to end and waits for it; the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        code = self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log_file.close()
        return code

    def tail(self, lines: int = 15) -> str:
        """The last lines of its log."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])
