"""The settled updates that must not be applied again, by their places.

Only such are remembered as would change more when applied twice: the others are held back by the
times of what changed (`transforms.memory.base`), so nobody has to know that they were applied.
"""

from typing import Final

from msgspec import Struct

from transforms.memory import places
from transforms.memory.operators import DECIDING, ORDER
from transforms.memory.places import PLACE_BYTES
from transforms.records import Json

_CHANGE_MORE: Final = frozenset(ORDER) - DECIDING


class Applied(Struct, frozen=True):
    """The places of the newest of them."""

    places: bytes = b""
    forgotten: bytes = b""
    """The newest place that is not remembered any more; empty: there is none."""

    def may_hold(self, place: bytes) -> bool:
        """Whether an update of this place may have been applied, for all that is remembered."""
        return place <= self.forgotten

    def with_update(self, place: bytes, operations: Json) -> "Applied":
        """With one more, if it has to be remembered and there is any use in it."""
        if _CHANGE_MORE.isdisjoint(operations) or self.may_hold(place):
            return self
        at = places.position(self.places, place)
        return Applied(places.insert(self.places, place, at), self.forgotten)

    def newest(self, count: int) -> "Applied":
        """No more than so many: the newest."""
        surplus = len(self.places) - count * PLACE_BYTES
        if surplus <= 0:
            return self
        return Applied(self.places[surplus:], self.places[:surplus][-PLACE_BYTES:])
