"""Where people are kept while a graph works on them in place, without a shuffle."""

from collections.abc import Collection, Mapping
from typing import Protocol

from transforms.memory.person import Person


class People(Protocol):
    """The people of a process. What a bundle puts is undone when that bundle fails."""

    def get(self, keys: Collection[bytes]) -> dict[bytes, Person]:
        """Those of these people that are known, by key."""

    def put(self, changed: Mapping[bytes, Person]) -> None:
        """Remembers people as they are now."""

    def may_be_unsettled(self, published_s: float | None) -> bool:
        """Whether an update may have been sent by a process that ended before it remembered that.

        `published_s`: when its message was published, Unix seconds; None for a line of a file.
        """


class OpenPeople(Protocol):
    """Gives the people of the process that it is called in. It travels with the graph."""

    def __call__(self) -> People: ...


class PeopleOfRun:
    """People who are forgotten with the process."""

    def __init__(self) -> None:
        self._people: dict[bytes, Person] = {}

    def get(self, keys: Collection[bytes]) -> dict[bytes, Person]:
        """Those of these people that are known, by key."""
        return {key: self._people[key] for key in keys if key in self._people}

    def put(self, changed: Mapping[bytes, Person]) -> None:
        """Remembers people as they are now."""
        self._people.update(changed)

    def may_be_unsettled(self, published_s: float | None) -> bool:
        """Never: nothing was before it."""
        return False
