"""The feed: the files' messages in their order, from any place on, with the place behind each pull.

One process reads, in one order. So one place says everything about what is settled, however many
files there are; and small files share a bundle as if they were one.
"""

import gzip
from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from pipeline.backfill.export_names import holds_merged_ids
from pipeline.backfill.find import SourceFile
from pipeline.backfill.manifest import Place
from pipeline.sources.files import FileReadError, Text, open_texts, read_text
from transforms.records import Message

PULL_MESSAGES = 1_000
PULL_BYTES = 1024 * 1024
"""Of a pull; the message that fills it is in it."""

Damage = Callable[[str, str], None]
"""Told the name of a file that cannot be read to its end, and why."""


class Pull(Struct, frozen=True):
    """Messages that are read together."""

    messages: list[Message]
    place: Place
    """Where the reading goes on behind them."""
    read_bytes: int
    """Bytes of all files, as they are stored, up to there; those before the start too."""
    size: int
    """Bytes of the messages."""


class _Batch:
    """What is read and not handed on yet."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.size = 0

    def add(self, message: Message) -> bool:
        """Adds a message; True when that is enough."""
        self.messages.append(message)
        self.size += len(message.data)
        return self.size >= PULL_BYTES or len(self.messages) >= PULL_MESSAGES

    def pull(self, place: Place, read_bytes: int) -> Pull:
        """Hands on what there is, and is empty again."""
        pull = Pull(self.messages, place, read_bytes, self.size)
        self.messages, self.size = [], 0
        return pull


def pulls(
    files: Sequence[SourceFile], start: Place, stop: Callable[[], bool], damage: Damage
) -> Iterator[Pull]:
    """The messages from `start` on. Ends early when `stop` says so.

    What cannot be read is told to `damage` and passed over: what comes before a damaged place in a
    file is read, and so are the files behind it. Raises FileReadError when the connection to a file
    elsewhere breaks: then it is worth another try.
    """
    batch = _Batch()
    before = sum(file.size for file in files[: start.file])
    for number in range(start.file, len(files)):
        file = files[number]
        try:
            with open_texts(file.path) as opened:
                first = start.text if number == start.file else 0
                for text in opened.texts[first:]:
                    place = Place(number, text.number)
                    line = start.line if place == _text_of(start) else 0
                    for message in _messages(text, line, stop, damage):
                        if batch.add(message):
                            here = Place(number, text.number, _line(message))
                            yield batch.pull(here, before + min(opened.stored.count, file.size))
                    if stop():
                        # What is left of the batch is read again; nothing of it went on.
                        return
        except FileReadError as error:
            _tell(file.path, error, damage)
        before += file.size
    if batch.messages:
        yield batch.pull(Place(len(files)), before)


def _messages(text: Text, line: int, stop: Callable[[], bool], damage: Damage) -> Iterator[Message]:
    """A text's messages behind a line."""
    if holds_merged_ids(text.name):
        return
    messages = read_text(text, stop)
    try:
        for message in messages:
            if _line(message) > line:
                yield message
    except FileReadError as error:
        _tell(text.name, error, damage)


def _tell(name: str, error: FileReadError, damage: Damage) -> None:
    """Tells of a damaged file; raises the error where it is the way to the file that broke."""
    cause = error.__cause__
    of_the_file = (gzip.BadGzipFile, FileNotFoundError, PermissionError)
    if "://" in name and isinstance(cause, OSError) and not isinstance(cause, of_the_file):
        raise error
    damage(name, str(error))


def _text_of(place: Place) -> Place:
    return Place(place.file, place.text)


def _line(message: Message) -> int:
    return int(message.message_id.rpartition(":")[2])
