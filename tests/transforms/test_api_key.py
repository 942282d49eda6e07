"""API keys are found however the text around them is written, and nothing else is touched."""

import json
from random import Random

import pytest

from transforms.api_key import key_spans, may_hold_api_key, without_api_key, without_spans


@pytest.mark.parametrize(
    ("data", "clean"),
    [
        pytest.param(rb'{"api\u005fkey":"S"}', rb'{"api\u005fkey":""}', id="an escaped letter"),
        pytest.param(rb'{"api\u005Fkey":"S"}', rb'{"api\u005Fkey":""}', id="in capitals"),
        pytest.param(
            rb'{"\u0061\u0070\u0069\u005f\u006b\u0065\u0079":"S"}',
            rb'{"\u0061\u0070\u0069\u005f\u006b\u0065\u0079":""}',
            id="all letters escaped",
        ),
        pytest.param(
            rb'"{\u0022api_key\u0022:\u0022S\u0022,\u0022a\u0022:1}"',
            rb'"{\u0022api_key\u0022:\u0022\u0022,\u0022a\u0022:1}"',
            id="quotes as .NET escapes them",
        ),
        pytest.param(
            rb'"{\\\"api_key\\\":\\\"S\\\"}"', rb'"{\\\"api_key\\\":\\\"\\\"}"', id="escaped twice"
        ),
        pytest.param(
            b"event=%7B%22api_key%22%3A%22S%22%2C%22a%22%3A1%7D",
            b"event=%7B%22api_key%22%3A%22%22%2C%22a%22%3A1%7D",
            id="in a form's field",
        ),
        pytest.param(b"api_key%3DS&a=1", b"api_key%3D&a=1", id="a form in a form"),
        pytest.param(rb'{"api_key\u0022:1}', rb'{"api_key\u0022:}', id="half an escape"),
        pytest.param(
            b'{"api_key": "api_key" : "S", "a":1}', b'{"api_key": "", "a":1}', id="name twice"
        ),
        pytest.param(rb'{"my\u0061pi_key":"S"}', rb'{"my\u0061pi_key":"S"}', id="a longer name"),
        pytest.param(b'{"x\\u00e9":"api"}', b'{"x\\u00e9":"api"}', id="escapes of other letters"),
    ],
)
def test_without_api_key(data: bytes, clean: bytes) -> None:
    assert without_api_key(data) == clean
    assert may_hold_api_key(data) == (b"my" not in data and b"x" not in data)


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ('{"api_key":"SECRET","a":"é"}', '{"api_key":"","a":"é"}'),
        ('[{ "api_key" :\r\n "SECRET"}]', '[{ "api_key" :\r\n ""}]'),
        ("api_key=SECRET&a=1", "api_key=&a=1"),
    ],
)
def test_texts_of_wide_characters(codec: str, text: str, clean: str) -> None:
    assert without_api_key(text.encode(codec)).decode(codec) == clean


def test_spans_of_a_part_are_those_that_begin_in_it() -> None:
    data = b'{"api_key"\n:"SECRET"}\n{"api_key":"SE\nCRET"}'
    spans = key_spans(data)
    first, second = data.index(b"\n"), data.index(b"\n{")
    assert without_spans(data, spans, 0, first) == b'{"api_key"'
    assert without_spans(data, spans, first + 1, second) == b':""}'
    assert without_spans(data, spans, second + 1, data.rindex(b"\n")) == b'{"api_key":"'


def test_a_hundred_thousand_keys() -> None:
    rng = Random(1)
    records = [{"api_key": f"S{number}", "n": rng.random()} for number in range(100_000)]
    clean = json.loads(without_api_key(json.dumps(records).encode()))
    assert [record["n"] for record in clean] == [record["n"] for record in records]
    assert {record["api_key"] for record in clean} == {""}
