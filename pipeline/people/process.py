"""The file of people that this process has open, if it has one.

The graph is pickled on its way to the runner, a file's lock is not: so the graph asks for it here.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline import finality
from pipeline.people.file import StateFileError
from pipeline.people.store import FileOfPeople

_LOG = logging.getLogger(__name__)
_open: list[FileOfPeople] = []


@contextmanager
def remembering(path: str, days: int) -> Iterator[None]:
    """Within, `people_of_process` gives the people of this file; they become final with the ledger.

    `days`: for how long one is kept of whom nothing is heard. Raises StateFileError.
    """
    people = FileOfPeople(path, days)
    if people.last_run_was_cut_off:
        _LOG.warning(
            "The last run over %s ended in the middle. Messages that it had come again when their "
            "lease ends, within 60 s",
            path,
        )
    _open.append(people)
    try:
        with finality.joined(people):
            yield
    finally:
        _open.remove(people)
        try:
            people.close()
        except StateFileError as error:
            # The next start takes it for a crash, and sends a little more than it has to.
            _LOG.warning("%s", error)


def people_of_process() -> FileOfPeople:
    """The people of this process. Raises IndexError where none are remembered."""
    return _open[-1]
