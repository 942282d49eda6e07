"""Decode: nothing makes it raise, and what it reads is what was written."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.transforms.make import (
    MALFORMED,
    decoded,
    few,
    json_objects,
    letter_of,
    many,
    message,
    nested,
)
from transforms.decode import Decoded, decode_message
from transforms.pushdown import MAX_DEPTH
from transforms.records import Record, Settled


def fields_of(results: Decoded) -> list[Any]:
    return [result.fields for result in results if isinstance(result, Record)]


@many
@given(st.binary(max_size=200))
@example(b"\x1f\x8b\x08\x00")
@example(b'{"identification":""}')
@example(b"[,]")
def test_no_bytes_make_it_raise(data: bytes) -> None:
    for result in decode_message(message(data)):
        assert isinstance(result, Record) or letter_of(result).record is not None


@few
@given(st.lists(json_objects(["api_key", "event_type"]), max_size=3), st.data())
def test_damage_never_makes_it_raise_or_lose_all(records: list[Any], data: st.DataObject) -> None:
    text = bytearray(
        json.dumps(data.draw(st.sampled_from([records, {"events": records}]))).encode()
    )
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = data.draw(st.integers(start, min(start + 3, len(text))))
        text[start:end] = data.draw(st.sampled_from([b"", b'"', b"]", b"{", b",", b"\\", b"\xff"]))
    results = decode_message(message(bytes(text)))
    for result in results:
        assert isinstance(result, Record) or letter_of(result).record is not None
    if not results:
        # Only a list that is really empty holds nothing.
        assert json.loads(text) in ([], {"events": []})


def _same(left: Any, right: Any) -> bool:
    """Equal in value and type all the way down: 1, 1.0 and True are three, 0.0 and -0.0 two."""
    if isinstance(left, dict):
        return list(left) == list(right) and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return type(left) is type(right) and repr(left) == repr(right)


@many
@given(
    fields=json_objects().filter(lambda fields: not fields.keys() & {"events", "api_key"}),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
@example(
    fields={"a": 10**4000, "b": -(2**63) - 1, "c": 5e-324, "d": -0.0}, ascii_only=True, indent=2
)
def test_values_come_through_as_they_are(
    fields: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(fields, ensure_ascii=ascii_only, indent=indent)
    [found] = fields_of(decode_message(message(text.encode())))
    assert _same(found, fields)


@few
@given(st.integers(1, MAX_DEPTH), st.sampled_from([b"[%s]", b'{"a":%s}']))
def test_nesting_comes_through_as_it_is(levels: int, layer: bytes) -> None:
    text = b"1"
    for _ in range(levels - 1):
        text = layer % text
    text = b'{"a":%s}' % text
    assert fields_of(decode_message(message(text))) == [json.loads(text)]


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(b"%s", id="alone"),
        pytest.param(b"[%s]", id="in an array"),
        pytest.param(b'[{"events":[%s]},NaN]', id="in a body in an array"),
        pytest.param(b"{}\n[%s]", id="in an array on a line"),
    ],
)
def test_no_depth_around_the_parser_s_own_limit_makes_it_raise(layout: bytes) -> None:
    for levels in range(850, 1010):
        results = decode_message(message(layout % nested(levels)))
        assert "too_deep" in {letter_of(r).reason for r in results if isinstance(r, Settled)}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b'{"a":' + b'\\"' * 300_000, id="escaped quotes"),
        pytest.param(b"[" + b'"' * 300_001, id="quotes"),
        pytest.param(b"[" + b"{}," * 100_000, id="an array that does not end"),
        pytest.param(b"[" * 300_000, id="open brackets"),
        pytest.param(b'"api_key' * 50_000, id="names of keys"),
    ],
)
def test_hostile_text_is_one_malformed_input(text: bytes) -> None:
    assert decoded(text) == [MALFORMED]
