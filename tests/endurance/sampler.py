"""Samples of a running process: /proc, its ledger, its log, and the world around it, as CSV."""

import csv
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.endurance.world import State

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_MIB = 1024 * 1024


class Sample(NamedTuple):
    """One look at the process and its world. Counts are totals since the start."""

    at_s: float
    """Seconds since sampling began."""
    phase: str
    """What the measurement was doing."""
    rss_mib: float
    """Resident memory, MiB."""
    sockets: int
    fds: int
    """Open file descriptors, the sockets among them."""
    threads: int
    cpu_s: float
    """CPU time of all threads, seconds."""
    log_lines: int
    received: int
    """Records, by the ledger file (rewritten every second)."""
    settled: int
    delivered: int
    published: int
    """Records."""
    undelivered: int
    """Messages."""
    outstanding: int
    """Messages leased to the program."""
    acked: int
    redelivered: int
    requests: int
    """Requests that Customer.io answered."""


class Process(NamedTuple):
    """What /proc says about a process."""

    rss_mib: float
    sockets: int
    fds: int
    threads: int
    cpu_s: float


def read_process(pid: int) -> Process:
    """Reads /proc/PID. Raises OSError when the process is gone."""
    proc = Path("/proc") / str(pid)
    # The name, in parentheses, may hold anything: fields count from behind it.
    stat = (proc / "stat").read_text().rpartition(")")[2].split()
    fds = sockets = 0
    for fd in (proc / "fd").iterdir():
        fds += 1
        try:
            sockets += str(fd.readlink()).startswith("socket:")
        except FileNotFoundError:  # Closed in the meantime.
            fds -= 1
    return Process(
        rss_mib=int((proc / "statm").read_text().split()[1]) * _PAGE / _MIB,
        sockets=sockets,
        fds=fds,
        threads=int(stat[17]),
        cpu_s=(int(stat[11]) + int(stat[12])) / _TICKS_PER_S,
    )


class Sampler:
    """Takes a sample every `every_s` seconds in a thread, into memory and a CSV file.

    `look`: gives the state of the world. `phase` may be set at any time.
    """

    def __init__(
        self,
        pid: int,
        ledger: Path,
        log: Path,
        look: Callable[[], State],
        out: Path,
        every_s: float = 1.0,
    ) -> None:
        self.phase = "start"
        self.samples: list[Sample] = []
        self._pid = pid
        self._ledger = ledger
        self._log = log
        self._look = look
        self._out = out
        self._every_s = every_s
        self._ended = threading.Event()
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._go_on, name="sampler", daemon=True)

    def __enter__(self) -> "Sampler":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def of(self, *phases: str) -> list[Sample]:
        """The samples of some phases."""
        return [sample for sample in self.samples if sample.phase in phases]

    def _go_on(self) -> None:
        with self._out.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(Sample._fields)
            while not self._ended.wait(self._every_s):
                try:
                    sample = self._take()
                except OSError:  # The process has ended.
                    return
                self.samples.append(sample)
                rows.writerow(
                    f"{value:.2f}" if isinstance(value, float) else value for value in sample
                )
                file.flush()

    def _take(self) -> Sample:
        process = read_process(self._pid)
        state = self._look()
        ledger = json.loads(self._ledger.read_text()) if self._ledger.exists() else {}
        with self._log.open("rb") as log:
            lines = sum(1 for _ in log)
        return Sample(
            at_s=time.monotonic() - self._began,
            phase=self.phase,
            **process._asdict(),
            log_lines=lines,
            received=ledger.get("received", 0),
            settled=ledger.get("settled", 0),
            delivered=ledger.get("outcomes", {}).get("delivered", 0),
            published=state.records,
            undelivered=state.broker["undelivered"],
            outstanding=state.broker["outstanding"],
            acked=state.broker["acked"],
            redelivered=state.broker["redelivered"],
            requests=state.customerio["requests"],
        )
