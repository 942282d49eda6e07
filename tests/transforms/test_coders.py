"""Coders: every type that flows survives the way between two stages."""

import pickle
from typing import Any

import msgspec
import pytest
from apache_beam.coders.typecoders import registry
from apache_beam.internal import pickler
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from tests.transforms.make import (
    ORIGIN,
    built,
    event,
    event_operation,
    few,
    identify_operation,
    json_objects,
    message,
    texts,
    update,
)
from transforms.coders import StructCoder, register
from transforms.deadletter import dead_letter
from transforms.records import (
    Built,
    DeadLetter,
    Delivery,
    Group,
    Identified,
    Item,
    Message,
    ObjectIdentifiers,
    Projected,
    Record,
    Relationship,
    RelationshipsOperation,
    Routed,
    Selected,
)
from transforms.tally import Tally
from transforms.validate import validate

DATA: dict[str, Any] = {
    "big": 2**200,
    "negative": -(2**63) - 1,
    "float": 1.0,
    "small": 5e-324,
    "text": 'é😀\0\n"\\\u2028',
    "nested": {"a": [None, True, {"b": []}]},
}
LETTER = dead_letter("unknown_record", "é", stage="route", record=event()).letter
OPERATIONS = (event_operation(**DATA), identify_operation(**DATA))
RELATED = RelationshipsOperation(
    identifiers={"id": "ada"}, cio_relationships=(Relationship(ObjectIdentifiers("1", "é")),)
)
ELEMENTS = [
    pytest.param(message(bytes(range(256))), id="Message"),
    pytest.param(message(b"", publish_time=None), id="Message of a file"),
    pytest.param(event(event_properties=DATA), id="Record"),
    pytest.param(
        msgspec.structs.replace(
            event(), groups=(Group("1", "é"), Group("2", "b", {"gone": None, **DATA}))
        ),
        id="Record with groups",
    ),
    pytest.param(
        built(RELATED, msgspec.structs.replace(OPERATIONS[1], type="object", timestamp=UNSET)),
        id="Built, related",
    ),
    pytest.param(Routed(update(**DATA), True, False, True), id="Routed"),
    pytest.param(Routed(event(), False, False, True, "filtered.where"), id="Routed, filtered"),
    pytest.param(Projected(event(), False, DATA, True, None), id="Projected"),
    pytest.param(Projected(event(), True, None, True, None), id="Projected, no event"),
    pytest.param(Selected(event(), {}, None, "filtered.where"), id="Selected"),
    pytest.param(Identified(event(), {"email": "a@b.c"}, DATA, DATA, None), id="Identified"),
    pytest.param(built(*OPERATIONS, filtered="filtered.where"), id="Built"),
    pytest.param(validate(built(*OPERATIONS), "trim", Tally()), id="Delivery"),
    pytest.param(
        Delivery(ORIGIN, 0, (Item(b"\xff{}", "id:é", True, True),), ("delivered",), (LETTER,)),
        id="Delivery with a dead letter",
    )
    if LETTER
    else (),
    pytest.param(LETTER, id="DeadLetter"),
    pytest.param(
        DeadLetter(
            reason="rejected",
            detail="",
            stage="deliver",
            kind="operation",
            message_id="m",
            publish_time=None,
            attributes={},
            operation=OPERATIONS[1],
        ),
        id="DeadLetter of an operation",
    ),
]


def test_every_type_that_flows_has_its_coder() -> None:
    register()
    register()
    for struct in (
        *(Message, Record, Routed, Projected, Selected),
        *(Identified, Built, Delivery, DeadLetter),
    ):
        coder = registry.get_coder(struct)
        assert coder == StructCoder(struct)
        assert coder.to_type_hint() is struct
        assert not coder.is_deterministic()


@pytest.mark.parametrize("element", ELEMENTS)
def test_round_trip(element: Any) -> None:
    coder = StructCoder(type(element))
    again = coder.decode(coder.encode(element))
    assert again == element
    assert repr(again) == repr(element)


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("module", [pickle, pickler], ids=["pickle", "Beam's pickler"])
def test_a_pickled_coder_is_the_same_coder(module: Any, element: Any) -> None:
    coder = StructCoder(type(element))
    again = module.loads(module.dumps(coder))
    assert again == coder
    assert hash(again) == hash(coder)
    assert again.decode(coder.encode(element)) == element


def test_coders_of_two_types_differ() -> None:
    assert StructCoder(Record) != StructCoder(Routed)
    assert StructCoder(Record) != object()


@few
@given(json_objects())
def test_any_record_comes_back_as_it_is(fields: dict[str, Any]) -> None:
    element = Record(fields, ORIGIN)
    coder = StructCoder(Record)
    assert repr(coder.decode(coder.encode(element))) == repr(element)


@few
@given(
    st.binary(),
    texts(),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.dictionaries(texts(), texts()),
)
def test_any_message_comes_back_as_it_is(
    data: bytes, message_id: str, publish_time: float | None, attributes: dict[str, str]
) -> None:
    element = Message(data, message_id, publish_time, attributes)
    coder = StructCoder(Message)
    assert repr(coder.decode(coder.encode(element))) == repr(element)
