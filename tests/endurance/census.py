"""Which of the numbered records Customer.io holds: each has to be there once."""

from msgspec import Struct

from pipeline.local.customerio.workspace import Workspace

KEPT_EVENTS = 100_000
"""Events that the stand-in has to keep, so that none is gone before it was looked at."""

_COMING = 2_000


class Count(Struct, frozen=True):
    """What a census found, in records."""

    seen: int
    """Numbers that Customer.io holds, each counted once."""
    twice: int
    """Events beyond the first one of a number."""
    strangers: int
    """Events without a number: those of the catalogue of trouble."""
    overlooked: int
    """Events that were gone before the census looked; anything but 0 spoils it."""


class Census:
    """Looks at the events of a workspace as they come; `look` at least every few seconds."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._looked_at = 0
        self._held = bytearray()
        self._seen = self._twice = self._strangers = self._overlooked = 0

    def look(self) -> None:
        """Counts the events that came since the last look."""
        new = int(self._workspace.summary()["events"]) - self._looked_at
        if new <= 0:
            return
        # More come while we look: the newest `new` of a moment later would leave some out.
        events = self._workspace.events(new + _COMING)
        self._overlooked += max(0, events[0].sequence - self._looked_at - 1)
        for event in events:
            if event.sequence > self._looked_at:
                self._count(event.data.get("number"))
        self._looked_at = events[-1].sequence

    def _count(self, number: object) -> None:
        if type(number) is not int:
            self._strangers += 1
            return
        if number >= len(self._held):
            self._held.extend(bytes(max(number + 1, 100_000)))
        if self._held[number]:
            self._twice += 1
            return
        self._held[number] = 1
        self._seen += 1

    def count(self) -> Count:
        """What was found so far."""
        return Count(self._seen, self._twice, self._strangers, self._overlooked)
