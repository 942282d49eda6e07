"""Row 6: two processes that share one request budget, and what they do when asked to slow down."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from benchmarks.accept import Acceptor, accepting
from benchmarks.balance import balanced, wait_for
from benchmarks.bench import Bench
from benchmarks.figures import Figure, Target, between, most_within
from benchmarks.inputs import STEP
from benchmarks.program import Program, running
from benchmarks.pubsub import emulator, publisher

BUDGET = 50
"""Requests a second, of both processes together."""
_PROCESSES = 2
_ITEMS = 20
"""Operations a request: fewer than usual, so that a minute takes fewer records."""
_LEAD_S = 5.0
_UP = 0.8
"""Of the budget; more than one process can reach by itself."""
_PATIENCE_S = 60.0
_ROW = "budget"
_SECOND = Target(10.0, more_is_better=False)
_MINUTE = Target(5.0, 2.0, more_is_better=False)


def measure(bench: Bench) -> Iterator[Figure]:
    """Requests of any second and of all of them against the budget; then answers of 429."""
    sizes = bench.sizes
    seconds = _LEAD_S + sizes.budget_s + sizes.budget_after_s
    portion = bench.inputs.take(int(seconds * BUDGET * _ITEMS) // STEP * STEP)
    with ExitStack() as stack:
        pubsub = stack.enter_context(emulator())
        publishing = stack.enter_context(publisher(pubsub))
        acceptor = stack.enter_context(accepting())
        publishing.publish_all(portion)
        programs = [
            stack.enter_context(
                running(
                    pubsub,
                    acceptor.url,
                    f"--request_budget_processes={_PROCESSES}",
                    max_requests_per_second=BUDGET,
                    max_batch_items=_ITEMS,
                )
            )
            for _ in range(_PROCESSES)
        ]
        _until_both_send(acceptor, programs)
        bench.say(f"{BUDGET} requests/s for {sizes.budget_s:g} s")
        began = time.time()
        time.sleep(sizes.budget_s)
        bench.say(f"answers of 429 for {sizes.budget_refused_s:g} s, and the end")
        refused_from = time.time()
        acceptor.refuse(sizes.budget_refused_s)
        refused_to = refused_from + sizes.budget_refused_s
        for program in programs:
            wait_for(acceptor, portion, program.alive)
        for program in programs:
            program.stop()
        seen = balanced(acceptor.seen(), portion)
    steady = between(seen.accepted_at, began, refused_from)
    yield from steady_figures(steady, refused_from - began)
    yield from _refusal_figures(seen.accepted_at, seen.refused_at, refused_to)


def _until_both_send(acceptor: Acceptor, programs: Sequence[Program]) -> None:
    """Waits until requests come faster than from one process. Raises ProgramError, RuntimeError."""
    deadline = time.monotonic() + _PATIENCE_S
    before, since = acceptor.progress().requests, time.monotonic()
    while time.monotonic() < deadline:
        for program in programs:
            program.alive()
        time.sleep(1.0)
        now, requests = time.monotonic(), acceptor.progress().requests
        if (requests - before) / (now - since) >= _UP * BUDGET:
            return
        before, since = requests, now
    raise RuntimeError(f"the two processes did not reach {_UP:.0%} of the budget")


def steady_figures(accepted_at: Sequence[float], seconds: float) -> Iterator[Figure]:
    """How requests over so many seconds keep to the budget."""
    most = most_within(accepted_at, 1.0)
    over = (most / BUDGET - 1) * 100
    note = f"{most} requests in the fullest of all seconds"
    yield Figure(_ROW, "over the budget in any second", "%", (over,), _SECOND, note)
    whole = (len(accepted_at) / (BUDGET * seconds) - 1) * 100
    note = f"{len(accepted_at)} requests in {seconds:.1f} s, {whole:+.1f} %"
    yield Figure(_ROW, f"off the budget over {seconds:.0f} s", "%", (abs(whole),), _MINUTE, note)


def _refusal_figures(
    accepted_at: Sequence[float], refused_at: Sequence[float], ended: float
) -> Iterator[Figure]:
    after = between(accepted_at, ended, float("inf"))
    first = after[0] - ended if after else float("inf")
    most = most_within(refused_at, 1.0)
    note = f"at most {most} in a second"
    yield Figure(_ROW, "requests answered 429", "requests", (float(len(refused_at)),), None, note)
    yield Figure(_ROW, "accepted again after the last 429", "s", (first,))
    most = most_within(after, 1.0)
    over = (most / BUDGET - 1) * 100
    yield Figure(_ROW, "over the budget in any second after the 429s", "%", (over,), _SECOND)
    back = back_at(after, ended)
    if back is not None:
        yield Figure(_ROW, "back at 90 % of the budget after", "s", (back - ended,))


def back_at(accepted_at: Sequence[float], since: float) -> float | None:
    """The end of the first second, of those that follow `since`, with 90 % of the budget in it."""
    last = accepted_at[-1] if accepted_at else since
    begin = since
    while begin + 1.0 <= last:
        if len(between(accepted_at, begin, begin + 1.0)) >= 0.9 * BUDGET:
            return begin + 1.0
        begin += 1.0
    return None
