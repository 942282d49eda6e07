"""What goes wrong between Pub/Sub and its clients, as often as asked, the same for the same seed.

Every one of these may happen with Google's service, which promises delivery at least once:
https://cloud.google.com/pubsub/docs/subscription-overview#default_properties (repeats, any order)
and https://cloud.google.com/pubsub/docs/reference/error-codes (which errors a client tries again).
"""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from random import Random
from typing import Final, Literal, TypeVar

from pipeline.local.pubsub.errors import (
    DeadlineExceededError,
    InternalError,
    PubSubError,
    UnavailableError,
)

Method = Literal["publish", "pull", "acknowledge", "modify_ack_deadline"]
METHODS: Final[frozenset[Method]] = frozenset(
    {"publish", "pull", "acknowledge", "modify_ack_deadline"}
)

_Item = TypeVar("_Item")


class PubSubFaults:
    """Probabilities from 0 to 1, the dice, and counts of what was done. Thread-safe.

    Each kind of fault has dice of its own: the n-th call or message that it may hit has the same
    fate in every run with this seed, whatever the other kinds and threads do.

    Args:
        seed: of the dice.
        duplicate: per message that is delivered; it is delivered once more under another ack id,
            half of the time with the next pull, half of the time after it was acknowledged.
        end_early: per message that is delivered or extended; its lease ends at once, so that it is
            delivered again while the client still works on it.
        out_of_order: per message that is delivered; it changes places within the response, or
            comes with a later one.
        forget_ack: per acknowledgement that is taken; it has no effect, and the message comes
            again.
        unavailable, deadline_exceeded, internal: per call of ``methods``; it ends with this status.
        carried_out: share of the calls that end so although they were carried out: messages leased
            to nobody, acknowledgements to repeat, messages published twice.
        methods: which calls may end with an error.

    Messages that are bound by an ordering key are neither duplicated nor out of order.

    Raises:
        ValueError: a probability is not between 0 and 1, or those of errors are more than 1.
    """

    def __init__(
        self,
        seed: int,
        *,
        duplicate: float = 0.0,
        end_early: float = 0.0,
        out_of_order: float = 0.0,
        forget_ack: float = 0.0,
        unavailable: float = 0.0,
        deadline_exceeded: float = 0.0,
        internal: float = 0.0,
        carried_out: float = 0.5,
        methods: frozenset[Method] = METHODS,
    ) -> None:
        self.duplicate = duplicate
        self.end_early = end_early
        self.out_of_order = out_of_order
        self.forget_ack = forget_ack
        self._errors: Mapping[type[PubSubError], float] = {
            UnavailableError: unavailable,
            DeadlineExceededError: deadline_exceeded,
            InternalError: internal,
        }
        self._carried_out = carried_out
        self._methods = methods
        _check(duplicate, end_early, out_of_order, forget_ack, carried_out, *self._errors.values())
        _check(sum(self._errors.values()))
        self._seed = seed
        self._dice: dict[str, Random] = {}
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._calm = False

    @property
    def is_calm(self) -> bool:
        """Whether nothing goes wrong any more."""
        return self._calm

    def calm(self) -> None:
        """Let nothing go wrong from now on; duplicates that are still to come do not come."""
        self._calm = True

    def counts(self) -> dict[str, int]:
        """What was done so far.

        Messages: ``duplicate.leased``, ``duplicate.acknowledged`` (what it was when the duplicate
        was made ready), ``end_early``, ``out_of_order``, ``forget_ack``. Calls:
        ``METHOD.STATUS.before`` and ``METHOD.STATUS.after``, as in ``pull.UNAVAILABLE.before``.
        """
        with self._lock:
            return dict(sorted(self._counts.items()))

    def count(self, kind: str, times: int = 1) -> None:
        """Count a fault that was carried out."""
        if times:
            with self._lock:
                self._counts[kind] += times

    def pick(self, kind: str, probability: float, items: Sequence[_Item]) -> list[_Item]:
        """The items that a fault hits."""
        if self._calm or not probability:
            return []
        with self._lock:
            roll = self._of(kind).random
            return [item for item in items if roll() < probability]

    def place(self, kind: str, places: int) -> int:
        """One of so many places."""
        with self._lock:
            return self._of(f"{kind}.place").randrange(places)

    @contextmanager
    def call(self, method: Method) -> Iterator[None]:
        """Surround a call; it may end with an error before or after it was carried out.

        Raises:
            PubSubError: the error to answer with.
        """
        error, after = self._fate(method)
        if error is not None and not after:
            raise self._injected(method, error, "before")
        yield
        if error is not None:
            raise self._injected(method, error, "after")

    def _fate(self, method: Method) -> tuple[type[PubSubError] | None, bool]:
        if self._calm or method not in self._methods:
            return None, False
        with self._lock:
            dice = self._of(method)
            # Both are rolled each time, so that a call's fate depends on its number alone.
            roll, after = dice.random(), dice.random() < self._carried_out
        for error, probability in self._errors.items():
            if roll < probability:
                return error, after
            roll -= probability
        return None, False

    def _injected(self, method: Method, error: type[PubSubError], when: str) -> PubSubError:
        self.count(f"{method}.{error.status}.{when}")
        return error(f"An injected fault: {error.status} {when} {method} was carried out.")

    def _of(self, kind: str) -> Random:
        dice = self._dice.get(kind)
        if dice is None:
            dice = self._dice[kind] = Random(f"{self._seed}/{kind}")
        return dice


def _check(*probabilities: float) -> None:
    for probability in probabilities:
        if not 0 <= probability <= 1:
            raise ValueError(f"{probability} is no probability: it must be between 0 and 1.")
