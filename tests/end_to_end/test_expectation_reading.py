"""Tables, worked out by hand, of how the expectation reads messages."""

import gzip

import pytest

from tests.end_to_end.expectation import expect

GOOD = b'{"event_type":"A","user_id":"u1","time":1777888867}'
DELIVERED = "delivered"
MALFORMED = "dead_lettered.malformed_json"
NOT_UTF8 = "dead_lettered.not_utf8"
NO_OBJECT = "dead_lettered.not_an_object"
TOO_DEEP = "dead_lettered.too_deep"
UNKNOWN = "dead_lettered.unknown_record"


def ledgers(data: bytes) -> list[str]:
    return [expected.ledger for expected in expect(data, settings={}, publish_time=1777888999.5)]


def nested(levels: int, inside: bytes = b"1") -> bytes:
    """A record of so many levels: the object itself is the first of them."""
    lists = levels - 1
    return GOOD[:-1] + b',"deep":' + b"[" * lists + inside + b"]" * lists + b"}"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(GOOD, [DELIVERED], id="one object"),
        pytest.param(b"\n " + GOOD + b"\r\n", [DELIVERED], id="white space around it"),
        pytest.param(b'{\n "event_type": "A",\n "user_id": "u"\n}', [DELIVERED], id="pretty"),
        pytest.param(b"[" + GOOD + b", " + GOOD + b"]", [DELIVERED] * 2, id="array"),
        pytest.param(b"[]", [], id="empty array"),
        pytest.param(b" [ \n ] ", [], id="empty array with white space"),
        pytest.param(GOOD + b"\n" + GOOD, [DELIVERED] * 2, id="lines"),
        pytest.param(GOOD + b"\r\n\r\n" + GOOD + b"\n", [DELIVERED] * 2, id="lines, one is blank"),
        pytest.param(b"[" + GOOD + b"]\n" + GOOD, [DELIVERED] * 2, id="a line with an array"),
        pytest.param(gzip.compress(GOOD), [DELIVERED], id="gzip"),
        pytest.param(gzip.compress(GOOD + b"\n" + GOOD), [DELIVERED] * 2, id="gzip of lines"),
        pytest.param(gzip.compress(GOOD)[:-9], [NOT_UTF8], id="gzip cut off"),
        pytest.param(b'{"api_key":"k","events":[' + GOOD + b"]}", [DELIVERED], id="HTTP V2"),
        pytest.param(b'{"api_key":"k","events":[]}', [], id="HTTP V2 without events"),
        pytest.param(b'{"events":[' + GOOD + b',7,{"x":1}]}', [DELIVERED, NO_OBJECT, UNKNOWN]),
        pytest.param(b'{"event_type":"A","user_id":"u","events":[1]}', [DELIVERED], id="no body"),
        pytest.param(b'{"events":{}}', [UNKNOWN], id="events is no list"),
        pytest.param(b'{"identification":' + GOOD + b"}", [DELIVERED], id="form, object"),
        pytest.param(b'{"identification":[' + GOOD + b"]}", [DELIVERED], id="form, array"),
        pytest.param(
            b'{"identification":"[{\\"event_type\\":\\"A\\",\\"user_id\\":\\"u\\"}]"}',
            [DELIVERED],
            id="form, JSON text",
        ),
        pytest.param(b'{"identification":"oops"}', [MALFORMED], id="form, no JSON text"),
        pytest.param(b"", [MALFORMED], id="empty"),
        pytest.param(b"hello", [MALFORMED], id="plain text"),
        pytest.param(GOOD[:-1], [MALFORMED], id="cut off"),
        pytest.param(GOOD + GOOD, [MALFORMED], id="two on one line"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, [MALFORMED], id="byte order mark"),
        pytest.param(b'{"a":NaN}', [MALFORMED], id="NaN"),
        pytest.param(b'{"a":-Infinity}', [MALFORMED], id="Infinity"),
        pytest.param(b'{"a":1e999}', [MALFORMED], id="1e999"),
        pytest.param(b'{"a":"\\ud83d"}', [MALFORMED], id="lone surrogate"),
        pytest.param(b'{"\\udc00":1}', [MALFORMED], id="lone surrogate in a name"),
        pytest.param(b'{"a":"\\ud83d\\ude00"}', [UNKNOWN], id="a pair of surrogates"),
        pytest.param(b'{"a":"x\ny"}', [MALFORMED], id="line feed in a string"),
        pytest.param(b"[" + GOOD + b",]", [MALFORMED], id="comma before the bracket"),
        pytest.param(b"[" + GOOD + b',{"a":', [MALFORMED], id="array cut off"),
        pytest.param(b"[NaN,NaN]", [MALFORMED], id="array without one good item"),
        pytest.param(b'"text"', [NO_OBJECT], id="string"),
        pytest.param(b"17", [NO_OBJECT], id="number"),
        pytest.param(b"null", [NO_OBJECT], id="null"),
        pytest.param(b"1\n2", [MALFORMED], id="lines without an object"),
        pytest.param(b"[null,[1]]", [NO_OBJECT] * 2, id="items that are no objects"),
        pytest.param(b'{"a":"\xe9"}', [NOT_UTF8], id="latin-1"),
        pytest.param(b"\x89PNG\r\n\x1a\n", [NOT_UTF8], id="binary"),
        pytest.param(nested(100), [DELIVERED], id="100 levels"),
        pytest.param(nested(101), [TOO_DEEP], id="101 levels"),
        pytest.param(b"[" + nested(100) + b"]", [DELIVERED], id="the array is no level"),
        pytest.param(nested(101, inside=b"NaN"), [MALFORMED], id="deep and malformed"),
        pytest.param(b"[" * 5000 + b"]" * 5000, [TOO_DEEP], id="5000 brackets"),
        pytest.param(b"[" * 5000, [MALFORMED], id="5000 open brackets"),
        pytest.param(b" " * (1 << 26) + b" ", ["dead_lettered.too_large"], id="over 64 MiB"),
        pytest.param(gzip.compress(bytes((1 << 26) + 1)), ["dead_lettered.too_large"], id="bomb"),
    ],
)
def test_read(data: bytes, expected: list[str]) -> None:
    assert ledgers(data) == expected


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        pytest.param(b'{"a":NaN}', MALFORMED, id="NaN"),
        pytest.param(b'{"a":1e999}', MALFORMED, id="1e999"),
        pytest.param(b'{"a" 1}', MALFORMED, id="no colon"),
        pytest.param(b'{"a":"\xff"}', NOT_UTF8, id="not UTF-8"),
        pytest.param(b'"text"', NO_OBJECT, id="string"),
        pytest.param(nested(5000), TOO_DEEP, id="5000 levels"),
        pytest.param(b"{}", UNKNOWN, id="empty object"),
    ],
)
@pytest.mark.parametrize(
    ("before", "between", "after"),
    [
        pytest.param(b"[", b",", b"]", id="array"),
        pytest.param(b"", b"\n", b"", id="lines"),
        pytest.param(b'{"api_key":"k","events":[', b",", b"]}", id="HTTP V2"),
    ],
)
def test_a_bad_record_leaves_its_neighbours_alone(
    before: bytes, between: bytes, after: bytes, bad: bytes, expected: str
) -> None:
    message = before + between.join([GOOD, bad, GOOD]) + after
    assert ledgers(message) == [DELIVERED, expected, DELIVERED]


@pytest.mark.parametrize(
    ("record", "ledger"),
    [
        pytest.param(b'{"event_name":"A","user_id":"u"}', DELIVERED, id="event_name"),
        pytest.param(b'{"event_type":null,"event_name":"A","user_id":"u"}', DELIVERED, id="null"),
        pytest.param(b'{"event_type":"  ","user_id":"u"}', UNKNOWN, id="blank"),
        pytest.param(b'{"event_type":"","user_properties":{"a":1}}', UNKNOWN, id="blank update"),
        pytest.param(b'{"event_type":5,"user_properties":{"a":1}}', UNKNOWN, id="number"),
        pytest.param(b'{"user_id":"u"}', UNKNOWN, id="nothing"),
        pytest.param(b'{"user_id":"u","user_properties":null}', UNKNOWN, id="null properties"),
        pytest.param(b'{"event_type":"$groupidentify"}', "skipped.group_type", id="group"),
        pytest.param(
            b'{"cohort_id":"c","in_cohort":false,"users":[]}', "skipped.cohort_message", id="cohort"
        ),
        pytest.param(
            b'{"user_id":"u","user_properties":{"a":1}}',
            "skipped.no_selected_property",
            id="user update without event type",
        ),
        pytest.param(
            b'{"event_type":"_identify","user_id":"u"}', "skipped.no_selected_property", id="_id"
        ),
    ],
)
def test_route(record: bytes, ledger: str) -> None:
    assert ledgers(record) == [ledger]
