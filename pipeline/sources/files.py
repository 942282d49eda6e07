"""Files as a bounded source: .json, .ndjson and .gz, local or gs://, one record a line."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import apache_beam as beam
from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.pvalue import PBegin, PCollection

from pipeline.sources.batches import batches
from pipeline.stop import STOP
from transforms.pushdown import MAX_MESSAGE_BYTES
from transforms.records import Message
from transforms.split_json import is_json, split_container

_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"


def find_files(pattern: str) -> list[str]:
    """The files that a glob names, sorted. Raises FileReadError when there are none."""
    # Beam finds nothing for a local glob without a directory.
    here = "" if "/" in pattern else "./"
    try:
        [match] = FileSystems.match([here + pattern])
    except (BeamIOError, ValueError) as error:
        raise FileReadError(f"{pattern} cannot be looked up: {error}") from error
    if not match.metadata_list:
        raise FileReadError(f"no file is called {pattern}")
    paths = sorted(metadata.path.removeprefix(here) for metadata in match.metadata_list)
    for path in paths:
        if path.lower().endswith(".zip"):
            raise FileReadError(f"{path}: .zip is not read yet; unzip it, its .gz files are")
    return paths


def open_file(path: str) -> BinaryIO:
    """A file's bytes, inflated where they are gzip, whatever the file is called."""
    raw = FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    buffered = io.BufferedReader(cast("io.RawIOBase", raw))
    if buffered.peek(2)[:2] == _GZIP_MAGIC:
        return cast("BinaryIO", gzip.GzipFile(fileobj=buffered))
    return buffered


def read_messages(path: str, stop: Callable[[], bool]) -> Iterator[Message]:
    """The file's messages: a line each; or the whole file as one, where it is one JSON text over
    several lines (an indented array, say).

    A message's id is `path:line`. Ends early when `stop` says so. Raises FileReadError.
    """
    return _read(path, stop, _texts)


def read_lines(path: str, stop: Callable[[], bool], longest: int) -> Iterator[Message]:
    """The file's lines, like `read_messages`; of one over `longest` bytes, the head.

    Each line is a message by itself, whatever it holds.
    """
    return _read(path, stop, lambda file: _numbered_lines(1, file, longest=longest))


def _read(
    path: str,
    stop: Callable[[], bool],
    texts: Callable[[BinaryIO], Iterator[tuple[int, bytes]]],
) -> Iterator[Message]:
    try:
        with open_file(path) as file:
            for number, text in texts(file):
                if stop():
                    return
                yield _message(text, path, number)
    except (OSError, EOFError, zlib.error) as error:
        raise FileReadError(f"{path} cannot be read: {error}") from error


class FileReadError(RuntimeError):
    """A file is missing or damaged; the text says which."""


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


class ReadFromFiles(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """Messages of files in batches; those of a file in their order.

    `spread`: the engine shares the files out to its workers. It stores their names for that, and no
    record: a file is read where it is delivered. Else one worker reads them all, in their order.
    """

    def __init__(self, paths: list[str], *, spread: bool = False) -> None:
        super().__init__()
        self._paths = paths
        self._spread = spread

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        messages: PCollection[list[Message]] = (
            input_or_inputs
            | "Names" >> beam.Create(self._paths, reshuffle=self._spread)
            | "Lines" >> beam.FlatMap(read_until_stopped).with_output_types(list[Message])
        )
        return messages
