"""Decode: every shape of a message, every fault, and what its dead letter holds."""

import base64
import gzip
import json
from collections.abc import Callable

import pytest

from tests.transforms.make import (
    GOOD,
    MALFORMED,
    NO_OBJECT,
    NOT_UTF8,
    PASSED,
    TOO_DEEP,
    TOO_LARGE,
    decoded,
    letter_of,
    message,
    nested,
)
from transforms.decode import decode_message
from transforms.kept import MAX_KEPT_BYTES
from transforms.pushdown import MAX_DEPTH, MAX_MESSAGE_BYTES


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(GOOD, [PASSED], id="object"),
        pytest.param(b"\r\n\t " + GOOD + b" \n", [PASSED], id="white space around"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, [PASSED], id="byte order mark"),
        pytest.param(json.dumps(json.loads(GOOD), indent=2).encode(), [PASSED], id="pretty object"),
        pytest.param(b"{}", [PASSED], id="empty object"),
        pytest.param(b"[" + GOOD + b"," + GOOD + b"]", [PASSED] * 2, id="array"),
        pytest.param(b"[ ]", [], id="empty array"),
        pytest.param(GOOD + b"\n" + GOOD, [PASSED] * 2, id="lines"),
        pytest.param(b"\n" + GOOD + b"\r\n\r\n" + GOOD + b"\n", [PASSED] * 2, id="blank lines"),
        pytest.param(b"[" + GOOD + b"]\n" + GOOD, [PASSED] * 2, id="a line is an array"),
        pytest.param(b'{"events":[' + GOOD + b"]}\n" + GOOD, [PASSED] * 2, id="a line is a body"),
        pytest.param(b'{"api_key":"k","events":[' + GOOD + b"]}", [PASSED], id="HTTP V2 body"),
        pytest.param(b'{"api_key":"k","events":[]}', [], id="body without events"),
        pytest.param(
            b'{"event_type":null,"events":[' + GOOD + b"]}", [PASSED], id="null type is no type"
        ),
        pytest.param(b'{"event_type":"A","events":[1]}', [PASSED], id="an event named events"),
        pytest.param(b'{"event_name":"A","events":[1]}', [PASSED], id="event_name, the same"),
        pytest.param(b'{"events":{}}', [PASSED], id="events is no list"),
        pytest.param(b'{"identification":' + GOOD + b"}", [PASSED], id="identification object"),
        pytest.param(b'{"identification":[' + GOOD + b"]}", [PASSED], id="identification array"),
        pytest.param(
            json.dumps({"identification": GOOD.decode()}).encode(), [PASSED], id="in a text"
        ),
        pytest.param(
            json.dumps({"identification": f" [{GOOD.decode()}, 7]"}).encode(),
            [PASSED, NO_OBJECT],
            id="array in a text",
        ),
        pytest.param(b'{"identification":"oops"}', [MALFORMED], id="no JSON in the text"),
        pytest.param(b'{"identification":7}', [PASSED], id="identification is a number"),
        pytest.param(
            b"[" + b'{"events":[' + GOOD + b"]}," + GOOD + b"]", [PASSED] * 2, id="body in an array"
        ),
        pytest.param(b"", [MALFORMED], id="empty"),
        pytest.param(b" \n ", [MALFORMED], id="blank"),
        pytest.param(b"hello", [MALFORMED], id="plain text"),
        pytest.param(b"{'event_type': 'A'}", [MALFORMED], id="Python dict"),
        pytest.param(GOOD[:-1], [MALFORMED], id="cut off"),
        pytest.param(b"[", [MALFORMED], id="a bracket"),
        pytest.param(b'{"events":[', [MALFORMED], id="body cut off at its list"),
        pytest.param(b'{"events":[]', [MALFORMED], id="body cut off behind its list"),
        pytest.param(b"[" + GOOD + b"] x", [MALFORMED], id="something behind the array"),
        pytest.param(b"[" + GOOD + b"][" + GOOD + b"]", [MALFORMED], id="two arrays on a line"),
        pytest.param(GOOD + GOOD, [MALFORMED], id="two objects on a line"),
        pytest.param(b"[NaN,NaN]", [MALFORMED], id="no item is readable"),
        pytest.param(b'{"a":NaN}\n{"a":NaN}', [MALFORMED], id="no line is readable"),
        pytest.param(b"1\n2", [MALFORMED], id="no line is an object"),
        pytest.param(b"1\n" + GOOD, [NO_OBJECT, PASSED], id="one line is an object"),
        pytest.param(b'"text"', [NO_OBJECT], id="string"),
        pytest.param(b"42", [NO_OBJECT], id="number"),
        pytest.param(b"null", [NO_OBJECT], id="null"),
        pytest.param(b"[null,true,1.5,[]]", [NO_OBJECT] * 4, id="no objects in an array"),
        pytest.param(b'{"a":NaN}', [MALFORMED], id="NaN"),
        pytest.param(b'{"a":-Infinity}', [MALFORMED], id="-Infinity"),
        pytest.param(b'{"a":1e999}', [MALFORMED], id="1e999"),
        pytest.param(b'{"a":-1e999}', [MALFORMED], id="-1e999"),
        pytest.param(b'{"a":1.7976931348623157e308}', [PASSED], id="the largest float"),
        pytest.param(b'{"a":' + b"1" * 5000 + b"}", [MALFORMED], id="a number of 5000 digits"),
        pytest.param(b'{"a":"\\ud83d"}', [MALFORMED], id="lone surrogate"),
        pytest.param(b'{"\\udc00":1}', [MALFORMED], id="lone surrogate in a name"),
        pytest.param(b'{"a":"\\ud83d\\ude00"}', [PASSED], id="a pair of surrogates"),
        pytest.param(b'{"a":"\\u0000"}', [PASSED], id="NUL, escaped"),
        pytest.param(b'{"a":"x\ny"}', [MALFORMED], id="line feed in a string"),
        pytest.param(b'{"a":"\xe9"}', [NOT_UTF8], id="latin-1"),
        pytest.param(b'{"a":"\xed\xa0\xbd"}', [NOT_UTF8], id="surrogate as bytes"),
        pytest.param(b'{"a":"\xc0\x80"}', [NOT_UTF8], id="overlong"),
        pytest.param(b"\x89PNG\r\n\x1a\n", [NOT_UTF8], id="binary"),
        pytest.param(b'{"a" \xff', [NOT_UTF8], id="not UTF-8 and malformed"),
        pytest.param(nested(MAX_DEPTH), [PASSED], id="100 levels"),
        pytest.param(nested(MAX_DEPTH + 1), [TOO_DEEP], id="101 levels"),
        pytest.param(nested(MAX_DEPTH, b"[],[]"), [TOO_DEEP], id="100 levels around lists"),
        pytest.param(nested(MAX_DEPTH - 1, b"[],[]"), [PASSED], id="99 levels around lists"),
        pytest.param(b"[" + nested(MAX_DEPTH) + b"]", [PASSED], id="the array is no level"),
        pytest.param(b'{"events":[' + nested(MAX_DEPTH) + b"]}", [PASSED], id="nor is the body"),
        pytest.param(b"[" + nested(MAX_DEPTH + 1) + b"]", [TOO_DEEP], id="101 levels in an array"),
        pytest.param(b'{"a":"' + b"[" * 200 + b'"}', [PASSED], id="brackets in a string"),
        pytest.param(b'{"a":[' + b"[]," * 200 + b"1]}", [PASSED], id="brackets side by side"),
        pytest.param(nested(101, b"NaN"), [MALFORMED], id="malformed comes before too deep"),
        pytest.param(nested(101, b'"\xff"'), [NOT_UTF8], id="not UTF-8 comes before too deep"),
        pytest.param(nested(5000, b'"\xff"'), [NOT_UTF8], id="the same, beyond the parser"),
        pytest.param(nested(5000), [TOO_DEEP], id="5000 levels"),
        pytest.param(b"[" * 5000, [MALFORMED], id="5000 open brackets"),
        pytest.param(nested(5000) + b"\n" + nested(5000), [TOO_DEEP] * 2, id="5000 levels a line"),
        pytest.param(
            b"[" + nested(5000) + b"," + nested(5000) + b"]", [TOO_DEEP] * 2, id="5000 an item"
        ),
        pytest.param(gzip.compress(GOOD), [PASSED], id="gzip"),
        pytest.param(gzip.compress(GOOD + b"\n" + GOOD), [PASSED] * 2, id="gzip of lines"),
        pytest.param(
            gzip.compress(GOOD) + gzip.compress(b"\n" + GOOD),
            [PASSED] * 2,
            id="gzip of two members",
        ),
        pytest.param(gzip.compress(GOOD) + bytes(512), [PASSED], id="gzip with padding"),
        pytest.param(gzip.compress(b""), [MALFORMED], id="gzip of nothing"),
        pytest.param(gzip.compress(GOOD)[:-9], [NOT_UTF8], id="gzip cut off"),
        pytest.param(gzip.compress(GOOD) + b"x", [NOT_UTF8], id="gzip with a tail"),
        pytest.param(gzip.compress(GOOD)[:-1] + b"\xff", [NOT_UTF8], id="gzip with a wrong size"),
        pytest.param(b"\x1f\x8b", [NOT_UTF8], id="nothing but the magic"),
        pytest.param(gzip.compress(gzip.compress(GOOD)), [NOT_UTF8], id="gzip of gzip"),
    ],
)
def test_every_shape(data: bytes, expected: list[str]) -> None:
    assert decoded(data) == expected


def test_the_limits_of_a_message() -> None:
    assert MAX_MESSAGE_BYTES == 67_108_864
    assert MAX_DEPTH == 100


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        pytest.param(b"[1]", "a JSON number", id="integer"),
        pytest.param(b"[1.5]", "a JSON number", id="float"),
        pytest.param(b'["SECRET"]', "a JSON string", id="string"),
        pytest.param(b"[true]", "a JSON boolean", id="boolean"),
        pytest.param(b"[null]", "a JSON null", id="null"),
        pytest.param(b"[[]]", "a JSON array", id="array"),
        pytest.param(nested(101), "nested deeper than 100 levels", id="too deep"),
        pytest.param(b"\xff", "invalid start byte at byte 0", id="not UTF-8"),
        pytest.param(
            b'{"identification":"SECRET"}',
            "`identification` is not JSON: JSON is malformed: invalid character (byte 0)",
            id="no JSON in the text",
        ),
    ],
)
def test_the_detail_says_what_is_wrong(data: bytes, detail: str) -> None:
    [result] = decode_message(message(data))
    assert letter_of(result).detail == detail


def test_many_members_of_gzip_add_up() -> None:
    member = gzip.compress(b" " * (MAX_MESSAGE_BYTES // 2), compresslevel=1)
    assert decoded(member + member + gzip.compress(b"{}")) == [TOO_LARGE]


@pytest.mark.parametrize(
    "wrap", [pytest.param(bytes, id="plain"), pytest.param(gzip.compress, id="gzip")]
)
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        pytest.param(MAX_MESSAGE_BYTES, [PASSED], id="64 MiB"),
        pytest.param(MAX_MESSAGE_BYTES + 1, [TOO_LARGE], id="one byte more"),
    ],
)
def test_the_largest_message(
    wrap: Callable[[bytes], bytes], size: int, expected: list[str]
) -> None:
    assert decoded(wrap(b" " * (size - 2) + b"{}")) == expected


def test_of_a_request_body_that_is_too_large_only_the_beginning_is_kept() -> None:
    bomb = gzip.compress(b'{"api_key":"SECRET",' + b" " * MAX_MESSAGE_BYTES)
    [result] = decode_message(message(bomb))
    letter = letter_of(result)
    assert (letter.record or "").startswith('{"api_key":"",')
    assert len(letter.record or "") == MAX_KEPT_BYTES - len("SECRET")
    assert letter.detail.endswith("kept inflated, the first 10000000 bytes of it")


def test_a_message_that_is_too_large_is_kept_as_it_came() -> None:
    bomb = gzip.compress(b'{"user_id":"1"}' + b"\n" * MAX_MESSAGE_BYTES)
    [result] = decode_message(message(bomb))
    letter = letter_of(result)
    assert letter.encoding == "base64"
    assert base64.b64decode(letter.record or "") == bomb
