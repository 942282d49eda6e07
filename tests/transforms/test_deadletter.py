"""Dead letters: what was set aside, whole but for the API key."""

import base64
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.transforms.make import json_objects, letter_of, many, message, outcome_of, record
from transforms.api_key import without_api_key
from transforms.deadletter import dead_letter, dead_letter_of_input
from transforms.reasons import DEAD_LETTER_REASONS
from transforms.records import DeadLetter


def of_input(data: bytes) -> DeadLetter:
    return letter_of(
        dead_letter_of_input(
            "malformed_json", "why", stage="decode", message=message(b"all of it"), data=data
        )
    )


@pytest.mark.parametrize(
    ("data", "clean"),
    [
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b'{"a":1}', b'{"a":1}', id="no key"),
        pytest.param(b'{"api_key":"S","a":1}', b'{"api_key":"","a":1}', id="JSON"),
        pytest.param(b'{ "api_key" :\n "S" }', b'{ "api_key" :\n "" }', id="white space"),
        pytest.param(b'{"api_key":"S\\"S","a":1}', b'{"api_key":"","a":1}', id="escaped quote"),
        pytest.param(b'{"api_key":"S\\\nS","a":1}', b'{"api_key":"","a":1}', id="escaped line"),
        pytest.param(b'{"a":1,"api_key":"S', b'{"a":1,"api_key":"', id="cut off"),
        pytest.param(b'{"a":1,"api_key":"S\\', b'{"a":1,"api_key":"\\', id="cut off at a \\"),
        pytest.param(b'{"a":1,"api_key":', b'{"a":1,"api_key":', id="cut off before it"),
        pytest.param(b'[{"api_key":"S"},{"api_key":"T"}]', b'[{"api_key":""},{"api_key":""}]'),
        pytest.param(b'{"api_key":"\xff","a":1}', b'{"api_key":"","a":1}', id="not UTF-8"),
        pytest.param(b'{"api_key":null,"a":1}', b'{"api_key":null,"a":1}', id="null"),
        pytest.param(b'{"api_key":S,"a":1}', b'{"api_key":,"a":1}', id="without quotes"),
        pytest.param(b"{api_key: S}", b"{api_key: }", id="no quotes at all"),
        pytest.param(b"{'api_key': 'S', 'a': 1}", b"{'api_key': '', 'a': 1}", id="Python dict"),
        pytest.param(b'"{\\"api_key\\":\\"S\\",\\"a\\":1}"', b'"{\\"api_key\\":\\"\\",\\"a\\":1}"'),
        pytest.param(b"api_key=S&event=%7B%7D", b"api_key=&event=%7B%7D", id="form"),
        pytest.param(b"event=%7B%7D&api_key=S", b"event=%7B%7D&api_key=", id="form, last"),
        pytest.param(b'{"my_api_key":"S"}', b'{"my_api_key":"S"}', id="another name"),
        pytest.param(b'{"api_key_2":"S"}', b'{"api_key_2":"S"}', id="a longer name"),
        pytest.param(b'{"a":"the api_key"}', b'{"a":"the api_key"}', id="the word alone"),
    ],
)
def test_without_api_key(data: bytes, clean: bytes) -> None:
    assert without_api_key(data) == clean


_keys = st.text(st.characters(codec="utf-8"), min_size=4, max_size=20).map(lambda key: f"S{key}T")


@many
@given(
    key=_keys,
    before=json_objects(),
    after=json_objects(),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
@example(key='S\\"\\\\"T', before={}, after={}, ascii_only=True, indent=None)
def test_the_value_of_a_key_is_blanked_in_any_json(
    key: str, before: dict[str, Any], after: dict[str, Any], ascii_only: bool, indent: int | None
) -> None:
    body = {**before, "api_key": key, "events": [after, {"api_key": key}]}
    text = json.dumps(body, ensure_ascii=ascii_only, indent=indent)
    clean = json.loads(without_api_key(text.encode()))
    assert clean == {**before, "api_key": "", "events": [after, {"api_key": ""}]}


@many
@given(
    st.text("0123456789abcdef", min_size=8, max_size=32),
    st.integers(0, 200),
    st.sampled_from([json.dumps, repr, lambda value: json.dumps(json.dumps(value))]),
)
def test_nothing_of_a_key_is_left_in_a_text_that_is_cut(key: str, cut: int, write: Any) -> None:
    text = write({"event_type": "x", "api_key": key, "events": [{"user_id": "zz"}]})[:cut]
    assert key[:8] not in without_api_key(text.encode()).decode()


@many
@given(st.binary(max_size=100))
@example(b"api_key=\xff")
def test_any_input_has_a_letter(data: bytes) -> None:
    letter = of_input(data)
    assert letter.record is not None
    kept = (
        base64.b64decode(letter.record) if letter.encoding == "base64" else letter.record.encode()
    )
    assert kept == without_api_key(data)


def test_the_letter_of_input_names_its_message() -> None:
    letter = of_input(b'{"api_key":"S","a":')
    origin = message(b"")
    assert letter == DeadLetter(
        reason="malformed_json",
        detail="why",
        stage="decode",
        kind="input",
        message_id=origin.message_id,
        publish_time=origin.publish_time,
        attributes=origin.attributes,
        record='{"api_key":"","a":',
    )


@many
@given(json_objects())
def test_the_letter_of_a_record_holds_all_of_it(fields: dict[str, Any]) -> None:
    result = dead_letter("invalid_time", "why", stage="build", record=record(fields))
    assert outcome_of(result) == "dead_lettered.invalid_time"
    letter = letter_of(result)
    assert json.loads(letter.record or "") == fields
    assert (letter.kind, letter.encoding, letter.operation) == ("record", "text", None)
    assert (letter.stage, letter.detail, letter.reason) == ("build", "why", "invalid_time")


@pytest.mark.parametrize("reason", DEAD_LETTER_REASONS)
def test_every_reason_has_its_place_in_the_ledger(reason: str) -> None:
    result = dead_letter(reason, "", stage="s", record=record())
    assert outcome_of(result) == f"dead_lettered.{reason}"


@pytest.mark.parametrize("reason", ["", "delivered", "dead_lettered.rejected", "Malformed_JSON"])
def test_a_reason_that_is_not_listed_is_refused(reason: str) -> None:
    with pytest.raises(KeyError):
        dead_letter(reason, "", stage="s", record=record())
