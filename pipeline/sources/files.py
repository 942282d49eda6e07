"""Files as a bounded source: .json, .ndjson, .gz and archives (.zip) of these, local or gs://, one
record a line.
"""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import BinaryIO, NamedTuple, cast

import apache_beam as beam
from apache_beam.io.filesystem import BeamIOError
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import PBegin, PCollection

from pipeline.sources.archives import Archive, Member, is_archive, open_archive
from pipeline.sources.batches import batches
from pipeline.sources.streams import (
    RECORD_FILE,
    UNREADABLE,
    Counted,
    no_such_file,
    text_stream,
    unreadable,
)
from pipeline.sources.streams import FileReadError as FileReadError
from pipeline.stop import STOP
from transforms.pushdown import MAX_MESSAGE_BYTES
from transforms.records import Message
from transforms.split_json import is_json, split_container

_UTF8_BOM = b"\xef\xbb\xbf"


def find_files(pattern: str, expected: str = f"the path or the glob of {RECORD_FILE}") -> list[str]:
    """The files that a glob names, sorted.

    `expected`: what names files, for the message. Raises FileReadError when there are none.
    """
    # Beam finds nothing for a local glob without a directory.
    here = "" if "/" in pattern else "./"
    try:
        [match] = FileSystems.match([here + pattern])
    except (BeamIOError, ValueError) as error:
        raise FileReadError(f"{pattern} cannot be looked up: {error}") from error
    if not match.metadata_list:
        raise no_such_file(pattern, expected)
    return sorted(metadata.path.removeprefix(here) for metadata in match.metadata_list)


class Text(NamedTuple):
    """A text of lines: a file, or a file in an archive."""

    number: int
    """Its place in its file, from 0."""
    name: str
    """The file's path, or `archive!member`."""
    open: Callable[[], AbstractContextManager[BinaryIO]]
    """Gives the text, inflated where it is gzip; raises FileReadError."""


class Texts(NamedTuple):
    """What a file holds, while it is open."""

    texts: tuple[Text, ...]
    stored: Counted


@contextmanager
def open_texts(path: str) -> Iterator[Texts]:
    """The texts of a file: the files in it where it is an archive (.zip), else itself.

    They are read one after the other. Raises FileReadError.
    """
    if is_archive(path):
        with open_archive(path) as archive:
            yield Texts(
                tuple(
                    Text(member.number, member.name, partial(_open_member, archive, member))
                    for member in archive.members
                ),
                archive.stored,
            )
        return
    try:
        stored = Counted(path)
    except UNREADABLE as error:
        raise unreadable(path, error) from error
    with stored:
        yield Texts((Text(0, path, partial(_open_file, path, stored)),), stored)


@contextmanager
def _open_file(path: str, stored: Counted) -> Iterator[BinaryIO]:
    with _text(path, cast("BinaryIO", stored), stored) as text:
        yield text


@contextmanager
def _open_member(archive: Archive, member: Member) -> Iterator[BinaryIO]:
    with archive.open(member) as stream, _text(member.name, stream, archive.stored) as text:
        yield text


def _text(name: str, stream: BinaryIO, stored: Counted) -> BinaryIO:
    try:
        return text_stream(stream, name, stored)
    except UNREADABLE as error:
        raise unreadable(name, error) from error


def read_messages(path: str, stop: Callable[[], bool]) -> Iterator[Message]:
    """The file's messages: a line each; or the whole file as one, where it is one JSON text over
    several lines (an indented array, say). Of an archive, those of its files.

    A message's id is `path:line`, in an archive `path!member:line`. Ends early when `stop` says so.
    Raises FileReadError.
    """
    with open_texts(path) as opened:
        for text in opened.texts:
            yield from read_text(text, stop)


def read_text(text: Text, stop: Callable[[], bool]) -> Iterator[Message]:
    """A text's messages, like `read_messages`; those before a damaged place come before its
    FileReadError.
    """
    return _read(text, stop, _texts)


def read_lines(path: str, stop: Callable[[], bool], longest: int) -> Iterator[Message]:
    """The file's lines, like `read_messages`; of one over `longest` bytes, the head.

    Each line is a message by itself, whatever it holds.
    """
    with open_texts(path) as opened:
        for text in opened.texts:
            yield from _read(text, stop, lambda file: _numbered_lines(1, file, longest=longest))


def _read(
    text: Text,
    stop: Callable[[], bool],
    texts: Callable[[BinaryIO], Iterator[tuple[int, bytes]]],
) -> Iterator[Message]:
    try:
        with text.open() as file:
            for number, data in texts(file):
                if stop():
                    return
                yield _message(data, text.name, number)
    except UNREADABLE as error:
        raise unreadable(text.name, error) from error


def _texts(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The lines, or the whole as one text, each with the number of its first line."""
    number, head = next(_numbered_lines(1, file), (1, b""))
    if 0 < len(head) <= MAX_MESSAGE_BYTES and not is_json(head.removeprefix(_UTF8_BOM).strip()):
        # Not more than one message may hold, up to the end of a line.
        head += file.read(MAX_MESSAGE_BYTES) + file.readline(MAX_MESSAGE_BYTES)
        if _is_one_text(head.removeprefix(_UTF8_BOM).strip()):
            yield number, head
            return
    yield from _numbered_lines(number, io.BytesIO(head), file)


def _numbered_lines(
    number: int, *files: BinaryIO, longest: int | None = None
) -> Iterator[tuple[int, bytes]]:
    """All lines that are not blank, counted from `number`.

    Of one over `longest` bytes (default: MAX_MESSAGE_BYTES) one byte more than those.
    """
    longest = MAX_MESSAGE_BYTES if longest is None else longest
    for file in files:
        while line := file.readline(longest + 1):
            rest = line
            while len(rest) > longest and not rest.endswith(b"\n"):
                rest = file.readline(longest + 1)
            if line.strip():
                yield number, line
            number += 1


def _is_one_text(text: bytes) -> bool:
    """Whether lines are parts of one JSON text; so they are when none is a record by itself."""
    lines = (line.strip() for line in text.split(b"\n"))
    return split_container(text) is not None or not any(
        line[:1] in (b"{", b"[") and len(line) > len("{}") and is_json(line) for line in lines
    )


def _message(data: bytes, path: str, number: int) -> Message:
    return Message(data=data, message_id=f"{path}:{number}", publish_time=None, attributes={})


def read_until_stopped(path: str) -> Iterator[list[Message]]:
    """The file's messages in batches, until this process is told to stop."""
    return batches(read_messages(path, STOP.is_set))


Read = Callable[[str], Iterator[list[Message]]]
"""Gives the messages of the file at a path, in batches."""


class ReadFromFiles(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """Messages of files in batches; those of a file in their order.

    `read` gives those of one file; it may be pickled, and stops when this process is told to.
    `spread`: the engine shares the files out to its workers. It stores their names for that, and no
    record: a file is read where it is delivered. Else one worker reads them all, in their order.
    """

    def __init__(
        self, paths: list[str], read: Read = read_until_stopped, *, spread: bool = False
    ) -> None:
        super().__init__()
        self._paths = paths
        self._read = read
        self._spread = spread

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        messages: PCollection[list[Message]] = (
            input_or_inputs
            | "Names" >> beam.Create(self._paths, reshuffle=self._spread)
            | "Lines" >> beam.FlatMap(self._read).with_output_types(list[Message])
        )
        return messages
