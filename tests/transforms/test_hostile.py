"""Hostile values, by name, through the whole chain: what must come out.

Everything goes past the fuzzer's judge as well, which holds it to all that is promised.
"""

import json
from typing import Any

import pytest

from tests.fuzz.promises import Ended
from tests.fuzz.target import run, through

SECOND = 1_777_888_867
ALL, TRIM = 1, 2
"""Settings pages: everything is selected, with dead letters for what is too large or trimmed."""
MALFORMED = "dead_lettered.malformed_json"
NOT_UTF8 = "dead_lettered.not_utf8"
INVALID_TIME = "dead_lettered.invalid_time"
SENT = "sent"


def event(**fields: Any) -> dict[str, Any]:
    return {"event_type": "A", "user_id": "u", "time": SECOND, **fields}


def ends(data: bytes, page: int = ALL) -> list[str]:
    return [outcome_of(end) for end in run(data, page)]


def outcome_of(end: Ended) -> str:
    [outcome] = end.outcomes or [SENT]
    return outcome


def operation(data: bytes, page: int = ALL) -> Any:
    """The one operation that a message becomes."""
    [end] = run(data, page)
    assert not end.outcomes, end
    [(body, _alone)] = end.items
    return json.loads(body)


def with_value(text: bytes) -> bytes:
    """An event with `text` as the value of a property."""
    return b'{"event_type":"A","user_id":"u","time":%d,"event_properties":{"v":%s}}' % (
        SECOND,
        text,
    )


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        pytest.param(b"1e-400", b"0.0", id="1e-400 is the float that is nearest"),
        pytest.param(b"-0.0", b"-0.0", id="-0.0"),
        pytest.param(b"-0", b"0", id="-0"),
        pytest.param(b"1E5", b"100000.0", id="1E5"),
        pytest.param(b"0e" + b"9" * 1_000_000, b"0.0", id="nought with a long exponent"),
        pytest.param(b"0.1000000000000000055511151231257827", b"0.1", id="digits of no effect"),
        pytest.param(b"0." + b"3" * 10_000, b"0.3333333333333333", id="10 000 decimals"),
        pytest.param(b"9" * 19, b"9" * 19, id="over 63 bits"),
        pytest.param(b"18446744073709551616", b"18446744073709551616", id="over 64 bits"),
        pytest.param(b"-9223372036854775809", b"-9223372036854775809", id="below 64 bits"),
        pytest.param(b"9" * 4300, b"9" * 4300, id="4 300 digits"),
        pytest.param(b'"\\u0000"', b'"\\u0000"', id="NUL"),
        pytest.param(b'"\x7f"', b'"\x7f"', id="DEL"),
        pytest.param(b'"\\ud83d\\ude00"', '"\U0001f600"'.encode(), id="a pair of surrogates"),
        pytest.param(b'"\\u2028"', '"\u2028"'.encode(), id="line separator"),
        pytest.param(b'1,"v":2', b"2", id="of two of the same name the last"),
        pytest.param(b'{"a":1,"a":null,"a":3}', b'{"a":3}', id="of three, further in"),
        pytest.param(b'{"__proto__":{"a":1}}', b'{"__proto__":{"a":1}}', id="__proto__"),
        pytest.param(b'{"constructor":"","":0}', b'{"constructor":"","":0}', id="constructor"),
        pytest.param(b"[" * 98 + b"]" * 98, b"[" * 98 + b"]" * 98, id="100 levels in all"),
    ],
)
def test_a_value_goes_out_as_it_came(text: bytes, sent: bytes) -> None:
    [end] = run(with_value(text), ALL)
    [(body, _alone)] = end.items
    assert body.endswith(b'"attributes":{"v":%s}}' % sent)


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        pytest.param(b"NaN", MALFORMED, id="NaN"),
        pytest.param(b"Infinity", MALFORMED, id="Infinity"),
        pytest.param(b"-Infinity", MALFORMED, id="-Infinity"),
        pytest.param(b"1e400", MALFORMED, id="1e400"),
        pytest.param(b"-1e400", MALFORMED, id="-1e400"),
        pytest.param(b"1" * 400 + b".5", MALFORMED, id="400 digits and a fraction"),
        pytest.param(b"9" * 4301, MALFORMED, id="4 301 digits"),
        pytest.param(b"9" * 10_000, MALFORMED, id="10 000 digits"),
        pytest.param(b"-" + b"9" * 10_000, MALFORMED, id="10 000 digits below nought"),
        pytest.param(b"9" * 5_000_000, MALFORMED, id="5 000 000 digits"),
        pytest.param(b'"\\ud800"', MALFORMED, id="a high surrogate alone"),
        pytest.param(b'"\\udc00"', MALFORMED, id="a low surrogate alone"),
        pytest.param(b'"\\udc00\\ud800"', MALFORMED, id="a pair the wrong way round"),
        pytest.param(b'"\xed\xa0\x80"', NOT_UTF8, id="a raw surrogate"),
        pytest.param(b'"\xc0\x80"', NOT_UTF8, id="NUL in two bytes"),
        pytest.param(b'"\xf4\x90\x80\x80"', NOT_UTF8, id="beyond Unicode"),
        pytest.param(b'"\x00"', MALFORMED, id="a raw NUL"),
        pytest.param(b'"a\rb"', MALFORMED, id="a raw carriage return"),
        pytest.param(b'"a\tb"', MALFORMED, id="a raw tab"),
        pytest.param(b"[" * 99 + b"]" * 99, "dead_lettered.too_deep", id="101 levels in all"),
        pytest.param(b"[" * 4_998 + b"]" * 4_998, "dead_lettered.too_deep", id="5 000 levels"),
        pytest.param(b"[" * 5_000, MALFORMED, id="5 000 levels that are not closed"),
        pytest.param(b"0]" + b"]" * 5_000, MALFORMED, id="levels that were not opened"),
    ],
)
def test_a_value_that_is_not_sent_takes_nobody_with_it(text: bytes, outcome: str) -> None:
    good = json.dumps(event()).encode()
    bad = with_value(text)
    assert ends(bad) == [outcome]
    assert ends(good + b"\n" + bad + b"\n" + good) == [SENT, outcome, SENT]
    if text.count(b"[") == text.count(b"]"):
        # Where brackets do not match it cannot be told where an item of an array ends.
        assert ends(b"[%s,%s,%s]" % (good, bad, good)) == [SENT, outcome, SENT]


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        pytest.param(b"[" * 10**6 + b"]" * 10**6, "dead_lettered.too_deep", id="arrays"),
        pytest.param(b'{"":' * 10**6 + b"1" + b"}" * 10**6, "dead_lettered.too_deep", id="objects"),
        pytest.param(b"[" * 10**6, MALFORMED, id="not closed"),
        pytest.param(b"0" + b"]" * 10**6, MALFORMED, id="not opened"),
    ],
)
def test_a_million_levels(text: bytes, outcome: str) -> None:
    assert ends(with_value(text)) == [outcome]


def test_zip_and_other_binary_formats_are_no_text() -> None:
    assert ends(b"PK\x03\x04\x14\x00\x00\x00\x08\x00" + bytes(range(256))) == [NOT_UTF8]
    assert ends(b"\x28\xb5\x2f\xfd\x04\x00\xff") == [NOT_UTF8]
    assert ends(b"PK\x05\x06" + bytes(18)) == [MALFORMED]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("__proto__", id="__proto__"),
        pytest.param("constructor", id="constructor"),
        pytest.param("", id="no name"),
        pytest.param("\0", id="NUL"),
        pytest.param("a\r\nX-Evil: 1", id="line ends"),
        pytest.param("\u202e\u200b", id="right to left, zero width"),
        pytest.param("__class__.__init__", id="Python's own"),
        pytest.param("%s%n{0}{{}}", id="formats"),
        pytest.param('","id":"x', id="JSON"),
    ],
)
def test_any_name_is_a_name(name: str) -> None:
    assert operation(json.dumps(event(event_properties={name: 1})).encode())["attributes"] == {
        name: 1
    }


def test_names_of_a_megabyte() -> None:
    name = "k" * 1_000_000
    as_event = json.dumps(event(event_properties={name: 1, "a": 2})).encode()
    update = json.dumps(
        {"user_id": "u", "time": SECOND, "user_properties": {name: 1, "a": 2}}
    ).encode()
    assert ends(as_event) == ["dead_lettered.event_data_too_large"]
    assert ends(update) == ["dead_lettered.attribute_name_too_long"]
    assert operation(as_event, TRIM)["attributes"] == {"a": 2}
    assert operation(update, TRIM)["attributes"] == {"a": 2, "_update": True}


def test_a_hundred_thousand_names() -> None:
    properties = {f"k{number}": number for number in range(100_000)}
    as_event = json.dumps(event(event_properties=properties)).encode()
    update = json.dumps({"user_id": "u", "time": SECOND, "user_properties": properties}).encode()
    assert ends(as_event) == ["dead_lettered.event_data_too_large"]
    assert ends(update) == ["dead_lettered.too_many_attributes"]
    kept = operation(as_event, TRIM)["attributes"]
    assert 90_000 < len(json.dumps(kept, separators=(",", ":"))) <= 100_000
    assert len(operation(update, TRIM)["attributes"]) == 301


@pytest.mark.parametrize(
    ("given", "identifiers", "segment"),
    [
        pytest.param("a\nb", {"id": "a\nb"}, "a%0Ab", id="line feed"),
        pytest.param("a\r\nX-Evil: 1", {"id": "a\r\nX-Evil: 1"}, "a%0D%0AX-Evil%3A%201", id="CRLF"),
        pytest.param("a\tb", {"id": "a\tb"}, "a%09b", id="tab"),
        pytest.param("\0", {"id": "\0"}, "%00", id="NUL"),
        pytest.param("/", {"id": "/"}, "%2F", id="slash"),
        pytest.param("a/../b", {"id": "a/../b"}, "a%2F%2E%2E%2Fb", id="dots in between"),
        pytest.param("..", {"id": ".."}, "%2E%2E", id="two dots"),
        pytest.param(".", {"id": "."}, "%2E", id="one dot"),
        pytest.param("%", {"id": "%"}, "%25", id="percent"),
        pytest.param("%2F", {"id": "%2F"}, "%252F", id="a slash that is escaped already"),
        pytest.param("a?b#c", {"id": "a?b#c"}, "a%3Fb%23c", id="query and fragment"),
        pytest.param("\\", {"id": "\\"}, "%5C", id="backslash"),
        pytest.param("\u202eada", {"id": "\u202eada"}, "%E2%80%AEada", id="right to left"),
        pytest.param("a\u200bb", {"id": "a\u200bb"}, "a%E2%80%8Bb", id="zero width"),
        pytest.param("\u3000ada\n", {"id": "ada"}, "ada", id="white space round it"),
        pytest.param("\U0001f600", {"id": "\U0001f600"}, "%F0%9F%98%80", id="emoji"),
        pytest.param("ई" * 50, {"id": "ई" * 50}, "%E0%A4%88" * 50, id="150 bytes in 50 letters"),
        pytest.param("cio_..", {"cio_id": ".."}, "cio_%2E%2E", id="a cio_id of dots"),
        pytest.param("a@b.c", {"email": "a@b.c"}, "a%40b%2Ec", id="e-mail"),
        pytest.param("a@b.c\nd@e.f", {"id": "a@b.c\nd@e.f"}, "a%40b%2Ec%0Ad%40e%2Ef", id="two"),
        pytest.param(10**149, {"id": str(10**149)}, "1" + "0" * 149, id="150 digits"),
        pytest.param(1e21, {"id": "1" + "0" * 21}, "1" + "0" * 21, id="a float"),
        pytest.param(-0.0, {"id": "0"}, "0", id="-0.0"),
    ],
)
def test_an_identifier_is_one_and_stays_in_its_place(
    given: Any, identifiers: dict[str, str], segment: str
) -> None:
    large = event(user_id=given, event_properties={"a": "x" * 40_000})
    [(end,), (request,)] = through(json.dumps(large).encode(), ALL)
    assert json.loads(end.items[0][0])["identifiers"] == identifiers
    assert request.path == f"/api/v1/customers/{segment}/events"


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        pytest.param(given, f"dead_lettered.{reason}", id=name)
        for given, reason, name in [
            ("\t\r\n\u2003", "no_identifier", "nothing but white space"),
            ("ई" * 50 + "x", "identifier_too_long", "151 bytes"),
            ("x" * 1_000_000, "identifier_too_long", "a megabyte"),
            ("cio_" + "x" * 151, "identifier_too_long", "a cio_id of 151 bytes"),
            (10**150, "identifier_too_long", "151 digits"),
            (10**4299, "identifier_too_long", "4 300 digits"),
            (1e300, "identifier_too_long", "a float of 301 digits"),
            (True, "no_identifier", "a boolean"),
            (["u"], "no_identifier", "a list"),
            ({"id": "u"}, "no_identifier", "an object"),
        ]
    ],
)
def test_what_is_no_identifier(given: Any, outcome: str) -> None:
    assert ends(json.dumps(event(user_id=given)).encode()) == [outcome]
