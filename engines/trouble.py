"""What is done to a run on its way: an outage of the stand-in, then the death of a worker."""

from collections.abc import Callable

from engines.processes import Group
from engines.verdict import busy
from engines.world import Look, World

OUTAGE_AT = 0.1
"""Share of the records that have arrived when the stand-in begins to refuse everything."""
KILL_AT = 0.3
"""Share of the records that have arrived when a worker is killed."""
_OUTAGE_S = 15.0
"""Longer than a bundle is tried: some fail, and the engine has to begin again."""
_AFTER_OUTAGE = 0.1
"""Share of the records that have to arrive between the outage and the kill, so that a worker is
killed that delivers again."""


class Trouble:
    """Each once. `outage`: False leaves it out. `after`: called when the victim is dead.

    The kill waits until `side_by_side` workers have delivered since the outage.
    """

    def __init__(
        self,
        here: World,
        victim: Group,
        say: Callable[[str], None],
        *,
        side_by_side: int,
        outage: bool,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._here = here
        self._victim = victim
        self._say = say
        self._side_by_side = side_by_side
        self._outage = outage
        self._after = after
        self._kill_from = here.records * KILL_AT
        self._before_outage: dict[str, int] = {}
        self.killed: str | None = None
        self.arrived_at_kill = 0
        self.again_before_kill = 0
        self.shares_before_kill: dict[str, int] = {}

    def follow(self, look: Look) -> None:
        """Makes the trouble that is due; in Pub/Sub not before some messages are let go."""
        if look.acknowledged == 0:
            return
        if self._outage and look.arrived >= self._here.records * OUTAGE_AT:
            self._refuse(look.arrived)
        if self.killed is None and self._kill_from <= look.arrived < self._here.records:
            since = self._since_outage()
            if len(busy(since)) >= self._side_by_side:
                self._kill(since)

    def _refuse(self, arrived: int) -> None:
        self._outage = False
        self._here.refuse(_OUTAGE_S)
        self._before_outage = self._here.shares()
        self._kill_from = max(self._kill_from, arrived + self._here.records * _AFTER_OUTAGE)
        self._say(f"the stand-in refuses everything for {_OUTAGE_S:g} s; {arrived:,} delivered")

    def _since_outage(self) -> dict[str, int]:
        before = self._before_outage
        return {name: all_ - before.get(name, 0) for name, all_ in self._here.shares().items()}

    def _kill(self, since: dict[str, int]) -> None:
        self._victim.kill()
        self.killed = self._victim.name
        self.shares_before_kill = since
        self.again_before_kill = self._here.again()
        self.arrived_at_kill, acknowledged, _requests = self._here.look()
        let_go = "" if acknowledged is None else f", {acknowledged:,} messages acknowledged"
        self._say(
            f"killed {self.killed} at {self.arrived_at_kill:,} of {self._here.records:,} events "
            f"delivered, {self.again_before_kill:,} of them once more{let_go}"
        )
        self._after()
