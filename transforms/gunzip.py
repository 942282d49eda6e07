"""Inflating gzip that nobody vouches for: in parts, in bounded memory, in linear time."""

import re
import zlib
from collections.abc import Iterator
from typing import NamedTuple

_MAGIC = b"\x1f\x8b"
_WBITS = 31
_FIRST_READ = 1024
_LARGEST_READ = 64 * 1024
"""Compressed bytes handed to zlib at a time. It copies what a member leaves of them, so a message
of many small members would take the square of its size if each were given all that is left."""
_LARGEST_PART = 1024 * 1024
_PIECES = 16
_ZEROS = re.compile(rb"\0*")


class Part(NamedTuple):
    """A piece of what was compressed."""

    data: bytes
    read: int
    """Compressed bytes that were taken up to here."""


def is_gzip(data: bytes) -> bool:
    """Whether `data` begins like gzip."""
    return data[:2] == _MAGIC


def gunzip(data: bytes, limit: int) -> bytes:
    """All members of `data`, inflated. The work stops at one byte above `limit`.

    Raises zlib.error where they are damaged before that.
    """
    parts: list[bytes] = []
    room = limit + 1
    for part in gunzip_parts(data):
        parts.append(part.data[:room])
        room -= len(parts[-1])
        if not room:
            break
    return b"".join(parts)


def gunzip_parts(data: bytes, *, up_to_damage: bool = False) -> Iterator[Part]:
    """All members of `data`, inflated by about a mebibyte at a time.

    Damaged data raises zlib.error, and what inflated shortly before is lost; with `up_to_damage`
    the parts end at the last byte that inflates, and nothing is raised.
    """
    view = memoryview(data)
    position = 0
    while position < len(view):
        member = zlib.decompressobj(wbits=_WBITS)
        size = _FIRST_READ
        while not member.eof:
            given = view[position : position + size]
            before = member.copy() if up_to_damage else None
            try:
                inflated = member.decompress(given, _LARGEST_PART)
            except zlib.error:
                if before is None:
                    raise
                yield Part(_up_to_damage(before, given), len(view))
                return
            left = member.unused_data if member.eof else member.unconsumed_tail
            position += len(given) - len(left)
            if inflated:
                yield Part(inflated, position)
            elif not given:
                if up_to_damage:
                    return
                raise zlib.error("the data ends early")
            size = min(size * 2, _LARGEST_READ)
        # Like gzip itself: zeros behind a member are padding.
        padding = _ZEROS.match(data, position)
        position = padding.end() if padding else position


def _up_to_damage(member: "zlib._Decompress", damaged: memoryview) -> bytes:
    """What inflates of data that is damaged somewhere: all pieces up to a damaged byte."""
    inflated: list[bytes] = []
    size = max(1, len(damaged) // _PIECES)
    for start in range(0, len(damaged), size):
        piece = damaged[start : start + size]
        before = member.copy()
        try:
            inflated.append(member.decompress(piece))
        except zlib.error:
            if len(piece) > 1:
                inflated.append(_up_to_damage(before, piece))
            break
    return b"".join(inflated)
