"""The end of a bundle: what it counted and what it remembered become final together, or neither.

Final is a bundle when the runner has nothing left to undo of it: right before its messages are
acknowledged, or at the end of a file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from transforms.tally import PROCESS_LEDGER


class Changes(Protocol):
    """What bundles change in this process beside the ledger."""

    def commit(self) -> None:
        """Makes the changes of the bundle final."""

    def roll_back(self, *, comes_again: bool) -> None:
        """Undoes them. `comes_again`: before all other records, those of the bundle."""


_joined: list[Changes] = []


@contextmanager
def joined(changes: Changes) -> Iterator[None]:
    """Within, these changes become final with their bundle."""
    _joined.append(changes)
    try:
        yield
    finally:
        _joined.remove(changes)


def commit() -> None:
    """A bundle is final. Raises what the changes raise; then nothing of it may be acknowledged."""
    for changes in _joined:
        changes.commit()
    PROCESS_LEDGER.commit()


def roll_back(*, comes_again: bool) -> None:
    """A bundle failed. `comes_again`: its records are the next that this process reads."""
    PROCESS_LEDGER.roll_back()
    for changes in _joined:
        changes.roll_back(comes_again=comes_again)
