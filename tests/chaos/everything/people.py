"""The people of a storm: how they are named, what they use, and when things happen to them."""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

START_MS = 1_795_300_000_000
"""When the first record happens, Unix milliseconds."""
SPAN_S = 500
"""Within which all happens to somebody whose updates are all put in their place; it is less than
`page.SETTLE_S`."""
LONG_SPAN_S = 86_400
"""Within which it happens to somebody whose updates settle before earlier ones come."""
MOST_RECORDS = 24
"""Of a person. More `$append` would make lists that are over Customer.io's limit."""
FEWEST_RECORDS = 14
_SHARE_BY_EMAIL = 0.1
_SHARE_LATE = 0.3
_SHARE_OF_SHARED_DEVICES = 0.05
COMPANIES = 60
TEAMS = 25


class Human(NamedTuple):
    """Somebody."""

    names: tuple[str, ...]
    """All ways in which records spell who they are."""
    devices: tuple[str, ...]
    companies: tuple[str, ...]
    late: bool
    times_ms: tuple[int, ...]
    """When something happens to them; the last ones are for the closing."""


def humans(records: int, rng: Random) -> Iterator[Human]:
    """People to whom so many records happen together."""
    number, left = 0, records
    while left > 0:
        count = min(left, rng.randint(FEWEST_RECORDS, MOST_RECORDS))
        left -= count
        late = rng.random() < _SHARE_LATE
        yield Human(
            _names(number, rng),
            _devices(number, rng),
            tuple(f"Company {each}" for each in rng.sample(range(COMPANIES), 3)),
            late,
            _times(count, LONG_SPAN_S if late else SPAN_S, rng),
        )
        number += 1


def _names(number: int, rng: Random) -> tuple[str, ...]:
    if rng.random() < _SHARE_BY_EMAIL:
        return f"Person.{number}@Example.com", f"person.{number}@example.com"
    return (f"user-{number}",)


def _devices(number: int, rng: Random) -> tuple[str, ...]:
    own = [f"device-{number}-{each}" for each in range(rng.choice((1, 1, 2, 3)))]
    if number and rng.random() < _SHARE_OF_SHARED_DEVICES:
        own.append(f"device-{number - 1}-0")
    return tuple(own)


def _times(count: int, span_s: int, rng: Random) -> tuple[int, ...]:
    """No two updates of a person are of the same millisecond: their order would be that of keys."""
    return tuple(START_MS + each for each in rng.sample(range(span_s * 1000), count))


def closing_ms(number: int) -> int:
    """When a person's last updates happen, one for each device: after everything else."""
    return START_MS + (LONG_SPAN_S + 60 + number) * 1000
