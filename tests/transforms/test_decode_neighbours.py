"""Decode: no bad record takes its neighbours along, wherever it stands."""

import gzip
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import (
    GOOD,
    MALFORMED,
    NO_OBJECT,
    NOT_UTF8,
    PASSED,
    TOO_DEEP,
    decoded,
    many,
    message,
    nested,
)
from transforms.decode import decode_message
from transforms.records import Record

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
        assert decoded(CONTAINERS[container](records)) == expected


def test_a_bad_record_in_a_json_text_leaves_its_neighbours_alone() -> None:
    data = _body_in_a_text([GOOD, b'{"a":NaN}', GOOD])
    assert decoded(data) == [PASSED, MALFORMED, PASSED]


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
