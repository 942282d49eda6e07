"""Projection pushdown: only what is read is made, and everything else is as if all were."""

import pickle
from typing import Any

import apache_beam as beam
import msgspec
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing.test_pipeline import TestPipeline as BeamPipeline
from apache_beam.testing.util import assert_that, equal_to
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import json_objects, letter_of, many, message, nested
from transforms import coders
from transforms.deadletter import dead_letter
from transforms.decode import MAX_PASSED, Decode, decode_message
from transforms.properties import OPERATORS
from transforms.pushdown import MAX_DEPTH, Projection, brackets, object_reader
from transforms.records import Message, Record

FIELDS = ("event_type", "user_id", "event_properties")
PROJECTION = Projection(frozenset(FIELDS), frozenset(FIELDS))
read_object = object_reader(PROJECTION)


def test_a_record_has_the_fields_that_are_read_and_its_text() -> None:
    text = b'{"city":"Bern","event_type":"A","event_properties":{"a":[1,null]},"user_id":null}'

    record = read_object(message(text))

    assert record is not None
    assert record.fields == {
        "event_type": "A",
        "event_properties": {"a": [1, None]},
        "user_id": None,
    }
    assert record.text == text
    assert record.origin == decode_one(text).origin


def test_a_dead_letter_has_the_whole_record_without_the_api_key() -> None:
    text = b' {"event_type":"A", "api_key":"SECRET", "city":"Bern", "n":1.0}\n'
    record = read_object(message(text))
    assert record is not None

    letter = letter_of(dead_letter("invalid_time", "", stage="build", record=record))

    assert letter.record == '{"event_type":"A","city":"Bern","n":1.0}'


def test_a_number_that_nothing_reads_may_be_too_large_to_be_held() -> None:
    text = b'{"event_type":"A","api_key":"SECRET","n":1e999}'
    record = read_object(message(text))
    assert record is not None

    letter = letter_of(dead_letter("invalid_time", "", stage="build", record=record))

    assert letter.record == '{"event_type":"A","api_key":"","n":1e999}'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[1]", id="an array"),
        pytest.param(b"1", id="no object"),
        pytest.param(b'{"event_type":"A"}\n{"event_type":"B"}', id="two lines"),
        pytest.param(b'{"api_key":"k","events":[{"event_type":"A"}]}', id="a request body"),
        pytest.param(b'{"identification":{"user_id":"u"}}', id="an Identify body"),
        pytest.param(b'{"event_type":1e999}', id="a number that is read, out of range"),
        pytest.param(b'{"city":NaN}', id="NaN where nothing is read"),
        pytest.param(b'{"city":01}', id="no JSON where nothing is read"),
        pytest.param(b'{"city":"\xff"}', id="no UTF-8 where nothing is read"),
        pytest.param(b'{"city":"\\ud800"}', id="a lone surrogate where nothing is read"),
        pytest.param(b'\xef\xbb\xbf{"event_type":"A"}', id="a byte order mark"),
        pytest.param(b"\x1f\x8b\x08\x00", id="gzip"),
        pytest.param(nested(MAX_DEPTH + 1), id="too deep"),
        pytest.param(b'{"a":' * 5_000 + b"1" + b"}" * 5_000, id="far too deep"),
    ],
)
def test_whatever_is_not_one_plain_object_gets_a_closer_look(text: bytes) -> None:
    assert read_object(message(text)) is None


def test_a_field_of_a_body_does_not_hide_an_event() -> None:
    text = b'{"event_type":"A","events":[1],"identification":"x"}'

    record = read_object(message(text))

    assert record is not None
    assert record.fields["events"] == [1]


@many
@given(json_objects([*FIELDS, "api_key", "events", "event_name"]), st.sampled_from([0, 1]))
def test_a_field_that_is_read_is_what_it_is_with_a_closer_look(fields: Any, indent: int) -> None:
    text = msgspec.json.format(msgspec.json.encode(fields), indent=indent)

    record = read_object(message(text))

    if record is None:
        return
    whole = decode_one(text)
    assert {name: whole.fields.get(name) for name in FIELDS} == {
        name: record.fields.get(name) for name in FIELDS
    }
    assert letter_text(record) == letter_text(whole)


def decode_one(text: bytes) -> Record:
    [result] = decode_message(message(text))
    assert isinstance(result, Record)
    return result


def letter_text(record: Record) -> str | None:
    return letter_of(dead_letter("invalid_time", "", stage="build", record=record)).record


def _alone(element: Message) -> list[Message]:
    return [element]


NEEDED = (*FIELDS, "$insert_id", "event_time", "user_properties")
USUAL = Projection(
    fields=frozenset((*NEEDED, "time", "uuid", "country")),
    needed=frozenset(NEEDED),
    event_properties=frozenset({"a", "b"}),
    user_properties=frozenset({"plan"}),
)
EXPORTED: dict[str, Any] = {
    "event_type": "A",
    "$insert_id": "i1",
    "event_time": "2026-05-04 10:01:07.123000",
    "uuid": "not read",
    "country": "not read",
    "user_id": "u1",
    "event_properties": {"x": {"deep": 1}, "b": [1, None], "a": None},
    "user_properties": {"plan": "pro", "seats": 3},
}
read_usual = object_reader(USUAL)


def test_of_the_usual_record_only_selected_properties_are_made() -> None:
    record = read_usual(message(msgspec.json.encode(EXPORTED)))

    assert record is not None
    assert record.fields == {
        "event_type": "A",
        "$insert_id": "i1",
        "event_time": "2026-05-04 10:01:07.123000",
        "user_id": "u1",
        "event_properties": {"b": [1, None], "a": None},
        "user_properties": {"plan": "pro"},
    }


@pytest.mark.parametrize("space", ["event_properties", "user_properties"])
@pytest.mark.parametrize("name", ["durée", "日本", "😀", "größe"])
def test_a_property_is_read_whatever_the_script_of_its_name(space: str, name: str) -> None:
    names = frozenset({"plan", name})
    projection = Projection(USUAL.fields, USUAL.needed, names, names)
    # As it arrives on a worker: no text of it has been used before.
    read = object_reader(pickle.loads(pickle.dumps(projection)))
    text = msgspec.json.encode(EXPORTED | {space: {}})
    text = text.replace(f'"{space}":{{}}'.encode(), f'"{space}":{{"{name}":5}}'.encode())

    record = read(message(text))

    assert record is not None
    assert record.fields[space] == {name: 5}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"event_type": None}, id="no type"),
        pytest.param({"event_type": 7}, id="a type that is no text"),
        pytest.param({"$insert_id": ""}, id="an empty insert id"),
        pytest.param({"$insert_id": 7}, id="an insert id that is no text"),
        pytest.param({"event_time": None}, id="no event time"),
        pytest.param({"event_time": 1_777_888_867}, id="a time in seconds"),
        pytest.param({"event_properties": [1]}, id="properties that are no object"),
        *(
            pytest.param({"user_properties": {name: {"a": 1}, "plan": "pro"}}, id=name)
            for name in sorted(OPERATORS)
        ),
        pytest.param({"user_properties": {"$set": ""}}, id="an operator with an empty text"),
    ],
)
def test_of_any_other_record_every_field_that_may_be_needed_is_made(
    changes: dict[str, Any],
) -> None:
    fields = EXPORTED | changes

    record = read_usual(message(msgspec.json.encode(fields)))

    assert record is not None
    assert record.fields == {name: fields[name] for name in fields if name in USUAL.fields}


def test_a_property_that_nothing_reads_may_be_too_large_to_be_held() -> None:
    text = msgspec.json.encode(EXPORTED).replace(b'{"deep":1}', b"1e999")

    assert read_usual(message(text)) is not None


@many
@given(st.binary(max_size=60) | st.text('{}[]"a,:', max_size=200).map(str.encode))
def test_brackets_are_counted(text: bytes) -> None:
    assert brackets(text) == text.count(b"{") + text.count(b"[")


def test_what_a_message_of_many_records_becomes_goes_on_in_parts() -> None:
    coders.register()
    many_records = message(b"[" + b",".join([b'{"event_type":"A"}'] * (2 * MAX_PASSED + 5)) + b"]")

    with BeamPipeline(runner="FnApiRunner", options=PipelineOptions([])) as pipeline:
        batches = (
            pipeline
            | beam.Create([many_records])
            | beam.Map(_alone).with_output_types(list[Message])
        )
        decoded = batches | Decode(PROJECTION)
        assert_that(decoded.passed | beam.Map(len), equal_to([MAX_PASSED, MAX_PASSED, 5]))
