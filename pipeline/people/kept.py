"""Persons held in memory: those that a bundle has changed, and the last ones beside them."""

from collections import OrderedDict
from collections.abc import Iterator

from transforms.memory.person import Person


class Kept:
    """Persons by key. `max_bytes`: of their encoded memories; Python takes several times that."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._unchanged: OrderedDict[bytes, tuple[Person, int]] = OrderedDict()
        self._changed: dict[bytes, Person] = {}

    def get(self, key: bytes) -> Person | None:
        """A person; None when it is not held."""
        changed = self._changed.get(key)
        if changed is not None:
            return changed
        found = self._unchanged.get(key)
        if found is None:
            return None
        self._unchanged.move_to_end(key)
        return found[0]

    def change(self, key: bytes, person: Person) -> None:
        """Holds a person until it is written."""
        self._forget(key)
        self._changed[key] = person

    @property
    def changes(self) -> int:
        """How many persons are to be written."""
        return len(self._changed)

    def take_changed(self) -> Iterator[tuple[bytes, Person]]:
        """The persons to write; they are not held any more."""
        while self._changed:
            yield self._changed.popitem()

    def hold(self, key: bytes, person: Person, size: int) -> None:
        """Holds a person that the file has too, as long as there is room; `size` in bytes."""
        self._forget(key)
        self._unchanged[key] = person, size
        self._bytes += size
        while self._bytes > self._max_bytes:
            _key, (_person, of_oldest) = self._unchanged.popitem(last=False)
            self._bytes -= of_oldest

    def _forget(self, key: bytes) -> None:
        found = self._unchanged.pop(key, None)
        if found is not None:
            self._bytes -= found[1]

    def clear(self) -> None:
        """Holds nothing any more."""
        self._changed.clear()
        self._unchanged.clear()
        self._bytes = 0
