"""The people of a workspace, and how their identifiers find them."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

KEYS = ("id", "email", "cio_id")


class Person(msgspec.Struct):
    """One profile. Times are Unix seconds; ``newest_identify`` is that of an applied update."""

    cio_id: str
    created: float
    updated: float
    id: str | None = None
    email: str | None = None
    newest_identify: int | None = None
    attributes: dict[str, Any] = {}
    relationships: dict[str, dict[str, Any]] = {}
    devices: dict[str, dict[str, Any]] = {}

    def copy(self) -> "Person":
        """A person that later updates do not touch (values are shared, never changed)."""
        return msgspec.structs.replace(
            self,
            attributes=dict(self.attributes),
            relationships={key: dict(item) for key, item in self.relationships.items()},
            devices=dict(self.devices),
        )


class People:
    """Profiles by id (case-sensitive), e-mail (case-insensitive) and cio_id (given here)."""

    def __init__(self) -> None:
        self._by_cio_id: dict[str, Person] = {}
        self._by_key: dict[tuple[str, str], Person] = {}
        self._suppressed: set[tuple[str, str]] = set()
        self._made = 0

    def __len__(self) -> int:
        """The number of profiles."""
        return len(self._by_cio_id)

    def __iter__(self) -> Iterator[Person]:
        """Profiles by their latest change, the newest last."""
        return iter(self._by_cio_id.values())

    def __reversed__(self) -> Iterator[Person]:
        """Profiles by their latest change, the newest first."""
        return reversed(self._by_cio_id.values())

    def touch(self, person: Person, now: float) -> None:
        """Note that a profile changed at ``now``."""
        person.updated = now
        self._by_cio_id[person.cio_id] = self._by_cio_id.pop(person.cio_id)

    def find(self, identifiers: Mapping[str, str]) -> Person | None:
        """Who has this one identifier."""
        ((key, value),) = identifiers.items()
        if key == "cio_id":
            return self._by_cio_id.get(value)
        return self._by_key.get(_index(key, value))

    def admit(self, cio_id: str, now: float) -> None:
        """A profile that has a cio_id and nothing else; nothing happens when it exists."""
        self._by_cio_id.setdefault(cio_id, Person(cio_id=cio_id, created=now, updated=now))

    def create(self, identifiers: Mapping[str, str], now: float) -> Person | None:
        """A new profile; None for a cio_id, which only the server gives."""
        if "cio_id" in identifiers:
            return None
        self._made += 1
        person = Person(cio_id=f"a{self._made:07x}", created=now, updated=now)
        self._by_cio_id[person.cio_id] = person
        self.link(person, identifiers)
        return person

    def link(self, person: Person, identifiers: Mapping[str, str]) -> None:
        """Give a person id and e-mail; an old e-mail of theirs is free again."""
        for key, value in identifiers.items():
            old = person.id if key == "id" else person.email
            if old is not None:
                self._by_key.pop(_index(key, old), None)
            if key == "id":
                person.id = value
            else:
                person.email = value
            self._by_key[_index(key, value)] = person

    def remove(self, person: Person) -> None:
        """Forget a profile; its identifiers can be used again."""
        del self._by_cio_id[person.cio_id]
        for key, value in self._keys_of(person):
            self._by_key.pop((key, value), None)

    def suppress(self, identifiers: Mapping[str, str], person: Person | None) -> None:
        """Delete a profile and ignore its identifiers from now on."""
        self._suppressed.update(_index(*item) for item in identifiers.items())
        if person is not None:
            self._suppressed.update(self._keys_of(person))
            self.remove(person)

    def unsuppress(self, identifiers: Mapping[str, str]) -> None:
        """Listen to an identifier again."""
        self._suppressed.difference_update(_index(*item) for item in identifiers.items())

    def is_suppressed(self, identifiers: Mapping[str, str]) -> bool:
        """Whether calls for this identifier are ignored."""
        return any(_index(*item) in self._suppressed for item in identifiers.items())

    @staticmethod
    def _keys_of(person: Person) -> list[tuple[str, str]]:
        pairs = (("id", person.id), ("email", person.email))
        return [_index(key, value) for key, value in pairs if value is not None]


def _index(key: str, value: str) -> tuple[str, str]:
    return key, value.lower() if key == "email" else value
