"""Dead letters in files: a line each, as the file store writes them."""

from collections.abc import Callable, Iterator
from functools import partial

from pipeline.replay.choice import Choice
from pipeline.replay.left import LEFT
from pipeline.replay.letter import MAX_LETTER_BYTES, Letter, NotALetterError, open_letter
from pipeline.sources.batches import batches
from pipeline.sources.files import ReadFromFiles, read_lines
from pipeline.stop import STOP
from transforms.records import Message


def letters_of_file(
    path: str, choice: Choice, stop: Callable[[], bool] = STOP.is_set
) -> Iterator[tuple[Message, Letter]]:
    """The chosen letters of a file, as they are stored and opened; LEFT counts the other lines.

    Ends early when `stop` says so. Raises FileReadError.
    """
    for stored in read_lines(path, stop, MAX_LETTER_BYTES):
        try:
            letter = open_letter(stored)
        except NotALetterError as error:
            LEFT.note_damaged(stored.message_id, error)
            continue
        if choice.takes(letter):
            yield stored, letter
        else:
            LEFT.unmatched += 1


def read_letters(paths: list[str], choice: Choice) -> ReadFromFiles:
    """The chosen letters of files, as they are stored."""
    return ReadFromFiles(paths, partial(_stored_letters, choice=choice))


def _stored_letters(path: str, choice: Choice) -> Iterator[list[Message]]:
    return batches(stored for stored, _letter in letters_of_file(path, choice))
