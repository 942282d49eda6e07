"""The stand-in's rules of one operation, as tables and as properties."""

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local import customerio
from pipeline.local.customerio.rules import SHAPES, check_operation
from pipeline.local.customerio.wire import encode

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def event(**changes: Any) -> dict[str, Any]:
    base = {"type": "person", "action": "event", "identifiers": {"id": "u1"}, "name": "Played"}
    return {key: value for key, value in {**base, **changes}.items() if value != "DROP"}


def identify(attributes: Any, **changes: Any) -> dict[str, Any]:
    base = {"type": "person", "action": "identify", "identifiers": {"id": "u1"}}
    return {**base, "attributes": attributes, **changes}


def found(operation: Any) -> list[tuple[str, str]]:
    """(reason, field) of every problem."""
    size = len(encode(operation))
    return [(problem.reason, problem.field) for problem in check_operation(operation, size)]


RELATION = [{"identifiers": {"object_type_id": "1", "object_id": "acme"}}]
PEOPLE = [{"identifiers": {"email": "a@b.c"}, "relationship_attributes": {"role": "owner"}}]
OBJECT = {"object_type_id": "1", "object_id": "acme"}
DEVICE = {"token": "t", "platform": "ios"}


@pytest.mark.parametrize(
    "operation",
    [
        pytest.param(event(), id="event"),
        pytest.param(event(id=ULID, timestamp=1, attributes={"a": {"b": [1]}}), id="event-full"),
        pytest.param(event(action="page"), id="page"),
        pytest.param(event(action="screen"), id="screen"),
        pytest.param(event(timestamp="2020-01-01"), id="wrong-timestamp-is-no-error"),
        pytest.param(event(id=None, attributes=None), id="nulls-are-absent"),
        pytest.param(event(identifiers={"email": "no e-mail"}), id="email-of-any-shape"),
        pytest.param(event(identifiers={"cio_id": "a1"}), id="cio-id"),
        pytest.param(event(identifiers={"id": "é" * 75}), id="identifier-150-bytes"),
        pytest.param(event(name="n" * 100), id="name-100-bytes"),
        pytest.param(event(unknown=1), id="unknown-field"),
        pytest.param(identify({}), id="identify-nothing"),
        pytest.param(
            {"type": "person", "action": "identify", "identifiers": {"id": "u"}}, id="bare"
        ),
        pytest.param(identify({f"a{n}": 1 for n in range(300)}), id="300-attributes"),
        pytest.param(identify({"_update": True} | {f"a{n}": 1 for n in range(300)}), id="update"),
        pytest.param(identify({"é" * 75: None}), id="attribute-name-150-bytes"),
        pytest.param(identify({"a": "é" * 500}), id="string-value-1000-bytes"),
        pytest.param(identify({"a": ["x" * 996]}), id="json-value-1000-bytes"),
        pytest.param(identify({"a": '"' * 1000}), id="quotes-count-once"),
        pytest.param(identify({}, cio_relationships=RELATION), id="inline-relationship"),
        pytest.param(event(action="delete"), id="delete"),
        pytest.param(event(action="suppress"), id="suppress"),
        pytest.param(event(action="unsuppress"), id="unsuppress"),
        pytest.param(event(action="add_relationships", cio_relationships=RELATION), id="relate"),
        pytest.param(event(action="add_device", device=DEVICE), id="add-device"),
        pytest.param(event(action="delete_device", device={"token": "t"}), id="delete-device"),
        pytest.param(
            {"type": "person", "action": "merge", "primary": {"id": "a"}, "secondary": {"id": "b"}},
            id="merge",
        ),
        pytest.param(
            {
                "type": "object",
                "action": "identify",
                "identifiers": OBJECT,
                "cio_relationships": PEOPLE,
            },
            id="object",
        ),
        pytest.param(
            {"type": "object", "action": "delete", "identifiers": {"cio_object_id": "ob1"}},
            id="object-by-cio-id",
        ),
        pytest.param(
            {"type": "delivery", "action": "event", "identifiers": {"id": "d"}, "name": "opened"},
            id="delivery",
        ),
    ],
)
def test_valid_operations(operation: dict[str, Any]) -> None:
    assert found(operation) == []


@pytest.mark.parametrize(
    ("operation", "problems"),
    [
        pytest.param([], [("invalid", "")], id="array"),
        pytest.param(None, [("invalid", "")], id="null"),
        pytest.param({}, [("required", "type")], id="empty"),
        pytest.param(event(type="robot"), [("invalid", "type")], id="unknown-type"),
        pytest.param(event(type=["person"]), [("invalid", "type")], id="type-is-a-list"),
        pytest.param(event(action="dance"), [("invalid", "action")], id="unknown-action"),
        pytest.param(event(action={}), [("invalid", "action")], id="action-is-an-object"),
        pytest.param(event(action="DROP"), [("required", "action")], id="no-action"),
        pytest.param(event(type="object"), [("invalid", "action")], id="action-of-another-type"),
        pytest.param(event(identifiers="DROP"), [("required", "identifiers")], id="no-identifiers"),
        pytest.param(event(identifiers={}), [("invalid", "identifiers")], id="no-identifier"),
        pytest.param(
            event(identifiers={"id": "a", "email": "a@b.c"}),
            [("invalid", "identifiers")],
            id="two-identifiers",
        ),
        pytest.param(event(identifiers={"phone": "+1"}), [("invalid", "identifiers")], id="phone"),
        pytest.param(
            event(identifiers={"anonymous_id": "x"}), [("invalid", "identifiers")], id="anonymous"
        ),
        pytest.param(event(identifiers="u1"), [("invalid", "identifiers")], id="identifier-text"),
        pytest.param(event(identifiers={"id": 7}), [("invalid", "identifiers.id")], id="number"),
        pytest.param(
            event(identifiers={"id": None}), [("invalid", "identifiers.id")], id="null-id"
        ),
        pytest.param(event(identifiers={"id": ""}), [("invalid", "identifiers.id")], id="empty-id"),
        pytest.param(
            event(identifiers={"email": "é" * 75 + "x"}),
            [("invalid", "identifiers.email")],
            id="identifier-151-bytes",
        ),
        pytest.param(event(name="DROP"), [("required", "name")], id="no-name"),
        pytest.param(event(name=None), [("required", "name")], id="null-name"),
        pytest.param(event(name=" \t"), [("invalid", "name")], id="blank-name"),
        pytest.param(event(name=""), [("invalid", "name")], id="empty-name"),
        pytest.param(event(name=5), [("invalid", "name")], id="name-is-a-number"),
        pytest.param(event(name="é" * 50 + "x"), [("invalid", "name")], id="name-101-bytes"),
        pytest.param(event(id="evt_123"), [("invalid", "id")], id="not-a-ulid"),
        pytest.param(event(id=7), [("invalid", "id")], id="id-is-a-number"),
        pytest.param(event(attributes=[1]), [("invalid", "attributes")], id="data-is-a-list"),
        pytest.param(event(attributes={"a": "x" * 32_000}), [("invalid", "")], id="item-too-large"),
        pytest.param(
            event(name="", id="x"), [("invalid", "name"), ("invalid", "id")], id="every-problem"
        ),
        pytest.param(
            identify({f"a{n}": 1 for n in range(301)}),
            [("invalid", "attributes")],
            id="301-attributes",
        ),
        pytest.param(
            identify({"n" * 151: 1}), [("invalid", "attributes." + "n" * 151)], id="name-151-bytes"
        ),
        pytest.param(
            identify({"a": "é" * 500 + "x"}), [("invalid", "attributes.a")], id="value-1001-bytes"
        ),
        pytest.param(
            identify({"a": ["x" * 997]}), [("invalid", "attributes.a")], id="json-value-1001-bytes"
        ),
        pytest.param(identify("x"), [("invalid", "attributes")], id="attributes-text"),
        pytest.param(
            identify({"_update": "yes"}), [("invalid", "attributes._update")], id="update-text"
        ),
        pytest.param(
            identify({}, cio_relationships=[{"identifiers": {"object_id": "x"}}, 3]),
            [
                ("invalid", "cio_relationships[0].identifiers"),
                ("invalid", "cio_relationships[1]"),
            ],
            id="wrong-relationships",
        ),
        pytest.param(
            event(action="add_device", device={"platform": "fax"}),
            [("invalid", "device.token"), ("invalid", "device.platform")],
            id="wrong-device",
        ),
        pytest.param(
            {"type": "person", "action": "merge", "primary": {"id": "a"}},
            [("required", "secondary")],
            id="merge-with-nobody",
        ),
        pytest.param(
            {"type": "object", "action": "identify", "identifiers": {"object_id": "a"}},
            [("invalid", "identifiers")],
            id="object-without-type",
        ),
        pytest.param(
            {"type": "delivery", "action": "event", "identifiers": {}, "name": ["opened"]},
            [("invalid", "identifiers.id"), ("invalid", "name")],
            id="wrong-delivery",
        ),
    ],
)
def test_invalid_operations(operation: Any, problems: list[tuple[str, str]]) -> None:
    assert found(operation) == problems


def test_the_size_of_an_item_is_that_on_the_wire() -> None:
    assert check_operation(event(), 32_000) == []
    (problem,) = check_operation(event(), 32_001)
    assert "32000 bytes" in problem.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
operation_like = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([kind for kind, _ in SHAPES]) | json_values,
        "action": st.sampled_from([action for _, action in SHAPES]) | json_values,
        "identifiers": st.fixed_dictionaries({"id": st.text()}) | json_values,
        "name": json_values,
        "id": json_values,
        "attributes": json_values,
        "cio_relationships": st.lists(st.fixed_dictionaries({"identifiers": json_values})),
        "device": json_values,
        "primary": json_values,
        "timestamp": json_values,
    },
)


@settings(deadline=None)
@given(json_values | operation_like)
def test_any_json_gets_a_verdict(value: Any) -> None:
    for problem in check_operation(value, 100):
        assert problem.reason in ("invalid", "required")
        assert problem.message


def test_the_judge_shares_no_code_with_the_pipeline() -> None:
    package = Path(customerio.__file__).parent
    for source in package.glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{source.name} imports relatively"
                names = [node.module or ""]
            else:
                continue
            for name in names:
                own = name.startswith("pipeline.local.customerio")
                assert own or name.split(".")[0] not in ("pipeline", "transforms", "apache_beam")
