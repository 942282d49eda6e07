"""Decode: a message's bytes -> the Amplitude records in it.

A message may hold one JSON object, an array, newline-delimited objects, an HTTP V2 request body or
an Identify API body, each of them gzipped or not. One bad record never takes its neighbours.
"""

import re
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import msgspec

from transforms.api_key import key_spans, without_spans
from transforms.deadletter import dead_letter_of_input
from transforms.gunzip import gunzip, is_gzip
from transforms.kept import MAX_KEPT_BYTES
from transforms.pushdown import (
    MAX_DEPTH,
    MAX_MESSAGE_BYTES,
    NEVER_READ,
    Projection,
    brackets,
    object_reader,
)
from transforms.reasons import RECEIVED
from transforms.records import DeadLetter, Message, Origin, Record, Settled
from transforms.request_body import records_of_body
from transforms.split_json import nesting_depth, split_container, split_records
from transforms.stage import Stage, StageDoFn, internal_error
from transforms.tally import Tally

MAX_RECORDS = 500_000
"""Of a message. A megabyte of `[0,0,…]` would else be half a million dead letters, and a small bomb
of it thirty million. Whatever can be delivered takes more than 20 bytes: what Pub/Sub takes as one
message (10 MB) holds fewer records."""
MAX_PASSED = 1_000
"""Records that go on together."""

_LINE = re.compile(rb"\S[^\n]*")
_UTF8_BOM = b"\xef\xbb\xbf"
_STAGE = "decode"

Decoded = list[Record | Settled]


class Fault(NamedTuple):
    """Why a text is no record."""

    reason: str
    detail: str


_NO_FAULT = Fault("", "")
_TOO_DEEP = Fault("too_deep", f"nested deeper than {MAX_DEPTH} levels")
_TOO_MANY = Fault("too_large", f"over {MAX_RECORDS} records in one message")
_NOT_AN_OBJECT = {
    kind: Fault("not_an_object", f"a JSON {name}")
    for kind, name in {
        list: "array",
        str: "string",
        bool: "boolean",
        type(None): "null",
        int: "number",
        float: "number",
    }.items()
}


def decode_message(message: Message) -> Decoded:
    """All records of a message in their order, each decoded or settled with its reason."""
    data = message.data
    if is_gzip(data):
        try:
            data = gunzip(data, MAX_MESSAGE_BYTES)
        except zlib.error as error:
            detail = f"starts like gzip, but does not inflate: {error}"
            return [_bad(Fault("not_utf8", detail), message, data)]
    if len(data) > MAX_MESSAGE_BYTES:
        return [_too_large(message)]
    text = data.removeprefix(_UTF8_BOM).strip()
    found, fault = _document(text, message)
    if found is None:
        found = _lines(text, fault, message)
    return found if len(found) <= MAX_RECORDS else [_bad(_TOO_MANY, message, message.data)]


def _too_large(message: Message) -> Settled:
    """Sets a message aside as it came: compressed, so that nothing of it is lost.

    Only the beginning is kept of a line of a file that is larger than any message: the file has it.
    """
    detail = f"inflated, it is over {MAX_MESSAGE_BYTES} bytes"
    if len(message.data) <= MAX_KEPT_BYTES:
        return _bad(Fault("too_large", detail), message, message.data)
    detail = f"over {MAX_MESSAGE_BYTES} bytes; only the first 1000 are kept here"
    return _bad(Fault("too_large", detail), message, message.data[:1000])


def _parse(text: bytes) -> tuple[Any, Fault]:
    """The JSON value and no fault, or None and what is wrong with the text."""
    try:
        return msgspec.json.decode(text), _NO_FAULT
    except RecursionError:
        closed = split_container(text) is not None
        fault = _TOO_DEEP if closed else Fault("malformed_json", "brackets do not match")
    except (msgspec.DecodeError, ValueError) as error:
        fault = Fault("malformed_json", str(error))
    try:
        text.decode()
    except UnicodeDecodeError as wrong:
        fault = Fault("not_utf8", f"{wrong.reason} at byte {wrong.start}")
    return None, fault


def _document(text: bytes, message: Message) -> tuple[Decoded | None, Fault]:
    """The records of one JSON text; None, and what is wrong, where it is none as a whole."""
    value, fault = _parse(text)
    if fault is _NO_FAULT:
        try:
            return list(islice(_unwrap(value, text, message), MAX_RECORDS + 1)), fault
        except RecursionError:
            fault = _TOO_DEEP
    found = _salvaged(text, message)
    if found is None and fault is _TOO_DEEP:
        found = [_bad(fault, message, text)]
    return found, fault


def _salvaged(text: bytes, message: Message) -> Decoded | None:
    """The records of an array or a request body that holds bad ones too; None if it is neither."""
    split = split_records(text, MAX_RECORDS + 1) or []
    if len(split) > MAX_RECORDS:
        return [_bad(_TOO_MANY, message, text)]
    items = [(item, *_parse(item)) for item in split]
    # Not one item can be read: then it is the text that is at fault, not its items.
    if all(fault.reason in ("malformed_json", "not_utf8") for _item, _value, fault in items):
        return None
    found: Decoded = []
    for item, value, fault in items:
        try:
            whole = fault is _NO_FAULT
            found += _unwrap_item(value, item, message) if whole else [_bad(fault, message, item)]
        except RecursionError:
            found.append(_bad(_TOO_DEEP, message, item))
        if len(found) > MAX_RECORDS:
            break
    return found


def _lines(text: bytes, fault: Fault, message: Message) -> Decoded:
    """The records of newline-delimited JSON; if no line is an object or array, `text` is bad."""
    lines = [match.span() for match in islice(_LINE.finditer(text), MAX_RECORDS + 1)]
    read = []
    for start, end in lines if len(lines) > 1 else []:
        line = text[start:end].rstrip()
        read.append((line, start, *_document(line, message)))
    if not any(line[:1] in (b"{", b"[") and found is not None for line, _, found, _ in read):
        return [_bad(fault, message, text)]
    if len(lines) > MAX_RECORDS:
        return [_bad(_TOO_MANY, message, text)]
    results: Decoded = []
    # Looked for in the whole text: the value of a key may stand in the line behind its name.
    keys = key_spans(text) if any(found is None for _, _, found, _ in read) else []
    for line, start, found, line_fault in read:
        if found is None:
            line = without_spans(text, keys, start, start + len(line))
            found = [_bad(line_fault, message, line)]
        results += found
        if len(results) > MAX_RECORDS:
            break
    return results


def _unwrap(value: Any, text: bytes, message: Message) -> Iterator[Record | Settled]:
    """The records in a parsed value: itself, or those of the list or request body that it is."""
    if isinstance(value, list) and len(value) > MAX_RECORDS:
        yield _bad(_TOO_MANY, message, text)
    elif isinstance(value, list):
        for item in value:
            yield from _unwrap_item(item, None, message)
    else:
        yield from _unwrap_item(value, text, message)


def _unwrap_item(value: Any, text: bytes | None, message: Message) -> Decoded:
    """The records in an item: itself, or those of the request body that it is."""
    body = records_of_body(value)
    if body is None:
        return [_record(value, message, text)]
    if isinstance(body, list):
        if len(body) > MAX_RECORDS:
            return [_bad(_TOO_MANY, message, _text_of(value, text))]
        return [_record(item, message, None) for item in body]
    found, fault = _document(body.strip().encode(), message)
    if found is None:
        fault = Fault("malformed_json", f"`identification` is not JSON: {fault.detail}")
        return [_bad(fault, message, _text_of(value, text))]
    return found


def _record(value: Any, message: Message, text: bytes | None) -> Record | Settled:
    text = _text_of(value, text)
    if not isinstance(value, dict):
        return _bad(_NOT_AN_OBJECT[type(value)], message, text)
    # A text with no more brackets than levels allowed cannot be too deep: one fast count.
    if brackets(text) > MAX_DEPTH and nesting_depth(text) > MAX_DEPTH:
        return _bad(_TOO_DEEP, message, text)
    value.pop(NEVER_READ, None)
    return Record(value, _origin(message))


def _origin(message: Message) -> Origin:
    return Origin(message.message_id, message.publish_time, message.attributes, message.history)


def _text_of(value: Any, text: bytes | None) -> bytes:
    return msgspec.json.encode(value) if text is None else text


def _bad(fault: Fault, message: Message, data: bytes) -> Settled:
    return dead_letter_of_input(
        fault.reason, fault.detail, stage=_STAGE, message=message, data=data
    )


class _DecodeDoFn(StageDoFn[Message, Record]):
    stage = _STAGE

    def __init__(self, projection: Projection | None) -> None:
        self._projection = projection

    def setup(self) -> None:
        read = self._projection
        self._read_object = None if read is None else object_reader(read)

    def start_bundle(self) -> None:
        self.tally = Tally()

    def steps(self, elements: list[Message], letters: list[DeadLetter]) -> Iterator[list[Record]]:
        passed: list[Record] = []
        read_object = self._read_object
        received = 0
        for message in elements:
            record = None if read_object is None else read_object(message)
            if record is not None:
                received += 1
                passed.append(record)
                continue
            for result in decoded(message):
                received += 1
                if type(result) is Settled:
                    self.settle(result, letters)
                    continue
                passed.append(result)  # type: ignore[arg-type]
                if len(passed) >= MAX_PASSED:
                    # A message may hold very many; the stages behind must not hold them all.
                    yield passed
                    passed = []
        # Every result is a record, whatever becomes of it: this is where `received` is known.
        self.tally.add(RECEIVED, received)
        yield passed


def decoded(message: Message) -> Decoded:
    """All records of a message; its dead letter where `decode_message` raised."""
    try:
        return decode_message(message)
    except Exception as error:
        return [internal_error(error, message, stage=_STAGE)]


class Decode(Stage):
    """Message -> Record, with a dead letter for everything that is no record.

    `projection`: what is read of a record; None keeps all of it.
    """

    def __init__(self, projection: Projection | None = None) -> None:
        super().__init__(_DecodeDoFn(projection), Message, Record)
