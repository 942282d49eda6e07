"""Decode: a message's bytes -> the Amplitude records in it.

A message may hold one JSON object, an array, newline-delimited objects, an HTTP V2 request body or
an Identify API body, each of them gzipped or not. One bad record never takes its neighbours.
"""

import zlib
from collections.abc import Iterator
from typing import Any

import msgspec

from transforms.deadletter import dead_letter_of_input
from transforms.reasons import RECEIVED
from transforms.records import Message, Origin, Record, Settled
from transforms.split_json import nesting_depth, split_records
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally

MAX_MESSAGE_BYTES = 64 * 1024 * 1024
"""Of a message, after inflating it."""
MAX_DEPTH = 100
"""Levels of nesting; a flat record has one."""

_GZIP_MAGIC = b"\x1f\x8b"
_UTF8_BOM = b"\xef\xbb\xbf"
_STAGE = "decode"

Decoded = list[Record | Settled]


def decode_message(message: Message) -> Decoded:
    """All records of a message in their order, each decoded or settled with its reason."""
    return list(_records(message))


def _records(message: Message) -> Iterator[Record | Settled]:
    data = message.data
    if data[:2] == _GZIP_MAGIC:
        try:
            data = _inflate(data)
        except zlib.error as error:
            yield _bad("not_utf8", f"starts like gzip, but does not inflate: {error}", message)
            return
    if len(data) > MAX_MESSAGE_BYTES:
        detail = f"over {MAX_MESSAGE_BYTES} bytes; only the first 1000 are kept here"
        yield _bad("too_large", detail, message, data[:1000])
        return
    text = data.removeprefix(_UTF8_BOM).strip()
    value, fault = _parse(text)
    if fault is None:
        try:
            yield from list(_unwrap(value, text, message))
        except RecursionError:
            fault = ("too_deep", f"nested deeper than {MAX_DEPTH} levels")
    if fault is not None:
        yield from _one_by_one(text, fault, message)


def _inflate(data: bytes) -> bytes:
    """Gunzips all members of `data`, up to one byte above the limit. Raises zlib.error."""
    parts: list[bytes] = []
    room = MAX_MESSAGE_BYTES + 1
    while data and room > 0:
        member = zlib.decompressobj(wbits=31)
        parts.append(member.decompress(data, room))
        room -= len(parts[-1])
        if not member.eof and room > 0:
            raise zlib.error("the data ends early")
        data = member.unused_data
    return b"".join(parts)


def _parse(text: bytes) -> tuple[Any, tuple[str, str] | None]:
    """The JSON value, or None with (reason, detail)."""
    try:
        return msgspec.json.decode(text), None
    except RecursionError:
        return None, ("too_deep", f"nested deeper than {MAX_DEPTH} levels")
    except (msgspec.DecodeError, ValueError) as error:
        if nesting_depth(text) > MAX_DEPTH:
            return None, ("too_deep", f"nested deeper than {MAX_DEPTH} levels")
        try:
            text.decode()
        except UnicodeDecodeError as wrong:
            return None, ("not_utf8", f"{wrong.reason} at byte {wrong.start}")
        return None, ("malformed_json", str(error))


def _unwrap(value: Any, text: bytes | None, message: Message) -> Iterator[Record | Settled]:
    """The records in a parsed value: itself, or those of the list or request body that it is."""
    if isinstance(value, list):
        for item in value:
            yield from _unwrap_item(item, None, message)
    else:
        yield from _unwrap_item(value, text, message)


def _unwrap_item(value: Any, text: bytes | None, message: Message) -> Iterator[Record | Settled]:
    """The records in an item: itself, or those of the request body that it is."""
    body = _list_in(value)
    if isinstance(body, list):
        for item in body:
            yield _record(item, message, None)
    elif body is None:
        yield _record(value, message, text)
    else:
        yield _bad("malformed_json", body, message, _text_of(value, text))


def _list_in(value: Any) -> list[Any] | str | None:
    """The records of a request body; None when `value` is none; a text when it is a broken one."""
    if not isinstance(value, dict) or "event_type" in value or "event_name" in value:
        return None
    events = value.get("events")
    if isinstance(events, list):
        return events
    identification = value.get("identification")
    if isinstance(identification, str):
        identification, fault = _parse(identification.encode())
        if fault is not None:
            return f"`identification` is not JSON: {fault[1]}"
        identification = (
            identification if isinstance(identification, list | dict) else [identification]
        )
    return [identification] if isinstance(identification, dict) else identification


def _record(value: Any, message: Message, text: bytes | None) -> Record | Settled:
    if not isinstance(value, dict):
        found = {list: "array", str: "string", bool: "boolean", type(None): "null"}
        detail = f"a JSON {found.get(type(value), 'number')}"
        return _bad("not_an_object", detail, message, _text_of(value, text))
    if _deeper_than(value, text):
        detail = f"nested deeper than {MAX_DEPTH} levels"
        return _bad("too_deep", detail, message, _text_of(value, text))
    value.pop("api_key", None)
    return Record(
        fields=value,
        origin=Origin(message.message_id, message.publish_time, message.attributes),
    )


def _text_of(value: Any, text: bytes | None) -> bytes:
    return msgspec.json.encode(value) if text is None else text


def _deeper_than(value: Any, text: bytes | None) -> bool:
    # A text with no more brackets than levels allowed cannot be too deep: one fast count.
    if text is not None and text.count(b"{") + text.count(b"[") <= MAX_DEPTH:
        return False
    return nesting_depth(_text_of(value, text)) > MAX_DEPTH


def _one_by_one(
    text: bytes, fault: tuple[str, str], message: Message
) -> Iterator[Record | Settled]:
    """The records of a text that does not parse as a whole."""
    lines = [stripped for line in text.split(b"\n") if (stripped := line.strip())]
    parsed = [_parse(line) for line in lines]
    if len(lines) > 1 and any(isinstance(value, dict | list) for value, _ in parsed):
        for line, (value, line_fault) in zip(lines, parsed, strict=True):
            if line_fault is None:
                yield from _unwrap(value, line, message)
            else:
                yield from _from_list(line, line_fault, message)
        return
    yield from _from_list(text, fault, message)


def _from_list(text: bytes, fault: tuple[str, str], message: Message) -> Iterator[Record | Settled]:
    items = split_records(text) or []
    parsed = [_parse(item) for item in items]
    if all(item_fault is not None for _value, item_fault in parsed):
        # Not one item can be read: then it is the text that is at fault, not its items.
        yield _bad(*fault, message, text)
        return
    for item, (value, item_fault) in zip(items, parsed, strict=True):
        if item_fault is None:
            yield from _unwrap_item(value, item, message)
        else:
            yield _bad(*item_fault, message, item)


def _bad(reason: str, detail: str, message: Message, data: bytes | None = None) -> Settled:
    at_fault = message.data if data is None else data
    return dead_letter_of_input(reason, detail, stage=_STAGE, message=message, data=at_fault)


class _DecodeDoFn(StageDoFn[Message, Record]):
    stage = _STAGE

    def __init__(self) -> None:
        self.tally = Tally()

    def step(self, element: Message) -> Decoded:
        return decode_message(element)

    def process(self, element: Message, *_args: Any, **_kwargs: Any) -> Iterator[Any]:
        # Every result is a record, whatever becomes of it: this is where `received` is known.
        for result in super().process(element):
            self.tally.add(RECEIVED)
            yield result


class Decode(Stage):
    """Message -> Record, with a dead letter for everything that is no record."""

    def __init__(self) -> None:
        super().__init__(_DecodeDoFn(), Message, Record)
