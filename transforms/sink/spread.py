"""Spreading: which lane takes which items. One person's items always go to one lane together."""

from collections.abc import Iterable
from zlib import crc32

from transforms.sink.batch import Pending

_REQUESTS_A_LANE = 3
"""Fewer than these are not worth another lane: requests that follow each other are full."""


def by_person(pendings: Iterable[Pending], lanes: int) -> list[list[Pending]]:
    """The items of each lane; a person has the same lane in every bundle of every process."""
    spread: list[list[Pending]] = [[] for _ in range(lanes)]
    for pending in pendings:
        spread[crc32(pending.item.person.encode()) % lanes].append(pending)
    return spread


def by_request(pendings: Iterable[Pending], lanes: int, max_items: int) -> list[list[Pending]]:
    """The items of each lane, so that requests of `max_items` are full and there are few of them.

    A person has another lane in every bundle. So there must be nothing of another bundle under way.
    """
    persons: dict[str, list[Pending]] = {}
    total = 0
    for pending in pendings:
        total += 1
        persons.setdefault(pending.item.person, []).append(pending)
    used = min(lanes, max(1, total // (_REQUESTS_A_LANE * max_items)))
    full = -(-total // (used * max_items)) * max_items
    spread: list[list[Pending]] = [[]]
    for of_person in persons.values():
        # An item too many would be a request of its own.
        if spread[-1] and len(spread[-1]) + len(of_person) > full and len(spread) < lanes:
            spread.append([])
        spread[-1] += of_person
    return spread + [[] for _ in range(lanes - len(spread))]
