"""Archives: Amplitude's export, a .zip of .json.gz files, read where it lies and never unpacked.

An archive may come from anybody. So its table of contents is measured before it is read, members
are streams, names are only shown, and what cannot be read in bounded memory is refused by name.
"""

import struct
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO, Final, NamedTuple, cast

from pipeline.preview.words import printable
from pipeline.sources.streams import UNREADABLE, Counted, FileReadError, unreadable

MAX_CONTENTS_BYTES: Final = 64 * 1024 * 1024
"""Of an archive's table of contents, which is read as a whole: about half a million members."""
_MAX_NAME_CHARACTERS: Final = 200
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Of compression. The others that Python knows take as much memory as the archive asks for."""
_ENCRYPTED: Final = 0x1

# The end of an archive, in its two forms: APPNOTE.TXT 4.3.14 to 4.3.16,
# https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
_END: Final = struct.Struct("<4s4H2LH")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_MAX_COMMENT: Final = 0xFFFF


class Member(NamedTuple):
    """A file in an archive."""

    number: int
    """Its place among the members that are read, from 0."""
    name: str
    """`archive!member`, printable."""
    size: int
    """Bytes that it takes in the archive."""


class Archive:
    """An archive that is open."""

    def __init__(self, path: str, contents: zipfile.ZipFile, stored: Counted) -> None:
        self.stored: Final = stored
        self._contents = contents
        self._infos = [info for info in contents.infolist() if _is_data(info)]
        self.members: Final = tuple(
            Member(number, f"{path}!{_shown(info.filename)}", info.compress_size)
            for number, info in enumerate(self._infos)
        )
        """The files in it, in the order of its contents, without what an operating system adds."""

    @contextmanager
    def open(self, member: Member) -> Iterator[BinaryIO]:
        """A member's bytes, as a stream. Raises FileReadError where they cannot be had."""
        info = self._infos[member.number]
        if info.flag_bits & _ENCRYPTED:
            raise FileReadError(f"{member.name} is encrypted; decrypt the archive, then name it")
        if info.compress_type not in _METHODS:
            raise FileReadError(
                f"{member.name} is compressed by a method (number {info.compress_type}) that is "
                "not read; make the archive anew with plain zip"
            )
        try:
            stream = self._contents.open(info)
        except (*UNREADABLE, RuntimeError, ValueError) as error:
            raise unreadable(member.name, error) from error
        with stream:
            yield cast("BinaryIO", stream)


def is_archive(path: str) -> bool:
    """Whether a file is an archive, by its name."""
    return path.lower().endswith(".zip")


@contextmanager
def open_archive(path: str) -> Iterator[Archive]:
    """An archive, local or gs://. Raises FileReadError when it is none, or a hostile one."""
    with ExitStack() as stack:
        try:
            stored = Counted(path)
            raw = stack.enter_context(stored.buffered())
            archive = Archive(path, stack.enter_context(_contents(path, raw)), stored)
        except (*UNREADABLE, ValueError, NotImplementedError, struct.error) as error:
            raise unreadable(path, error) from error
        if not archive.members:
            raise FileReadError(f"{path} is an archive without a file in it")
        # Of what is in it; the table of contents is none of that.
        stored.count = 0
        yield archive


def _contents(path: str, raw: BinaryIO) -> zipfile.ZipFile:
    size = raw.seek(0, 2)
    if contents_bytes(raw) > MAX_CONTENTS_BYTES:
        raise FileReadError(
            f"{path}: its table of contents has over {MAX_CONTENTS_BYTES >> 20} MiB; split the "
            "archive"
        )
    contents = zipfile.ZipFile(raw)
    if sum(info.compress_size for info in contents.infolist()) > size:
        raise FileReadError(
            f"{path}: its members overlap, as they do in a zip bomb; nothing of it is read"
        )
    return contents


def contents_bytes(archive: BinaryIO) -> int:
    """How many bytes the table of contents claims to have, found as zipfile finds it; 0 for none.

    zipfile itself would read as much as is claimed and make an object of each entry.
    """
    size = archive.seek(0, 2)
    start = max(0, size - _END.size - _MAX_COMMENT)
    archive.seek(start)
    tail = archive.read(size - start)
    last = len(tail) - _END.size
    if last < 0:
        return 0
    plain = tail[last:].startswith(b"PK\5\6") and tail.endswith(b"\0\0")
    at = last if plain else tail.rfind(b"PK\5\6")
    if at < 0 or at > last:
        return 0
    claimed = int(_END.unpack_from(tail, at)[5])
    at_64 = start + at - _LOCATOR_64.size - _END_64.size
    if at_64 < 0:
        return claimed
    archive.seek(at_64)
    end = archive.read(_END_64.size)
    if end.startswith(b"PK\6\6"):
        return max(claimed, int(_END_64.unpack(end)[8]))
    return claimed


def _is_data(info: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(info.filename).parts
    return (
        not info.is_dir()
        and bool(parts)
        and not parts[-1].startswith(".")
        and "__MACOSX" not in parts
    )


def _shown(name: str) -> str:
    shown = printable(name[:_MAX_NAME_CHARACTERS])
    return shown if len(name) <= _MAX_NAME_CHARACTERS else f"{shown}…"
