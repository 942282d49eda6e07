"""Dead letters in files: a line each, as the file store writes them."""

from collections.abc import Callable, Iterator
from functools import partial

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection

from pipeline.replay.choice import Choice
from pipeline.replay.left import LEFT
from pipeline.replay.letter import MAX_LETTER_BYTES, Letter, NotALetterError, open_letter
from pipeline.sources.batches import batches
from pipeline.sources.files import read_lines
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


def stored_letters(path: str, choice: Choice) -> Iterator[list[Message]]:
    """The chosen letters of a file as they are stored, until this process is told to stop."""
    return batches(stored for stored, _letter in letters_of_file(path, choice))


class ReadLettersFromFiles(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """The chosen letters of files, in their order and in batches."""

    def __init__(self, paths: list[str], choice: Choice) -> None:
        super().__init__()
        self._paths = paths
        self._read = partial(stored_letters, choice=choice)

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        messages: PCollection[list[Message]] = (
            input_or_inputs
            | "Names" >> beam.Create(self._paths, reshuffle=False)
            | "Lines" >> beam.FlatMap(self._read).with_output_types(list[Message])
        )
        return messages
