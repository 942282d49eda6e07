"""How items are packed into requests."""

import json
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.packing import pack
from tests.transforms.sink.operations import (
    LARGE,
    event,
    identify,
    items_of,
    pendings,
    requests_of,
    shown,
)
from transforms.records import (
    IdentifyOperation,
    ObjectIdentifiers,
    Operation,
    Relationship,
    RelationshipsOperation,
    time_of,
)
from transforms.resolve import person_key
from transforms.sink.batch import BATCH_PATH, Pending, Request


def owners(pending: Pending) -> list[int]:
    """The positions of all records that an item carries."""
    return [part.owner for part in pending.parts] or [pending.owner]


def test_an_event_as_it_leaves() -> None:
    [request] = requests_of([event(7, plan="pro", nested={"n": [1, None]})])

    assert request.path == "/api/v2/batch"
    assert request.body() == (
        b'{"batch":[{"action":"event","type":"person","identifiers":{"id":"ada"},"name":"E7",'
        b'"id":"' + event(7).id.encode() + b'","timestamp":1700000007,'
        b'"attributes":{"plan":"pro","nested":{"n":[1,null]}}}]}'
    )


def test_nothing_to_send() -> None:
    assert requests_of([]) == []


def test_a_request_has_no_more_items_than_allowed() -> None:
    requests = requests_of([event(number) for number in range(250)], max_items=100)

    assert [len(request.pendings) for request in requests] == [100, 100, 50]


@pytest.mark.parametrize(("spare", "sizes"), [(0, [3]), (-1, [2, 1])])
def test_a_request_is_filled_to_the_last_byte(spare: int, sizes: list[int]) -> None:
    operations = [event(number, words="é" * number) for number in range(3)]
    exact = len(json.dumps({"batch": list(map(shown, operations))}, **COMPACT).encode())

    requests = requests_of(operations, max_bytes=exact + spare)

    assert [len(request.pendings) for request in requests] == sizes
    assert len(requests_of(operations)[0].body()) == exact


COMPACT: dict[str, Any] = {"separators": (",", ":"), "ensure_ascii": False}


def test_an_item_above_the_limit_of_a_request_goes_on_its_own() -> None:
    operations = [event(number, words="x" * 500) for number in range(3)]

    requests = requests_of(operations, max_bytes=100)

    assert [len(request.pendings) for request in requests] == [1, 1, 1]


# Large events


def test_a_large_event_as_it_leaves() -> None:
    [request] = requests_of([event(7, words=LARGE, n=10**30)])

    assert request.path == "/api/v1/customers/ada/events"
    assert msgspec.json.decode(request.body()) == {
        "name": "E7",
        "id": event(7).id,
        "timestamp": 1_700_000_007,
        "data": {"words": LARGE, "n": 10**30},
    }


def test_a_large_event_keeps_its_place() -> None:
    requests = requests_of([event(1), event(2), event(3, words=LARGE), event(4)])

    assert [[pending.owner for pending in request.pendings] for request in requests] == [
        [0, 1],
        [2],
        [3],
    ]


@pytest.mark.parametrize(
    ("identifiers", "segment"),
    [
        pytest.param({"id": "ada"}, "ada", id="plain"),
        pytest.param({"id": "a/b/../c"}, "a%2Fb%2F%2E%2E%2Fc", id="slashes"),
        pytest.param({"id": "50%"}, "50%25", id="percent sign"),
        pytest.param({"id": "%2F"}, "%252F", id="percent-encoded already"),
        pytest.param({"id": "."}, "%2E", id="one dot"),
        pytest.param({"id": ".."}, "%2E%2E", id="two dots"),
        pytest.param({"id": "a+b c&d=e?f#g;h:i@j,k$"}, None, id="punctuation"),
        pytest.param({"id": "Zoë 雪 🎿"}, "Zo%C3%AB%20%E9%9B%AA%20%F0%9F%8E%BF", id="unicode"),
        pytest.param({"id": "\x00\n\t\"'<>\\^`{|}~"}, None, id="control characters"),
        pytest.param({"id": "cio_"}, "cio_", id="an id like the prefix"),
        pytest.param({"cio_id": "a3/01"}, "cio_a3%2F01", id="cio_id"),
        pytest.param({"email": "a+b@x.org"}, "a%2Bb%40x%2Eorg", id="e-mail"),
    ],
)
def test_the_path_of_a_large_event(identifiers: dict[str, str], segment: str | None) -> None:
    [request] = requests_of([event(1, identifiers, words=LARGE)])

    before, start, rest = request.path.partition("/api/v1/customers/")
    found, _, end = rest.partition("/")
    assert (before, start, end) == ("", "/api/v1/customers/", "events")
    if segment is not None:
        assert found == segment
    [(kind, value)] = identifiers.items()
    assert unquote(found, errors="strict") == ("cio_" if kind == "cio_id" else "") + value
    # Nothing that a proxy or a library on the way would read as something else.
    assert found.replace("%", "").replace("_", "").replace("-", "").replace("~", "").isalnum()
    assert found.isascii()


# Properties

people = st.sampled_from(
    [{"id": "a"}, {"id": "b"}, {"cio_id": "a"}, {"email": "a@x.org"}, {"email": "A@x.org"}]
)
values = st.none() | st.integers() | st.text(max_size=30)
names = st.sampled_from(["one", "two", "three", "é"])


@st.composite
def operations(draw: st.DrawFn) -> list[Operation]:
    """Operations in the order of their time."""
    made: list[Operation] = []
    for number in range(draw(st.integers(0, 20))):
        identifiers = draw(people)
        attributes: dict[str, Any] = draw(st.dictionaries(names, values, max_size=3))
        kind = draw(st.sampled_from(["event", "event", "large", "identify", "identify", "update"]))
        if kind == "large":
            attributes["words"] = LARGE
        if kind == "update":
            attributes["_update"] = True
        if kind in ("event", "large"):
            made.append(event(number, identifiers, **attributes))
        else:
            made.append(
                IdentifyOperation(identifiers=identifiers, attributes=attributes, timestamp=number)
            )
    return made


@settings(deadline=None, derandomize=True)
@given(given_operations=operations(), max_items=st.integers(1, 8), max_bytes=st.integers(150, 2000))
def test_packing(given_operations: list[Operation], max_items: int, max_bytes: int) -> None:
    waiting = pendings(given_operations)

    requests = pack(waiting, max_items=max_items, max_bytes=max_bytes)

    sent = [pending for request in requests for pending in request.pendings]
    carried = [owner for pending in sent for owner in owners(pending)]
    assert sorted(carried) == list(range(len(waiting))), "every item exactly once"
    first = [owners(pending)[0] for pending in sent]
    assert first == sorted(first), "in their order, an item of several where its first stands"
    for request in requests:
        if request.pendings[0].item.alone:
            assert len(request.pendings) == 1
            assert request.path != BATCH_PATH
            continue
        assert request.path == BATCH_PATH
        assert 1 <= len(request.pendings) <= max_items
        assert len(request.body()) <= max_bytes or len(request.pendings) == 1
        assert items_of(request) == [shown(pending.item.operation) for pending in request.pendings]
    check_coalesced(given_operations, requests)


def check_coalesced(given_operations: list[Operation], requests: list[Request]) -> None:
    """Every item of a request against a merge made by hand."""
    for request in requests:
        for sent in request.pendings:
            given = [given_operations[owner] for owner in owners(sent)]
            if len(given) == 1:
                assert sent.item.operation == given[0]
                continue
            parts = [part for part in given if isinstance(part, IdentifyOperation)]
            assert parts == given
            assert len({person_key(part.identifiers) for part in parts}) == 1
            assert len({"_update" in part.attributes for part in parts}) == 1
            merged: dict[str, Any] = {}
            for part in parts:
                merged |= part.attributes
            newest = max(time_of(part) or 0 for part in parts)
            assert shown(sent.item.operation)["attributes"] == merged
            assert time_of(sent.item.operation) == newest
            assert sent.owner == owners(sent)[-1]


@settings(deadline=None, derandomize=True, max_examples=50)
@given(given_operations=operations(), max_items=st.integers(1, 8))
def test_one_identify_a_person_and_request(
    given_operations: list[Operation], max_items: int
) -> None:
    for request in requests_of(given_operations, max_items=max_items):
        found = [
            (pending.item.person, "_update" in operation.attributes)
            for pending in request.pendings
            if isinstance(operation := pending.item.operation, IdentifyOperation)
        ]
        # Two in a row of the same kind would have become one.
        for person in {key for key, _ in found}:
            kinds = [update for key, update in found if key == person]
            assert all(one is not two for one, two in pairwise(kinds))


@settings(deadline=None, derandomize=True, max_examples=50)
@given(given_operations=operations())
def test_halves_hold_the_same_items(given_operations: list[Operation]) -> None:
    for request in requests_of(given_operations):
        if len(request.pendings) > 1:
            one, two = request.halves()
            assert [*one.pendings, *two.pendings] == list(request.pendings)
            assert abs(len(one.pendings) - len(two.pendings)) <= 1
            assert items_of(one) + items_of(two) == items_of(request)


# Anonymous events, relationships, objects

RELATED = RelationshipsOperation(
    identifiers={"id": "ada"},
    cio_relationships=(Relationship(ObjectIdentifiers("1", "Acme")),),
)
OBJECT = IdentifyOperation(
    type="object",
    identifiers={"object_type_id": "1", "object_id": "Acme"},
    attributes={"tier": "a", "gone": None},
)


@pytest.mark.parametrize("words", ["x", LARGE])
def test_an_anonymous_event_as_it_leaves(words: str) -> None:
    [request] = requests_of([event(7, {"anonymous_id": "a/b c"}, words=words)])

    assert request.path == "/api/v1/events"
    assert msgspec.json.decode(request.body()) == {
        "anonymous_id": "a/b c",
        "name": "E7",
        "id": event(7).id,
        "timestamp": 1_700_000_007,
        "data": {"words": words},
    }


def test_an_anonymous_event_ends_no_batch() -> None:
    nobody = {"anonymous_id": "d1"}
    requests = requests_of([event(1), event(2, nobody), event(3), event(4, nobody), event(5)])

    found = [[pending.owner for pending in request.pendings] for request in requests]
    assert found == [[1], [3], [0, 2, 4]]


def test_relationships_and_objects_as_they_leave() -> None:
    [request] = requests_of([RELATED, OBJECT])

    assert items_of(request) == [
        {
            "action": "add_relationships",
            "type": "person",
            "identifiers": {"id": "ada"},
            "cio_relationships": [{"identifiers": {"object_type_id": "1", "object_id": "Acme"}}],
        },
        {
            "action": "identify",
            "type": "object",
            "identifiers": {"object_type_id": "1", "object_id": "Acme"},
            "attributes": {"tier": "a", "gone": None},
        },
    ]


def _device(device: str | None) -> dict[str, Any]:
    return {"anonymous_id": device} if device else {}


def test_updates_of_an_object_stay_apart() -> None:
    [request] = requests_of([OBJECT, OBJECT, identify(1, plan="pro"), identify(2, plan="free")])
    assert [len(pending.parts) for pending in request.pendings] == [0, 0, 2]


@pytest.mark.parametrize(
    ("one", "two", "together"),
    [
        pytest.param("d1", "d1", True, id="the same device"),
        pytest.param("d1", "d2", False, id="two devices"),
        pytest.param("d1", None, True, id="no other device"),
        pytest.param(None, "d2", True, id="a device behind it"),
    ],
)
def test_an_identify_holds_one_device(one: str | None, two: str | None, together: bool) -> None:
    given_two = [
        identify(number, None, n=number, **_device(device))
        for number, device in enumerate((one, two))
    ]
    [request] = requests_of(given_two)
    sent = [item["attributes"].get("anonymous_id") for item in items_of(request)]
    assert sent == ([one or two] if together else [one, two])
