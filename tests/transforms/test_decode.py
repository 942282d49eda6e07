"""Decode: every shape of a message, every fault, and that no record takes its neighbours along."""

import base64
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.transforms.make import (
    ORIGIN,
    PUBLISHED,
    few,
    json_objects,
    letter_of,
    many,
    message,
    outcome_of,
)
from transforms.decode import MAX_DEPTH, MAX_MESSAGE_BYTES, Decoded, decode_message
from transforms.records import Origin, Record, Settled

GOOD = b'{"event_type":"A","user_id":"u1"}'
GOOD_FIELDS = {"event_type": "A", "user_id": "u1"}

PASSED = "record"
MALFORMED = "dead_lettered.malformed_json"
NOT_UTF8 = "dead_lettered.not_utf8"
NO_OBJECT = "dead_lettered.not_an_object"
TOO_DEEP = "dead_lettered.too_deep"
TOO_LARGE = "dead_lettered.too_large"


def outcomes(data: bytes) -> list[str]:
    return [
        PASSED if isinstance(result, Record) else outcome_of(result)
        for result in decode_message(message(data))
    ]


def fields_of(results: Decoded) -> list[Any]:
    return [result.fields for result in results if isinstance(result, Record)]


def nested(levels: int, inside: bytes = b"1") -> bytes:
    """A record of so many levels: the record itself is the first."""
    inner = levels - 1
    return b'{"a":' + b"[" * inner + inside + b"]" * inner + b"}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(GOOD, [PASSED], id="object"),
        pytest.param(b"\r\n\t " + GOOD + b" \n", [PASSED], id="white space around"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, [PASSED], id="byte order mark"),
        pytest.param(json.dumps(GOOD_FIELDS, indent=2).encode(), [PASSED], id="pretty object"),
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
        pytest.param(b"[" + b'{"events":[' + GOOD + b"]}," + GOOD + b"]", [PASSED] * 2),
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
        pytest.param(b"[" + nested(5000) + b"," + nested(5000) + b"]", [TOO_DEEP] * 2),
        pytest.param(gzip.compress(GOOD), [PASSED], id="gzip"),
        pytest.param(gzip.compress(GOOD + b"\n" + GOOD), [PASSED] * 2, id="gzip of lines"),
        pytest.param(gzip.compress(GOOD) + gzip.compress(b"\n" + GOOD), [PASSED] * 2),
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
    assert outcomes(data) == expected


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
    assert outcomes(wrap(b" " * (size - 2) + b"{}")) == expected


def test_of_a_message_that_is_too_large_only_the_beginning_is_kept() -> None:
    bomb = gzip.compress(b'{"api_key":"SECRET",' + b" " * MAX_MESSAGE_BYTES)
    [result] = decode_message(message(bomb))
    kept = letter_of(result).record or ""
    assert kept.startswith('{"api_key":"",')
    assert len(kept) < 1001


BAD = {
    "no value": (b'{"a":}', MALFORMED),
    "no colon": (b'{"a" 1}', MALFORMED),
    "two commas": (b'{"a":1,,"b":2}', MALFORMED),
    "a bare word": (b"oops", MALFORMED),
    "a cut word": (b'{"a":tru}', MALFORMED),
    "NaN": (b'{"event_type":"A","a":NaN}', MALFORMED),
    "1e999": (b'{"event_type":"A","a":[1e999]}', MALFORMED),
    "lone surrogate": (b'{"a":"\\ud800"}', MALFORMED),
    "an object in an object": (b'{"a":1,{"b":2}}', MALFORMED),
    "latin-1": (b'{"a":"\xe9"}', NOT_UTF8),
    "text": (b'"text"', NO_OBJECT),
    "null": (b"null", NO_OBJECT),
    "101 levels": (nested(101), TOO_DEEP),
    "5000 levels": (nested(5000), TOO_DEEP),
}


def _body_in_a_text(records: list[bytes]) -> bytes:
    text = (b"[" + b",".join(records) + b"]").decode("utf-8", "replace")
    return json.dumps({"api_key": "k", "identification": text}).encode()


CONTAINERS: dict[str, Callable[[list[bytes]], bytes]] = {
    "array": lambda records: b"[" + b",".join(records) + b"]",
    "array, a record a line": lambda records: b"[\n" + b",\n".join(records) + b"\n]",
    "lines": lambda records: b"\n".join(records) + b"\n",
    "lines of Windows": lambda records: b"\r\n".join(records),
    "body": lambda records: b'{"api_key":"k","events":[' + b",".join(records) + b"]}",
    "body, list first": lambda records: b'{"events":[' + b" , ".join(records) + b'],"api_key":"k"}',
    "pretty body": lambda records: b'{\n "events": [\n' + b",\n".join(records) + b"\n ]\n}",
    "identification": lambda records: b'{"identification":[' + b",".join(records) + b"]}",
    "gzip": lambda records: gzip.compress(b"[" + b",".join(records) + b"]"),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("bad", BAD)
def test_a_bad_record_leaves_its_neighbours_alone(container: str, bad: str) -> None:
    text, outcome = BAD[bad]
    for position in range(3):
        records, expected = [GOOD, GOOD], [PASSED, PASSED]
        records.insert(position, text)
        expected.insert(position, outcome)
        assert outcomes(CONTAINERS[container](records)) == expected


def test_a_bad_record_in_a_json_text_leaves_its_neighbours_alone() -> None:
    data = _body_in_a_text([GOOD, b'{"a":NaN}', GOOD])
    assert outcomes(data) == [PASSED, MALFORMED, PASSED]


@many
@given(
    st.lists(st.none() | st.sampled_from(list(BAD.values())), max_size=7),
    st.integers(0, 7),
    st.sampled_from(list(CONTAINERS.values())),
)
def test_good_records_survive_any_number_of_bad_ones(
    cases: list[tuple[bytes, str] | None],
    position: int,
    container: Callable[[list[bytes]], bytes],
) -> None:
    # One at least is good: a text without a readable record is one malformed input.
    chosen = [*cases[:position], None, *cases[position:]]
    texts = [
        json.dumps({"n": number}).encode() if case is None else case[0]
        for number, case in enumerate(chosen)
    ]
    results = decode_message(message(container(texts)))
    assert [
        result.fields["n"] if isinstance(result, Record) else result.outcome for result in results
    ] == [number if case is None else case[1] for number, case in enumerate(chosen)]


def test_the_dead_letter_of_a_bad_record_holds_that_record_only() -> None:
    results = decode_message(message(b"[" + GOOD + b', {"a": NaN} ,' + GOOD + b"]"))
    letter = letter_of(results[1])
    assert (letter.record, letter.encoding) == ('{"a": NaN}', "text")
    assert (letter.stage, letter.kind, letter.reason) == ("decode", "input", "malformed_json")
    assert (letter.message_id, letter.publish_time, letter.attributes) == (
        ORIGIN.message_id,
        PUBLISHED,
        ORIGIN.attributes,
    )


def test_input_that_is_no_text_is_kept_as_base64() -> None:
    bad = b'{"a":"\xe9"}'
    [_, result] = decode_message(message(GOOD + b"\n" + bad))
    letter = letter_of(result)
    assert letter.encoding == "base64"
    assert base64.b64decode(letter.record or "") == bad


@pytest.mark.parametrize("publish_time", [None, 0.0, PUBLISHED])
def test_every_record_knows_where_it_came_from(publish_time: float | None) -> None:
    results = decode_message(message(b"[{},{}]", publish_time=publish_time))
    expected = Origin(ORIGIN.message_id, publish_time, ORIGIN.attributes)
    assert [r.origin for r in results if isinstance(r, Record)] == [expected] * 2


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"event_type":"A","api_key":"SECRET"}', id="record"),
        pytest.param(b'[{"api_key":"SECRET"},{"a":NaN,"api_key":"SECRET"}]', id="array"),
        pytest.param(b'{"api_key":"SECRET","events":[{"api_key":"SECRET"}]}', id="body"),
        pytest.param(b'{"api_key":"SECRET","events":[{},{"a":NaN}]}', id="body with a bad record"),
        pytest.param(b'{"api_key":"SECRET","events":[{', id="body cut off"),
        pytest.param(b'{"events":[{}],"api_key":"SECRET', id="body cut off in the key"),
        pytest.param(b'{"api_key":"SECRET","events":{}}', id="no body after all"),
        pytest.param(b'{"api_key":"SECRET","identification":"oops"}', id="identification"),
        pytest.param(b"api_key=SECRET&identification=%5B%5D", id="form"),
        pytest.param(b'["api_key=SECRET", [{"api_key": "SECRET"}]]', id="no objects"),
        pytest.param(json.dumps('{"api_key":"SECRET"}').encode(), id="JSON in a JSON text"),
        pytest.param(b"{'api_key': 'SECRET', 'event_type': 'A'}", id="Python dict"),
        pytest.param(b'{"api_key":"SECRET","a":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"api_key":"SECRET","b":' + nested(101) + b"}", id="too deep"),
    ],
)
def test_the_api_key_goes_no_further(data: bytes) -> None:
    results = decode_message(message(data))
    assert results
    for result in results:
        shown = repr(result)
        if isinstance(result, Settled) and letter_of(result).encoding == "base64":
            shown += repr(base64.b64decode(letter_of(result).record or ""))
        assert "SECRET" not in shown


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
    assert outcomes(text) == [MALFORMED]
