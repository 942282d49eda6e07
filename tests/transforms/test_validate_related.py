"""Validate: the limits of relationships, objects and anonymous events."""

from typing import Any

import msgspec
import pytest

from tests.transforms.make import event_operation
from transforms.records import (
    IdentifyOperation,
    Item,
    ObjectIdentifiers,
    Relationship,
    RelationshipsOperation,
)
from transforms.tally import Tally
from transforms.validate import LimitError, OnViolation, validate_item

TOO_LONG = "identifier_too_long"


def thing(object_id: str = "Acme", **attributes: Any) -> IdentifyOperation:
    return IdentifyOperation(
        type="object",
        identifiers={"object_type_id": "1", "object_id": object_id},
        attributes=attributes or {"a": 1},
    )


def related(*object_ids: str) -> RelationshipsOperation:
    objects = tuple(Relationship(ObjectIdentifiers("1", each)) for each in object_ids)
    return RelationshipsOperation(identifiers={"email": "Ada@x.org"}, cio_relationships=objects)


def checked(operation: Any, on_violation: OnViolation = "dead_letter") -> Item | str:
    try:
        return validate_item(operation, on_violation, Tally())
    except LimitError as error:
        return str(error.args[0])


@pytest.mark.parametrize("on_violation", ["dead_letter", "trim"])
@pytest.mark.parametrize(
    ("operation", "person"),
    [
        pytest.param(thing(), "object:1:Acme", id="object"),
        pytest.param(thing("é" * 75), f"object:1:{'é' * 75}", id="object of 150 bytes"),
        pytest.param(thing("é" * 75 + "x"), None, id="object of 151 bytes"),
        pytest.param(related("A", "B"), "email:ada@x.org", id="relationships"),
        pytest.param(related("A", "x" * 150), "email:ada@x.org", id="to one of 150 bytes"),
        pytest.param(related("A", "x" * 151), None, id="to one of 151 bytes"),
    ],
)
def test_identifiers(operation: Any, person: str | None, on_violation: OnViolation) -> None:
    found = checked(operation, on_violation)
    if person is None:
        assert found == TOO_LONG
        return
    # Neither is made one with the identify of a person.
    body = msgspec.json.encode(operation)
    assert found == Item(body, person, identify=False, alone=False)
    assert found.operation == operation


@pytest.mark.parametrize(
    ("attributes", "reason", "left"),
    [
        pytest.param({f"a{n}": n for n in range(301)}, "too_many_attributes", 300, id="many"),
        pytest.param({"a": 1, "n" * 151: 1}, "attribute_name_too_long", 1, id="long name"),
        pytest.param({"a": 1, "b": "x" * 1001}, "attribute_value_too_long", 1, id="long value"),
    ],
)
def test_attributes_of_an_object(attributes: dict[str, Any], reason: str, left: int) -> None:
    assert checked(thing(**attributes)) == reason
    trimmed = checked(thing(**attributes), "trim")
    assert isinstance(trimmed, Item)
    assert isinstance(trimmed.operation, IdentifyOperation)
    assert trimmed.operation.type == "object"
    assert len(trimmed.operation.attributes) == left


def test_what_is_too_large_for_an_item() -> None:
    assert checked(thing(**{f"a{n}": "x" * 900 for n in range(40)})) == "item_too_large"
    assert checked(related(*(f"{n:0150}" for n in range(200)))) == "item_too_large"


def test_an_anonymous_event_goes_alone_whatever_its_size() -> None:
    for words in ("x", "x" * 40_000):
        of = msgspec.structs.replace(
            event_operation(words=words), identifiers={"anonymous_id": "d"}
        )
        item = checked(of)
        assert isinstance(item, Item)
        assert (item.person, item.alone, item.identify) == ("anonymous_id:d", True, False)
    assert checked(msgspec.structs.replace(of, name="e" * 101)) == "event_name_too_long"
