"""Messages that no reader can read, as a whole or in part."""

import gzip
from functools import cache

import msgspec

from pipeline.local.traffic.message import (
    API_KEY,
    Record,
    encode,
    in_array,
    in_lines,
    request_body,
)
from pipeline.local.traffic.scene import Scene
from pipeline.local.traffic.trouble.case import Case, of_bytes, of_records


def _with(scene: Scene, fragment: bytes) -> bytes:
    """A short event with `fragment`, which need not be JSON, as the value of a property."""
    return encode(scene.small_event() | {"event_properties": {"value": msgspec.Raw(fragment)}})


def _nested(scene: Scene, levels: int) -> bytes:
    """An event of so many levels: the record is the first, event_properties the second."""
    objects = levels - 2
    return _with(scene, b'{"a":' * objects + b"1" + b"}" * objects)


def _record_of(text: bytes) -> Record:
    record: Record = msgspec.json.decode(text)
    return record


def _latin_1(scene: Scene) -> bytes:
    return _with(scene, '"Zoë"'.encode("latin-1"))


def _truncated(scene: Scene) -> bytes:
    text = encode(scene.small_event())
    return text[: len(text) * 2 // 3]


def _truncated_body(scene: Scene) -> bytes:
    return request_body([scene.small_event(), scene.small_event()]).data[:-40]


def _key_behind_the_cut(scene: Scene) -> bytes:
    event = encode(scene.small_event())
    return b'{"events":[' + event + b'],"api_key":"' + API_KEY.encode() + b'"'


@cache
def _bomb() -> bytes:
    """64 kB that inflate to one byte more than the 64 MiB that a message may have."""
    largest = 64 * 1024 * 1024
    return gzip.compress(b" " * (largest - 1) + b"{}", mtime=0)


CASES: dict[str, Case] = {
    **of_bytes(
        {
            "malformed_truncated": _truncated,
            "malformed_nan": lambda scene: _with(scene, b"NaN"),
            "malformed_infinity": lambda scene: _with(scene, b"Infinity"),
            "malformed_minus_infinity": lambda scene: _with(scene, b"-Infinity"),
            "malformed_1e999": lambda scene: _with(scene, b"1e999"),
            "malformed_lone_surrogate": lambda scene: _with(scene, b'"\\ud83d"'),
            "malformed_plain_text": lambda _: b"connection test",
            "malformed_blank": lambda _: b"\n",
            "malformed_python_dict": lambda _: b"{'event_type': 'Report Exported'}",
            "malformed_body_with_api_key": _truncated_body,
            "malformed_body_with_api_key_last": _key_behind_the_cut,
            "not_utf8_latin_1": _latin_1,
            "not_utf8_binary": lambda scene: b"\x89PNG\r\n\x1a\n" + scene.rng.randbytes(120),
            "not_an_object_string": lambda _: b'"Report Exported"',
            "not_an_object_number": lambda _: b"42",
            "not_an_object_null": lambda _: b"null",
            "too_large": lambda _: _bomb(),
            "too_deep_101": lambda scene: _nested(scene, 101),
        }
    ),
    **of_records(
        {
            "deep_100": lambda scene: _record_of(_nested(scene, 100)),
        }
    ),
    "malformed_line": lambda scene: in_lines(
        scene.line(), b'{"event_type":"Report Exp', scene.line()
    ),
    "malformed_nan_in_array": lambda scene: in_array(
        scene.line(), _with(scene, b"NaN"), scene.line()
    ),
    "malformed_1e999_in_array": lambda scene: in_array(
        scene.line(), _with(scene, b"1e999"), scene.line()
    ),
    "not_utf8_line": lambda scene: in_lines(scene.line(), _latin_1(scene), scene.line()),
    "not_an_object_item": lambda scene: in_array(scene.line(), b"7", scene.line()),
    "not_an_object_nested_array": lambda scene: in_array(scene.line(), b"[{}]", scene.line()),
    "too_deep_line": lambda scene: in_lines(scene.line(), _nested(scene, 300), scene.line()),
    "too_deep_5000_in_array": lambda scene: in_array(
        scene.line(), _nested(scene, 5000), scene.line()
    ),
}
