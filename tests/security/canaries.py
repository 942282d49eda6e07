"""Marked values, and the search for them in whatever a run leaves behind.

A value has two marks, one near each end: half of a key is a leak too. Marks are letters and digits
alone, so that escapes (JSON, URL, HTML, repr) leave them whole; what hides them (base64,
compression, percent signs, UTF-16) is undone before the search.
"""

import base64
import binascii
import bz2
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from enum import Enum
from typing import NamedTuple
from urllib.parse import unquote_to_bytes


class Kind(Enum):
    """What a marked value is."""

    CREDENTIAL = "credential"
    """May stand in the Authorization header and nowhere else; a salt not even there."""
    PERSONAL = "personal value"
    """May stand in requests and dead letters."""


class Canary(NamedTuple):
    """A value that can be told from every other."""

    name: str
    kind: Kind
    value: str
    marks: tuple[str, str]


def _canary(name: str, kind: Kind, pattern: str) -> Canary:
    """`pattern` holds {} twice, for its marks."""
    words = name.title().replace(" ", "").replace("-", "")
    marks = f"qz7{words}x4w", f"w5{words}y8kj"
    return Canary(name, kind, pattern.format(*marks), marks)


SITE_ID = _canary("site id", Kind.CREDENTIAL, "{}+id/%41={}")
API_KEY = _canary("api key", Kind.CREDENTIAL, "{}&key%7E?'\"<{}")
HASH_SALT = _canary("hash salt", Kind.CREDENTIAL, "{}$\\~{}")
AMPLITUDE_KEY = _canary("amplitude key", Kind.CREDENTIAL, "{}-{}")
USER_ID = _canary("user id", Kind.PERSONAL, "{}/{}")
EMAIL = _canary("e-mail", Kind.PERSONAL, "{}+inbox@{}.example")
NAME = _canary("name", Kind.PERSONAL, "{} van {}")
PROPERTY = _canary("event property", Kind.PERSONAL, "{}: {}")
CANARIES = (SITE_ID, API_KEY, HASH_SALT, AMPLITUDE_KEY, USER_ID, EMAIL, NAME, PROPERTY)

_DEPTH = 5
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
_LINE_END = re.compile(rb"(?:\\r)?\\n|\r?\n")
_HEX = re.compile(rb"(?:[0-9A-Fa-f]{2}){8,}")
_GZIP, _BZIP, _ZIP = b"\x1f\x8b\x08", b"BZh", b"PK\x03\x04"
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")


def found_in(content: bytes, canaries: tuple[Canary, ...] = CANARIES) -> list[Canary]:
    """The canaries of which a mark stands in `content`, plain or packed."""
    found: dict[str, Canary] = {}
    for plain in unpacked(content):
        lowered = plain.lower()
        for canary in canaries:
            if any(mark.lower().encode() in lowered for mark in canary.marks):
                found[canary.name] = canary
    return list(found.values())


def unpacked(content: bytes) -> Iterator[bytes]:
    """The content, and whatever is packed in it, up to a depth."""
    seen: set[bytes] = set()
    waiting = [(content, 0)]
    while waiting:
        data, depth = waiting.pop()
        if data in seen:
            continue
        seen.add(data)
        yield data
        if depth < _DEPTH:
            waiting += [(inner, depth + 1) for inner in _layers(data)]


def _layers(data: bytes) -> Iterator[bytes]:
    if b"%" in data:
        yield unquote_to_bytes(data)
    if b"\0" in data:
        # UTF-16 and UTF-32 of letters and digits, in either order of bytes.
        yield data.replace(b"\0", b"")
    yield from _texts_of(data)
    yield from _archives_of(data)


def _texts_of(data: bytes) -> Iterator[bytes]:
    # Base64 may be broken into lines, also within a JSON text.
    for joined in {data, _LINE_END.sub(b"", data)}:
        for found in _BASE64.findall(joined):
            text = found.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
            # A text before it may belong to the same alphabet: each of the four places to start.
            for start in range(4):
                usable = text[start : start + (len(text) - start) // 4 * 4]
                rest = text[start + len(usable) :]
                padded = usable + (rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b"")
                try:
                    yield base64.b64decode(padded)
                except binascii.Error:
                    continue
        for found in _HEX.findall(joined):
            yield bytes.fromhex(found.decode())


def _archives_of(data: bytes) -> Iterator[bytes]:
    for start in _starts(data, _GZIP):
        yield _inflated(data[start:], wbits=31)
    for match in _ZLIB.finditer(data):
        yield _inflated(data[match.start() :], wbits=15)
    for start in _starts(data, _BZIP):
        try:
            yield bz2.BZ2Decompressor().decompress(data[start:])
        except (OSError, EOFError):
            continue
    if data.startswith(_ZIP):
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from (archive.read(name) for name in archive.namelist())
        except (zipfile.BadZipFile, zlib.error, RuntimeError):
            return


def _starts(data: bytes, magic: bytes) -> Iterator[int]:
    at = data.find(magic)
    while at >= 0:
        yield at
        at = data.find(magic, at + 1)


def _inflated(data: bytes, *, wbits: int) -> bytes:
    """As much as can be had: a stream that was cut off gives its beginning."""
    decoder = zlib.decompressobj(wbits=wbits)
    parts: list[bytes] = []
    try:
        for start in range(0, len(data), 4096):
            parts.append(decoder.decompress(data[start : start + 4096], 64 * 1024 * 1024))
            if decoder.eof:
                break
    except zlib.error:
        # Only pieces of a byte each show how far it goes.
        decoder = zlib.decompressobj(wbits=wbits)
        parts.clear()
        try:
            for byte in range(min(len(data), 65_536)):
                parts.append(decoder.decompress(data[byte : byte + 1]))
        except zlib.error:
            pass
    return b"".join(parts)
