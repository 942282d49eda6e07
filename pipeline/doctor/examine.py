"""The checks one after the other, each for a limited time."""

import time
from collections.abc import Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, NamedTuple

from pipeline.doctor.checks import Check
from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, red

EACH_S: Final = 20.0
TOTAL_S: Final = 60.0


class Line(NamedTuple):
    """One line of the report."""

    check: str
    finding: Finding


def examine(
    facts: Facts, checks: Sequence[Check], each_s: float = EACH_S, total_s: float = TOTAL_S
) -> Iterator[Line]:
    """The findings, as they come. A check that hangs for `each_s` is one; `total_s` ends them all.

    Each runs in a thread of its own: looking a name up, or opening a file of a network, waits for
    as long as the system likes, and cannot be called off.
    """
    end = time.monotonic() + total_s
    for check in checks:
        limit_s = max(0.0, min(each_s, end - time.monotonic()))
        for finding in _findings(check, facts, limit_s):
            yield Line(check.name, finding)


def _findings(check: Check, facts: Facts, limit_s: float) -> list[Finding]:
    found: SimpleQueue[list[Finding]] = SimpleQueue()
    # A daemon: the program ends without it.
    Thread(target=lambda: found.put(_run(check, facts)), daemon=True).start()
    try:
        return found.get(timeout=limit_s)
    except Empty:
        return [
            red(
                f"no end of it within {limit_s:.3g} s",
                "check the network, DNS, firewall and proxy, and network file systems",
            )
        ]


def _run(check: Check, facts: Facts) -> list[Finding]:
    try:
        return check.run(facts)
    except Exception as error:
        # Its text may hold anything.
        return [
            red(f"the check itself failed ({type(error).__name__})", "this is a bug: report it")
        ]
