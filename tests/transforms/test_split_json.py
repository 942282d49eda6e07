"""Taking broken texts apart: only where brackets and strings match, and then exactly."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import json_objects, json_values, many
from transforms.split_json import nesting_depth, split_container, split_records


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        pytest.param(b"", 0, id="nothing"),
        pytest.param(b"1", 0, id="scalar"),
        pytest.param(b'{"a":1}', 1, id="flat"),
        pytest.param(b"[[],{}]", 2, id="two"),
        pytest.param(b'{"a":{"b":[{}]}}', 4, id="four"),
        pytest.param(b'["[[[", "\\"{{{"]', 1, id="brackets in strings"),
        pytest.param(b'["\\\\", [["x"]]]', 3, id="a backslash before the closing quote"),
        pytest.param(b"[[[", 3, id="never closed"),
        pytest.param(b"]]][", 0, id="closed too often"),
        pytest.param(b'[["', 2, id="up to a string without an end"),
    ],
)
def test_nesting_depth(text: bytes, depth: int) -> None:
    assert nesting_depth(text) == depth


def _depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


@many
@given(json_values(), st.booleans())
def test_nesting_depth_of_any_json(value: Any, ascii_only: bool) -> None:
    assert nesting_depth(json.dumps(value, ensure_ascii=ascii_only).encode()) == _depth(value)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param(b"[]", [], id="empty"),
        pytest.param(b"{ }", [], id="empty object, a blank in it"),
        pytest.param(b"[ 1 , oops ,{x}]", [b"1", b"oops", b"{x}"], id="whatever is in an item"),
        pytest.param(b"[1,]", [b"1", b""], id="comma at the end"),
        pytest.param(b"[,]", [b"", b""], id="a comma alone"),
        pytest.param(b'["],", "\\"]"]', [b'"],"', b'"\\"]"'], id="signs in strings"),
        pytest.param(b'{"a":[1,2],"b":}', [b'"a":[1,2]', b'"b":'], id="members"),
        pytest.param(b"", None, id="nothing"),
        pytest.param(b"1,2", None, id="no container"),
        pytest.param(b" []", None, id="white space in front"),
        pytest.param(b"[] ", None, id="white space behind"),
        pytest.param(b"[][]", None, id="another one behind"),
        pytest.param(b"[1", None, id="not closed"),
        pytest.param(b"[{]", None, id="an item not closed"),
        pytest.param(b"[}", None, id="closed by the wrong bracket"),
        pytest.param(b"[{]}", None, id="crossed brackets"),
        pytest.param(b'["a]', None, id="a string without an end"),
    ],
)
def test_split_container(text: bytes, parts: list[bytes] | None) -> None:
    assert split_container(text) == parts


@many
@given(st.lists(json_values(), max_size=6), st.sampled_from([None, 1]))
def test_an_array_splits_into_its_items(items: list[Any], indent: int | None) -> None:
    parts = split_container(json.dumps(items, indent=indent).encode())
    assert parts is not None
    assert [json.loads(part) for part in parts] == items


@many
@given(json_objects(), st.sampled_from([None, 1]))
def test_an_object_splits_into_its_members(members: dict[str, Any], indent: int | None) -> None:
    parts = split_container(json.dumps(members, indent=indent).encode())
    assert parts is not None
    assert json.loads(b"{" + b",".join(parts) + b"}") == members


@pytest.mark.parametrize(
    ("text", "records"),
    [
        pytest.param(b"[{x},1]", [b"{x}", b"1"], id="array"),
        pytest.param(b'{"events":[{x}]}', [b"{x}"], id="events"),
        pytest.param(b'{"identification" : [{x}]}', [b"{x}"], id="identification"),
        pytest.param(b'{"api_key":"k","events":[{x}],"options":{}}', [b"{x}"], id="with others"),
        pytest.param(b'{"event_type":null,"events":[{x}]}', [b"{x}"], id="null type"),
        pytest.param(b'{"event_type":"A","events":[{x}]}', None, id="an event"),
        pytest.param(b'{"events":[{x}],"event_name":"A"}', None, id="an event, name behind"),
        pytest.param(b'{"events":[{x}],"options":oops}', None, id="broken around its records"),
        pytest.param(b'{"events":[{x}],7}', None, id="a member that is none"),
        pytest.param(b'{"events":{}}', None, id="no list"),
        pytest.param(b'{"a":[{x}]}', None, id="some other list"),
        pytest.param(b'{"events":[{x}]', None, id="cut off"),
        pytest.param(b"oops", None, id="no JSON"),
    ],
)
def test_split_records(text: bytes, records: list[bytes] | None) -> None:
    assert split_records(text) == records
