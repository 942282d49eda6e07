"""What a run on an engine showed, and whether that is what the program promises."""

from collections.abc import Mapping

from msgspec import Struct

_ENOUGH = 0.05
"""Share of the operations below which a worker has only looked on."""


class Acknowledged(Struct, frozen=True):
    """What Pub/Sub was seen to let go."""

    messages: int
    ahead: int
    """The most messages that were acknowledged and not yet delivered, over all looks."""
    looks: int


class Figures(Struct, frozen=True):
    """What was counted in one run. Every record is one event, and in Pub/Sub one message."""

    engine: str
    published: int
    arrived: int
    """Different events at the stand-in, by their ids."""
    again: int
    """Events that came once more, under the same id; the stand-in counts them once."""
    acknowledged: Acknowledged | None
    """None: the records were in files."""
    shares: dict[str, int]
    """Worker -> operations that came from it."""
    shares_before_kill: dict[str, int]
    """The same, from the outage (if there was one) to the kill: who worked side by side."""
    again_before_kill: int
    """Of `again`: what no kill explains."""
    killed: str | None
    """What was killed in the middle; None: nothing."""
    arrived_at_kill: int
    over: bool
    """False: nothing moved any more, and the run was given up."""
    seconds: float
    """From the first record's arrival to the end: the last acknowledgement, or the job's own."""


def faults(figures: Figures, side_by_side: int) -> list[str]:
    """What is wrong, a line each.

    `side_by_side`: as many workers have to have delivered before the kill. In the whole run it is
    two: one that is killed, and one that goes on.
    """
    found = _of_counts(figures)
    if figures.acknowledged is None:
        found += _of_files(figures)
    else:
        found += _of_acknowledgements(figures.acknowledged, figures.published)
    found += _of_shares("in the run", figures.shares, 2)
    if figures.killed is None:
        found.append(
            f"nothing was killed: never had {side_by_side} workers delivered with records left"
        )
    else:
        if not 0 < figures.arrived_at_kill < figures.published:
            found.append(f"the kill came at {figures.arrived_at_kill:,} events, not in the middle")
        found += _of_shares("before the kill", figures.shares_before_kill, side_by_side)
    return found


def _of_counts(figures: Figures) -> list[str]:
    found = []
    missing = figures.published - figures.arrived
    if missing > 0:
        found.append(f"{missing:,} events never arrived")
    if missing < 0:
        found.append(f"{-missing:,} events came under a second id, and count twice")
    if not figures.over:
        found.append("the run stood still and never came to its end")
    return found


def _of_files(figures: Figures) -> list[str]:
    found = []
    if figures.again_before_kill > 0:
        found.append(f"{figures.again_before_kill:,} events were sent again before the kill")
    if figures.killed is not None and figures.again == figures.again_before_kill:
        found.append("nothing was sent again after the kill: it hit nobody who had delivered")
    return found


def _of_acknowledgements(seen: Acknowledged, published: int) -> list[str]:
    found = []
    if seen.messages != published:
        found.append(f"{published - seen.messages:,} messages were never acknowledged")
    if seen.ahead > 0:
        found.append(f"{seen.ahead:,} messages were acknowledged before they were delivered")
    if seen.looks == 0:
        found.append("nobody looked at the order of deliveries and acknowledgements")
    return found


def busy(shares: Mapping[str, int]) -> list[str]:
    """The workers that have done their part, and not only looked on."""
    total = sum(shares.values())
    return sorted(name for name, share in shares.items() if share >= total * _ENOUGH > 0)


def _of_shares(when: str, shares: Mapping[str, int], workers: int) -> list[str]:
    names = busy(shares)
    if len(names) >= workers:
        return []
    return [f"{len(names)} workers delivered {when} ({', '.join(names)}); want {workers}"]
