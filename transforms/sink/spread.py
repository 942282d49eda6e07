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
    for pending in pendings:
        persons.setdefault(pending.item.person, []).append(pending)
    # Of somebody anonymous each item is a request, and weighs as much as a full one.
    weights = [
        len(of_person) * (max_items if of_person[0].item.alone else 1)
        for of_person in persons.values()
    ]
    total = sum(weights)
    used = min(lanes, max(1, total // (_REQUESTS_A_LANE * max_items)))
    full = -(-total // (used * max_items)) * max_items
    spread: list[list[Pending]] = [[]]
    taken = 0
    for of_person, weight in zip(persons.values(), weights, strict=True):
        # An item too many would be a request of its own.
        if spread[-1] and taken + weight > full and len(spread) < lanes:
            spread.append([])
            taken = 0
        spread[-1] += of_person
        taken += weight
    return spread + [[] for _ in range(lanes - len(spread))]
