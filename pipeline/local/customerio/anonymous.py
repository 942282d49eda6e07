"""Events of nobody known, and how they become a person's: what Customer.io calls event merging.

An identify with the attribute `anonymous_id` takes the events of that id which arrived in the 30
days before it or arrive in the 5 minutes after it. An id that is somebody's is never given to
another person. Source: https://docs.customer.io/journeys/anonymous-events
"""

from typing import NamedTuple

from pipeline.local.customerio.records import Event

ANONYMOUS_ID = "anonymous_id"
MERGED_BEFORE_S = 30 * 24 * 3600
MERGED_AFTER_S = 5 * 60


class _Owner(NamedTuple):
    cio_id: str
    identified: float
    """The latest time, Unix seconds."""


class AnonymousEvents:
    """The events that nobody has yet, and who has which anonymous id."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Event]] = {}
        self._owners: dict[str, _Owner] = {}

    def arrive(self, event: Event) -> bool:
        """Take an anonymous event; True when it is somebody's at once."""
        anonymous_id = event.identifiers[ANONYMOUS_ID]
        owner = self._owners.get(anonymous_id)
        if owner is not None and event.received <= owner.identified + MERGED_AFTER_S:
            event.cio_id = owner.cio_id
            return True
        self._waiting.setdefault(anonymous_id, []).append(event)
        return False

    def forget(self, event: Event) -> None:
        """An event, the oldest of all, is not kept any longer."""
        waiting = self._waiting.get(event.identifiers.get(ANONYMOUS_ID, ""))
        if waiting and waiting[0] is event:
            del waiting[0]

    def identify(self, anonymous_id: str, cio_id: str, now: float) -> int | None:
        """Give an id to a person: how many events become theirs; None for another person's id."""
        owner = self._owners.get(anonymous_id)
        if owner is not None and owner.cio_id != cio_id:
            return None
        self._owners[anonymous_id] = _Owner(cio_id, now)
        merged = 0
        for event in self._waiting.pop(anonymous_id, []):
            if now - event.received <= MERGED_BEFORE_S:
                event.cio_id = cio_id
                merged += 1
        return merged

    def move(self, gone: str, kept: str) -> None:
        """Two people became one."""
        for anonymous_id, owner in self._owners.items():
            if owner.cio_id == gone:
                self._owners[anonymous_id] = owner._replace(cio_id=kept)
