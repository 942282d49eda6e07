"""The records of the measurements: numbered events, with trouble from the catalogue among them."""

import itertools
import time
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from pipeline.local.pubsub.model import Draft
from pipeline.local.traffic import generate

_PEOPLE = 5_000
_SEED = 7
_ROUND = 5_000
"""Records of trouble that are made in one go: the catalogue comes about seventy times in it."""


class Numbered:
    """Endless messages of one event each, told apart by `event_properties.number`, from 0.

    An event has about 700 bytes: the size of a web event with a dozen properties.
    """

    def __init__(self) -> None:
        self.made = 0

    def take(self, count: int) -> list[Draft]:
        """The next `count` messages; they happened just now."""
        now_ms = int(time.time() * 1000)
        first, self.made = self.made, self.made + count
        return [Draft(_event(number, now_ms)) for number in range(first, first + count)]


class Troubled(NamedTuple):
    """A message of the catalogue of trouble, and how many records a reader finds in it."""

    draft: Draft
    records: int


def troubled() -> Iterator[Troubled]:
    """Endless messages of the catalogue of trouble, but for the one of 64 MiB."""
    for turn in itertools.count():
        samples = generate(_ROUND, seed=_SEED + turn, now=time.time(), trouble=1.0)
        for sample in samples:
            if sample.label != "too_large":
                yield Troubled(Draft(sample.data, sample.attributes), sample.records)


def _event(number: int, now_ms: int) -> bytes:
    return msgspec.json.encode(
        {
            "event_type": ("Product Viewed", "Cart Updated", "Order Completed")[number % 3],
            "user_id": f"user-{number % _PEOPLE}",
            "event_time": now_ms,
            "$insert_id": f"insert-{number}",
            "device_id": f"device-{number % _PEOPLE:012d}",
            "session_id": now_ms // 1_800_000,
            "platform": "Web",
            "os_name": "Chrome",
            "country": "Germany",
            "language": "German",
            "ip_address": "203.0.113.7",
            "library": "amplitude-ts/2.11.1",
            "event_properties": {
                "number": number,
                "product": f"sku-{number % 977:05d}",
                "price": number % 20_000 / 100,
                "currency": "EUR",
                "quantity": 1 + number % 4,
                "in_stock": number % 7 > 0,
                "tags": ["spring", "outdoor", f"shelf-{number % 31}"],
                "page": {"path": f"/products/{number % 977}", "referrer": "https://example.com/"},
            },
            "user_properties": {"plan": "gold", "orders": number % 50, "newsletter": True},
        }
    )
