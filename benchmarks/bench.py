"""What every row is given, and the run that most of them begin with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks import graph_run
from benchmarks.accept import Acceptor, Seen, accepting
from benchmarks.balance import balanced
from benchmarks.child import in_child
from benchmarks.inputs import Inputs, Portion
from benchmarks.machine import keep_to, other_core
from benchmarks.run import Run
from benchmarks.sizes import Sizes


@dataclass
class Bench:
    """A run of the command."""

    sizes: Sizes
    inputs: Inputs
    directory: Path
    """For whatever a row leaves behind; gone afterwards."""
    say: Callable[[str], None]
    """Tells who waits what is going on, in one line."""


class Delivered(NamedTuple):
    """A run of the graph, and what arrived of it."""

    run: Run
    seen: Seen
    portion: Portion

    @property
    def records_per_s(self) -> float:
        """Records, events and user updates alike."""
        return self.portion.records / self.run.seconds

    @property
    def items_share(self) -> float:
        """Operations a request, in % of the hundred that are allowed."""
        return self.seen.items / self.seen.requests


def core(bench: Bench, portion: Portion, delay_s: float = 0.0) -> Delivered:
    """The graph over a portion in a fresh process on one core, the acceptor on the other.

    `delay_s`: how long the acceptor takes to answer. Raises UnbalancedError.
    """
    warm = bench.inputs.warm(bench.sizes.warm)
    with accepting(delay_s) as acceptor:
        keep_to(other_core(), acceptor.pid)
        run: Run = in_child(
            graph_run.measured,
            warm,
            portion,
            acceptor.url,
            str(bench.directory),
            when_warm=lambda _: after_warming(acceptor, warm),
        )
        return Delivered(run, balanced(acceptor.seen(), portion), portion)


def after_warming(acceptor: Acceptor, warm: Portion) -> None:
    """The acceptor forgets what a warm-up sent. Raises UnbalancedError."""
    balanced(acceptor.seen(), warm)
    acceptor.reset()
