"""Whether everything arrived, and once: a run that does not balance is no figure."""

import time
from collections.abc import Callable

from benchmarks.accept import Acceptor, Seen
from benchmarks.inputs import Portion

_POLL_S = 0.02
_STALLED_S = 60.0


class UnbalancedError(RuntimeError):
    """What was accepted is not what was given."""


def balanced(seen: Seen, portion: Portion) -> Seen:
    """`seen`, when every event was accepted exactly once and every update's person was updated.

    Raises UnbalancedError.
    """
    found = (seen.events, seen.people, seen.twice)
    if found != (portion.events, portion.people, 0):
        raise UnbalancedError(
            f"accepted {seen.events} of {portion.events} events, {seen.people} of "
            f"{portion.people} people, {seen.twice} events twice"
        )
    return seen


def wait_for(
    acceptor: Acceptor,
    portion: Portion,
    alive: Callable[[], None],
    stalled_s: float = _STALLED_S,
) -> None:
    """Waits until everything of a portion was accepted.

    `alive` raises when nothing can come any more. Raises UnbalancedError when nothing has come for
    `stalled_s` seconds.
    """
    before, since = acceptor.progress(), time.monotonic()
    while (before.events, before.people) != (portion.events, portion.people):
        alive()
        time.sleep(_POLL_S)
        progress = acceptor.progress()
        if progress != before:
            before, since = progress, time.monotonic()
        elif time.monotonic() - since > stalled_s:
            raise UnbalancedError(
                f"nothing came for {stalled_s:g} s; accepted {before.events} of {portion.events} "
                f"events and {before.people} of {portion.people} people"
            )


def quiet(acceptor: Acceptor, seconds: float = 0.5) -> None:
    """Waits until no request has come for so long: updates of one person may come twice."""
    before = acceptor.progress().requests
    while True:
        time.sleep(seconds)
        now = acceptor.progress().requests
        if now == before:
            return
        before = now
