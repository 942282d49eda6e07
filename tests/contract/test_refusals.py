"""The checks of this directory can fail: what must never be sent, and what they say to it."""

import copy
import json
from typing import Any

import pytest

from tests.contract.limits import batch_faults, v1_event_faults
from tests.contract.schemas import (
    batch_document_faults,
    strict_json,
    v1_event_document_faults,
)

Json = dict[str, Any]
Path = tuple[str, ...]

ULID = "01HF7YAT00N64VMGH92R5RZZXZ"
EVENT: Json = {
    "type": "person",
    "action": "event",
    "identifiers": {"id": "ada"},
    "name": "Paid",
    "id": ULID,
    "timestamp": 1_700_000_000,
    "attributes": {"plan": "pro", "nested": {"a": None}},
}
IDENTIFY: Json = {
    "type": "person",
    "action": "identify",
    "identifiers": {"email": "ada@x.org"},
    "attributes": {"plan": "pro", "seats": None},
    "timestamp": 1_700_000_000,
}
V1_EVENT: Json = {
    "name": "Paid",
    "id": ULID,
    "timestamp": 1_700_000_000,
    "data": {"plan": "pro"},
}


def changed(document: Json, path: Path, value: Any) -> Json:
    """A copy with another value at `path`; without it where the value is `...`."""
    copied = copy.deepcopy(document)
    *parents, last = path
    place = copied
    for name in parents:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copied


IN_ANY_OPERATION: list[tuple[Path, Any]] = [
    (("type",), "object"),
    (("action",), "page"),
    (("more",), 1),
    (("timestamp",), 999_999_999),
    (("timestamp",), 100_000_000_000),
    (("timestamp",), 1_700_000_000.5),
    (("timestamp",), "1700000000"),
    (("timestamp",), True),
    (("timestamp",), None),
    (("identifiers",), {}),
    (("identifiers",), {"id": "ada", "email": "ada@x.org"}),
    (("identifiers",), {"phone": "+4912345"}),
    (("identifiers",), {"id": 5}),
    (("identifiers",), {"id": ""}),
    (("identifiers",), {"id": " "}),
    (("identifiers",), {"id": None}),
    (("identifiers",), {"id": "ada@x.org"}),
    (("identifiers",), {"id": "cio_a1"}),
    (("identifiers",), {"id": "a" * 151}),
    (("identifiers",), {"email": "ada"}),
    (("identifiers",), {"cio_id": ""}),
    (("attributes",), None),
    (("attributes",), []),
    *(((name,), ...) for name in IDENTIFY),
]
IN_A_V2_EVENT: list[tuple[Path, Any]] = [
    *IN_ANY_OPERATION,
    (("id",), ...),
    (("name",), ...),
    (("attributes", "plan"), None),
]
IN_ANY_EVENT: list[tuple[Path, Any]] = [
    (("name",), ""),
    (("name",), " \t"),
    (("name",), 5),
    (("name",), "e" * 101),
    (("id",), ULID.lower()),
    (("id",), ULID[:-1]),
    (("id",), f"{ULID}\n"),
    (("id",), f"8{ULID[1:]}"),
    (("id",), ULID.replace("H", "U")),
    (("id",), None),
]
IN_AN_IDENTIFY: list[tuple[Path, Any]] = [
    *IN_ANY_OPERATION,
    (("name",), "Paid"),
    (("id",), ULID),
    (("attributes",), {}),
    (("attributes",), {"_update": True}),
    (("attributes",), {"_update": False, "plan": "pro"}),
    (("attributes",), {"_private": 1}),
    (("attributes",), {"a" * 151: 1}),
    (("attributes",), {f"a{n}": n for n in range(301)}),
    (("attributes",), {f"a{n}": n for n in range(301)} | {"_update": True}),
]
IN_A_V1_EVENT: list[tuple[Path, Any]] = [
    *IN_ANY_EVENT,
    (("type",), "event"),
    (("attributes",), {}),
    (("data",), {}),
    (("data",), None),
    (("data", "plan"), None),
    (("timestamp",), 999_999_999),
    (("timestamp",), 100_000_000_000),
    *(((name,), ...) for name in V1_EVENT),
]


def test_what_is_right_passes() -> None:
    full = {f"a{n}": n for n in range(300)} | {"_update": True}
    identifies = [IDENTIFY, changed(IDENTIFY, ("attributes",), full)]
    assert batch_document_faults({"batch": [EVENT, *identifies]}) == []
    assert v1_event_document_faults(V1_EVENT) == []


@pytest.mark.parametrize(("path", "value"), [*IN_A_V2_EVENT, *IN_ANY_EVENT])
def test_no_such_event(path: Path, value: Any) -> None:
    assert batch_document_faults({"batch": [IDENTIFY, changed(EVENT, path, value)]})


@pytest.mark.parametrize(("path", "value"), IN_AN_IDENTIFY)
def test_no_such_identify(path: Path, value: Any) -> None:
    assert batch_document_faults({"batch": [EVENT, changed(IDENTIFY, path, value)]})


@pytest.mark.parametrize(("path", "value"), IN_A_V1_EVENT)
def test_no_such_v1_event(path: Path, value: Any) -> None:
    assert v1_event_document_faults(changed(V1_EVENT, path, value))


@pytest.mark.parametrize("document", [{}, {"batch": []}, {"batch": [EVENT], "more": 1}, [EVENT]])
def test_no_such_batch(document: Any) -> None:
    assert batch_document_faults(document)


def test_a_fault_is_named_by_its_place() -> None:
    document = {"batch": [EVENT, changed(EVENT, ("identifiers",), {"id": ""})]}

    [fault] = batch_document_faults(document)

    assert fault.startswith("$.batch[1].identifiers.id: ")


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        pytest.param(("name",), "é" * 51, "the event name has 102 bytes", id="event name"),
        pytest.param(("identifiers",), {"id": "é" * 76}, "the id has 152 bytes", id="identifier"),
        pytest.param(("attributes",), {"a": "x" * 32_000}, "the item has 32", id="item"),
    ],
)
def test_an_event_over_a_limit_in_bytes(path: Path, value: Any, fault: str) -> None:
    [found] = batch_faults(_encoded({"batch": [EVENT, changed(EVENT, path, value)]}))
    assert found.startswith(f"batch[1]: {fault}")


@pytest.mark.parametrize(
    ("attributes", "fault"),
    [
        pytest.param({"é" * 76: 1}, "the name 'éééééééééééééééééééé'… has 152 bytes", id="name"),
        pytest.param({"a": "é" * 501}, "attribute 'a' has 1002 bytes", id="text"),
        pytest.param({"a": ["é" * 499]}, "attribute 'a' has 1002 bytes", id="list"),
        pytest.param({"_update": True}, "0 attributes", id="nothing"),
        pytest.param({f"a{n}": n for n in range(301)}, "301 attributes", id="too many"),
    ],
)
def test_an_identify_over_a_limit_in_bytes(attributes: Json, fault: str) -> None:
    [found] = batch_faults(_encoded({"batch": [IDENTIFY | {"attributes": attributes}]}))
    assert found.startswith(f"batch[0]: {fault}")


def test_a_v1_event_over_a_limit_in_bytes() -> None:
    body = _encoded(V1_EVENT | {"name": "é" * 51, "data": {"a": "x" * 99_993}})
    assert v1_event_faults(body) == [
        "the event name has 102 bytes; 100 are allowed",
        "the event's data has 100001 bytes; 100000 are allowed",
    ]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"a":NaN}', id="NaN"),
        pytest.param(b'{"a":-Infinity}', id="infinity"),
        pytest.param(b'{"a":1e999}', id="more than a number holds"),
        pytest.param(b'{"a":1,"a":2}', id="a key twice"),
        pytest.param(b'{"a":"\xff"}', id="not UTF-8"),
        pytest.param(b'{"a":1}}', id="more behind"),
    ],
)
def test_not_json(body: bytes) -> None:
    with pytest.raises(ValueError):
        strict_json(body)


def _encoded(document: Json) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
