"""What a replay left where it is, and why."""

import logging
from collections.abc import Iterator
from typing import Final

_LOG = logging.getLogger(__name__)

_NAMED: Final = 20


class Left:
    """Counts of one process."""

    def __init__(self) -> None:
        self.damaged = 0
        """What is no dead letter."""
        self.unmatched = 0
        """Letters of another reason or an earlier time than asked for."""
        self.later = 0
        """Letters that failed while the replay ran."""

    def reset(self) -> None:
        """Starts again at zero."""
        self.damaged = self.unmatched = self.later = 0

    def note_damaged(self, name: str, why: object) -> None:
        """Counts what is no dead letter, and logs where it is.

        `name`: path:line, or the id of a message. The log names the first ones only.
        """
        self.damaged += 1
        if self.damaged <= _NAMED:
            _LOG.error("%s is no dead letter and stays where it is: %s", name, why)
        elif self.damaged == _NAMED + 1:
            _LOG.error("There is more that is no dead letter; it is counted and not named")

    def lines(self) -> Iterator[str]:
        """What to tell at the end."""
        if self.unmatched:
            yield f"Left where they are: {self.unmatched:,} that --reason and --since leave out."
        if self.later:
            yield f"Left for the next replay: {self.later:,} that failed while this one ran."
        if self.damaged:
            yield f"Left where they are: {self.damaged:,} that are no dead letters (see the log)."


LEFT: Final = Left()
