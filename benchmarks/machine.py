"""The machine: what it is, and which of its cores a run may use."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

from msgspec import Struct

CORES = 2
"""All processes of a run share so many."""
_PACKAGES = ("apache-beam", "msgspec", "requests", "google-cloud-pubsub")
_KIB_OF_MEMORY = 1024


class Machine(Struct, frozen=True):
    """What figures depend on."""

    cpu: str
    cores: int
    """Those used."""
    memory_gib: float
    python: str
    system: str
    versions: dict[str, str]

    def line(self) -> str:
        """All of it in one line."""
        packages = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        return (
            f"{self.cpu}, {self.cores} cores used, {self.memory_gib:.0f} GiB, {self.system}, "
            f"Python {self.python}, {packages}"
        )


def this_machine() -> Machine:
    """The machine that this runs on."""
    return Machine(
        cpu=_cpu(),
        cores=len(cores()),
        memory_gib=memory_kib("MemTotal") / 1024 / 1024,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
        versions={name: version(name) for name in _PACKAGES},
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_kib(name: str) -> int:
    """A line of /proc/meminfo, KiB; 0 where there is none."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)


def cores() -> list[int]:
    """The numbers of the cores that this process may use; empty where nobody can say."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))


def keep_to(numbers: list[int], pid: int = 0) -> None:
    """Keeps a process (this one by default), and those that it starts, to some cores.

    Does nothing where a system cannot, or where there are none to choose from.
    """
    if numbers and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, numbers)


def first_core() -> list[int]:
    """The core for what is measured."""
    return cores()[:1]


def other_core() -> list[int]:
    """The core for what answers; the same one where there is no other."""
    return cores()[1:2] or cores()


def peak_mib(pid: int | str = "self") -> float:
    """Peak resident memory of a process's own, MiB, from /proc/PID/status.

    Not getrusage: that begins with what the process had that it was forked from. Raises OSError
    when the process is gone or the system has no /proc.
    """
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return kib / _KIB_OF_MEMORY
