"""The shapes in which records travel: alone, in arrays, as lines, gzipped, in request bodies."""

import gzip
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

Record = dict[str, Any]

# Not a key of anybody: it stands where a request body carries Amplitude's API key, so that tests
# can look for it in every place where it must not turn up.
API_KEY = "amplitude-key-that-must-not-leak"


class Message(NamedTuple):
    """One Pub/Sub message.

    `records` is how many records a reader finds in it. `lines` are those of them that a file can
    hold, one JSON object each. `copies` says how often the message is delivered.
    """

    data: bytes
    records: int = 1
    lines: tuple[bytes, ...] = ()
    copies: int = 1


def encode(record: Record) -> bytes:
    """Return compact JSON in UTF-8; msgspec.Raw values are taken over as they are."""
    return msgspec.json.encode(record)


def single(record: Record) -> Message:
    """One object."""
    line = encode(record)
    return Message(line, lines=(line,))


def array(records: Sequence[Record]) -> Message:
    """A JSON array."""
    lines = tuple(encode(record) for record in records)
    return Message(b"[" + b",".join(lines) + b"]", len(lines), lines)


def newline_delimited(records: Sequence[Record]) -> Message:
    """One object a line."""
    lines = tuple(encode(record) for record in records)
    return Message(b"\n".join(lines) + b"\n", len(lines), lines)


def request_body(records: Sequence[Record]) -> Message:
    """A body of Amplitude's HTTP V2 API, with its API key."""
    lines = tuple(encode(record) for record in records)
    head = encode({"api_key": API_KEY})[:-1]
    return Message(head + b',"events":[' + b",".join(lines) + b"]}", len(lines), lines)


def gzipped(message: Message) -> Message:
    """The same message, compressed; without a time in it, so that the bytes repeat."""
    return message._replace(data=gzip.compress(message.data, mtime=0))


def in_array(before: Record, bad: bytes, after: Record) -> Message:
    """An array of three: the bad text between two good records."""
    first, last = encode(before), encode(after)
    return Message(b"[" + b",".join([first, bad, last]) + b"]", 3, (first, last))


def in_lines(before: Record, bad: bytes, after: Record) -> Message:
    """Three lines: the bad text between two good records."""
    first, last = encode(before), encode(after)
    return Message(b"\n".join([first, bad, last]) + b"\n", 3, (first, last))
