"""Row 9: from starting the program to the first request that is accepted."""

import time
from collections.abc import Iterator

from benchmarks.accept import accepting
from benchmarks.balance import balanced, wait_for
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Target
from benchmarks.inputs import Portion
from benchmarks.program import running
from benchmarks.pubsub import emulator, publisher

_ROW = "start"


def measure(bench: Bench) -> Iterator[Figure]:
    """Seconds, with records waiting in Pub/Sub."""
    portion = bench.inputs.take(bench.sizes.start)
    taken = []
    for number in range(bench.sizes.start_runs):
        bench.say(f"start {number + 1} of {bench.sizes.start_runs}")
        taken.append(_first_delivery(portion))
    target = Target(4.0, 2.0, more_is_better=False)
    yield Figure(_ROW, "first delivery after start", "s", tuple(taken), target)


def _first_delivery(portion: Portion) -> float:
    with emulator() as pubsub, publisher(pubsub) as publishing, accepting() as acceptor:
        publishing.publish_all(portion)
        began = time.time()
        with running(pubsub, acceptor.url) as program:
            wait_for(acceptor, portion, program.alive)
            program.stop()
        return balanced(acceptor.seen(), portion).accepted_at[0] - began
