"""What a run on an engine showed, and whether that is what the program promises."""

from msgspec import Struct

_ENOUGH = 0.05
"""Share of the operations below which a worker has only looked on."""


class Figures(Struct, frozen=True):
    """What was counted in one run. Every record is one message and one event."""

    engine: str
    published: int
    arrived: int
    """Different events at the stand-in, by their ids."""
    again: int
    """Events that came once more, under the same id; the stand-in counts them once."""
    acknowledged: int
    """Messages that Pub/Sub has let go."""
    ahead: int
    """The most messages that were acknowledged and not yet delivered, over all looks."""
    looks: int
    shares: dict[str, int]
    """Worker -> operations that came from it."""
    killed: str | None
    """What was killed in the middle; None: nothing."""
    arrived_at_kill: int
    seconds: float
    """From the first record's arrival to the last acknowledgement."""


def faults(figures: Figures, workers: int) -> list[str]:
    """What is wrong, a line each. `workers`: as many have to have worked."""
    found = []
    if figures.arrived != figures.published:
        found.append(f"{figures.published - figures.arrived:,} events never arrived")
    if figures.acknowledged != figures.published:
        left = figures.published - figures.acknowledged
        found.append(f"{left:,} messages were never acknowledged")
    if figures.ahead > 0:
        found.append(f"{figures.ahead:,} messages were acknowledged before they were delivered")
    if figures.looks == 0:
        found.append("nobody looked at the order of deliveries and acknowledgements")
    total = sum(figures.shares.values())
    busy = [name for name, share in figures.shares.items() if share >= total * _ENOUGH]
    if len(busy) < workers:
        found.append(f"{len(busy)} workers had a part in it ({', '.join(busy)}); want {workers}")
    if figures.killed is None:
        found.append("nothing was killed: all was delivered before anything was acknowledged")
    elif not 0 < figures.arrived_at_kill < figures.published:
        found.append(f"the kill came at {figures.arrived_at_kill:,} events, not in the middle")
    return found
