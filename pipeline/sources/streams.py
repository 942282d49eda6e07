"""Streams: a file's bytes, counted as they are read, and inflated within bounds."""

import gzip
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound

from pipeline.preview.words import printable

_GZIP_MAGIC: Final = b"\x1f\x8b"
_ZIP_MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06")
_BUFFER_BYTES: Final = 32 * 1024
HARMLESS_BYTES: Final = 256 * 1024 * 1024
MAX_RATIO: Final = 500
"""A text over HARMLESS_BYTES may inflate to so many times what is stored of it. Export records come
to 10 to 30 times; the bombs that go round to 1 000 times, and squared where gzip is in a zip."""

UNREADABLE: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile)
"""What reading a missing or damaged stream raises."""


class FileReadError(RuntimeError):
    """A file is missing or damaged; the text says which."""


RECORD_FILE: Final = "a .json, .ndjson, .gz or .zip file, local or gs://"


def no_such_file(name: str, expected: str = RECORD_FILE) -> FileReadError:
    """The error for a name that no file has. `expected`: what names one, in words."""
    return FileReadError(f"no such file: {name}; expected is {expected}")


def unreadable(name: str, error: BaseException) -> FileReadError:
    """The error for a file that cannot be opened, or not be read to its end."""
    if isinstance(error, FileNotFoundError):
        return no_such_file(name)
    if isinstance(error, IsADirectoryError):
        return FileReadError(f"{name} is a directory; name a file in it")
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return FileReadError(f"{name} cannot be read: {printable(words)}")


@contextmanager
def _as_os_errors() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        raise FileNotFoundError(str(error)) from error
    except Forbidden as error:
        raise PermissionError(str(error)) from error
    except GoogleAPIError as error:
        raise ConnectionError(str(error)) from error


class Counted(io.RawIOBase):
    """A file's stored bytes, counted. Raises OSError, also where Cloud Storage has words of its
    own.
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        with _as_os_errors():
            self._file: BinaryIO = FileSystems.open(
                path, compression_type=CompressionTypes.UNCOMPRESSED
            )
        self.count = 0
        """Bytes read so far."""

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        with _as_os_errors():
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()
        super().close()

    def buffered(self) -> io.BufferedReader:
        """The bytes through a buffer, which closes the file too."""
        return io.BufferedReader(self, _BUFFER_BYTES)


class _Inflated(io.RawIOBase):
    """What a stream inflates to, as long as that is in proportion to what was read for it."""

    def __init__(self, stream: BinaryIO, name: str, stored: Counted) -> None:
        super().__init__()
        self._stream = cast("io.BufferedIOBase", stream)
        self._name = name
        self._stored = stored
        self._stored_before = stored.count
        self._inflated = 0

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        data = self._stream.read1(len(buffer))
        buffer[: len(data)] = data
        self._inflated += len(data)
        if self._inflated > HARMLESS_BYTES:
            # What was buffered before the text began belongs to it too.
            stored = self._stored.count - self._stored_before + _BUFFER_BYTES
            if self._inflated > MAX_RATIO * stored:
                raise FileReadError(
                    f"{self._name} inflates to over {MAX_RATIO} times its size, as a bomb does; "
                    "the rest of it is not read"
                )
        return len(data)

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._stream.close()
        super().close()


def text_stream(stream: BinaryIO, name: str, stored: Counted) -> BinaryIO:
    """The text in a stream: inflated where it is gzip, whatever it is called.

    `stored`: the file underneath. Raises FileReadError for an archive, which is no text.
    """
    buffered = io.BufferedReader(cast("io.RawIOBase", stream), _BUFFER_BYTES)
    head = buffered.peek(4)[:4]
    if head.startswith(_GZIP_MAGIC):
        zipped = gzip.GzipFile(fileobj=buffered)
        buffered = io.BufferedReader(_Inflated(cast("BinaryIO", zipped), name, stored))
        head = buffered.peek(4)[:4]
    elif isinstance(stream, zipfile.ZipExtFile):
        buffered = io.BufferedReader(_Inflated(cast("BinaryIO", buffered), name, stored))
    if head in _ZIP_MAGICS:
        raise FileReadError(
            f"{name} is a .zip itself; an archive is read when its name ends with .zip, and one "
            "inside another has to be taken out first"
        )
    return cast("BinaryIO", buffered)
