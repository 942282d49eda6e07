"""Files as a bounded source: .json, .ndjson and .gz, local or gs://, one record a line."""

import gzip
import io
import itertools
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import apache_beam as beam
import msgspec
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import PBegin, PCollection

from pipeline.stop import STOP
from transforms.decode import MAX_MESSAGE_BYTES
from transforms.records import Message

_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"


def find_files(pattern: str) -> list[str]:
    """The files that a glob names, sorted. Empty when there are none."""
    [match] = FileSystems.match([pattern])
    return sorted(metadata.path for metadata in match.metadata_list)


def open_file(path: str) -> BinaryIO:
    """A file's bytes, inflated where they are gzip, whatever the file is called."""
    raw = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    buffered = io.BufferedReader(cast("io.RawIOBase", raw))
    if buffered.peek(2)[:2] == _GZIP_MAGIC:
        return cast("BinaryIO", gzip.GzipFile(fileobj=buffered))
    return buffered


def read_messages(path: str, stop: Callable[[], bool]) -> Iterator[Message]:
    """The file's messages: a line each; or the whole file as one, where its lines are not JSON by
    themselves (an indented array, say).

    A message's id is `path:line`. Ends early when `stop` says so. Raises FileReadError.
    """
    try:
        with open_file(path) as file:
            lines = _numbered_lines(file)
            head = list(itertools.islice(lines, 2))
            if len(head) > 1 and not any(_is_json(line) for _number, line in head):
                whole = b"".join(line for _number, line in head) + file.read(MAX_MESSAGE_BYTES)
                yield _message(whole, path, 1)
                return
            for number, line in itertools.chain(head, lines):
                if stop():
                    return
                yield _message(line, path, number)
    except (OSError, EOFError, zlib.error) as error:
        raise FileReadError(f"{path} cannot be read: {error}") from error


class FileReadError(RuntimeError):
    """A file is missing or damaged; the text says which."""


def _numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_MESSAGE_BYTES + 1):
        number += 1
        if line.strip():
            yield number, line


def _is_json(line: bytes) -> bool:
    try:
        msgspec.json.decode(line.strip().removeprefix(_UTF8_BOM))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True


def _message(data: bytes, path: str, number: int) -> Message:
    return Message(data=data, message_id=f"{path}:{number}", publish_time=None, attributes={})


def read_until_stopped(path: str) -> Iterator[Message]:
    """The file's messages, until this process is told to stop."""
    return read_messages(path, STOP.is_set)


class ReadFromFiles(beam.PTransform[PBegin, PCollection[Message]]):
    """Messages of all files of a glob. Raises FileReadError when there are none."""

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self._paths = find_files(pattern)
        if not self._paths:
            raise FileReadError(f"no file is called {pattern}")

    def expand(self, input_or_inputs: PBegin) -> PCollection[Message]:
        messages: PCollection[Message] = (
            input_or_inputs
            | "Names" >> beam.Create(self._paths, reshuffle=False)
            | "Lines" >> beam.FlatMap(read_until_stopped).with_output_types(Message)
        )
        return messages
