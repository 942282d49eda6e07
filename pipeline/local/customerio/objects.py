"""The objects of a workspace (companies, accounts): what Amplitude calls groups."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec


class Thing(msgspec.Struct):
    """One object; ``key`` is object_type_id/object_id, as relationships name it."""

    key: str
    cio_object_id: str
    object_type_id: str
    object_id: str
    attributes: dict[str, Any] = {}


class Objects:
    """Objects by type and id, or by the cio_object_id given here."""

    def __init__(self) -> None:
        self._things: dict[str, Thing] = {}
        self._keys: dict[str, str] = {}
        self._made = 0

    def __len__(self) -> int:
        """The number of objects."""
        return len(self._things)

    def __iter__(self) -> Iterator[Thing]:
        """Objects, the oldest first."""
        return iter(self._things.values())

    def __reversed__(self) -> Iterator[Thing]:
        """Objects, the newest first."""
        return reversed(self._things.values())

    def find(self, identifiers: Mapping[str, str]) -> Thing | None:
        """The object with these identifiers."""
        key = self._keys.get(identifiers.get("cio_object_id", "")) or _key(identifiers)
        return self._things.get(key)

    def find_or_create(self, identifiers: Mapping[str, str]) -> Thing | None:
        """The object, made if need be; None for an unknown cio_object_id."""
        thing = self.find(identifiers)
        if thing is not None or "cio_object_id" in identifiers:
            return thing
        self._made += 1
        made = Thing(
            key=_key(identifiers),
            cio_object_id=f"ob{self._made:07x}",
            object_type_id=identifiers["object_type_id"],
            object_id=identifiers["object_id"],
        )
        self._things[made.key] = made
        self._keys[made.cio_object_id] = made.key
        return made

    def remove(self, thing: Thing) -> None:
        """Forget an object."""
        del self._things[thing.key]
        del self._keys[thing.cio_object_id]


def set_attributes(attributes: dict[str, Any], changes: Mapping[str, Any]) -> None:
    """Update an object's or a relationship's attributes: null and "" remove, `_update` is none."""
    for name, value in changes.items():
        if value is None or value == "":
            attributes.pop(name, None)
        elif name != "_update":
            attributes[name] = value


def _key(identifiers: Mapping[str, str]) -> str:
    return f"{identifiers.get('object_type_id')}/{identifiers.get('object_id')}"
