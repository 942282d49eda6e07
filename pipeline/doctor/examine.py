"""The checks one after the other, each for a limited time."""

from collections.abc import Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final, NamedTuple

from pipeline.doctor.checks import Check
from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, red

EACH_S: Final = 20.0


class Line(NamedTuple):
    """One line of the report."""

    check: str
    finding: Finding


def examine(facts: Facts, checks: Sequence[Check], each_s: float = EACH_S) -> Iterator[Line]:
    """The findings, as they come. A check that has no end within `each_s` seconds is one.

    Each runs in a thread of its own: looking a name up, or opening a file of a network, waits for
    as long as the system likes, and cannot be called off. What needs such a one is not begun.
    """
    hanging: set[str] = set()
    for check in checks:
        findings = _findings(check, facts, each_s) if check.needs not in hanging else None
        if findings is None:
            hanging.add(check.name)
            findings = [_hangs(check, each_s)]
        for finding in findings:
            yield Line(check.name, finding)


def _findings(check: Check, facts: Facts, limit_s: float) -> list[Finding] | None:
    """None when there is no end of it."""
    found: SimpleQueue[list[Finding]] = SimpleQueue()
    # A daemon: the program ends without it.
    Thread(target=lambda: found.put(_run(check, facts)), daemon=True).start()
    try:
        return found.get(timeout=limit_s)
    except Empty:
        return None


def _hangs(check: Check, limit_s: float) -> Finding:
    needs = f", or of {check.needs}, which it needs," if check.needs else ""
    return red(
        f"no end of it{needs} within {limit_s:.3g} s",
        "check the network, DNS, firewall and proxy, and network file systems",
    )


def _run(check: Check, facts: Facts) -> list[Finding]:
    try:
        return check.run(facts)
    except Exception as error:
        # Its text may hold anything.
        return [
            red(f"the check itself failed ({type(error).__name__})", "this is a bug: report it")
        ]
