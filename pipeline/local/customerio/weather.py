"""Random weather: every request draws whether something happens to it, and what."""

from random import Random

import msgspec

from pipeline.local.customerio.actions import (
    Action,
    Busy,
    Flood,
    Hang,
    ItemErrors,
    Reset,
    Respond,
    Trickle,
    Truncate,
    html_page,
    rate_limited,
    redirect,
)


class Weather(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Each request meets one of ``actions``, all equally likely, with the probability ``share``.

    Raises ValueError for a share outside 0 to 1, or without an action.
    """

    seed: int
    share: float
    actions: tuple[Action, ...]

    def __post_init__(self) -> None:
        """Checks the values."""
        if not 0 <= self.share <= 1:
            raise ValueError(f"share is a probability, 0 to 1, not {self.share}")
        if not self.actions:
            raise ValueError("weather needs at least one action")

    def draw(self, number: int) -> Action | None:
        """The fate of the request of this number: the same one whenever it is asked for."""
        rng = Random(f"{self.seed}/{number}")
        return rng.choice(self.actions) if rng.random() < self.share else None


_NO_SUCH_INDEX = 100_000
"""Beyond every batch: 1000 items are the most that anybody sends."""
_ELSEWHERE = "http://127.0.0.1:9/elsewhere"

STORM: tuple[Action, ...] = (
    Reset(),
    Reset(apply=True),
    Respond(500),
    Respond(502),
    Respond(503),
    rate_limited(1),
    rate_limited(None),
    Busy(1),
    Hang(1.5),
    Hang(1.5, apply_first=True),
    Trickle(bytes_per_second=400),
    Trickle(),
    Trickle(head=True),
    Trickle(apply=False),
    Trickle(size=100_000),
    Truncate(),
    Truncate(head=True),
    Truncate(apply=False),
    Flood(),
    html_page(200),
    msgspec.structs.replace(html_page(200), apply=True),
    html_page(502),
    ItemErrors((0,), 200),
    ItemErrors((2,), 200),
    ItemErrors((1,), 207),
    ItemErrors((_NO_SUCH_INDEX,), 207),
    ItemErrors((_NO_SUCH_INDEX,), 207, apply=False),
    redirect(_ELSEWHERE),
)
"""Every kind of trouble, for a sender that gives up after a second or less.

What answers 200 is no success where its body is a page, is cut off, or names a refused item.
"""
