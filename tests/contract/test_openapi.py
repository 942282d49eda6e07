"""Customer.io's own OpenAPI document against our schemas, and our operations against the document.

Runs where the document is at hand, see `conftest.py`.
"""

import json
from collections import Counter
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from pipeline.settings import Settings
from tests.contract import strategies
from tests.contract.chain import run
from tests.contract.kinds import message, page, shapes
from tests.contract.openapi import (
    JSON_TYPE,
    KNOWN_MEANINGS,
    V1_EVENT_PATH,
    all_differences,
)
from tests.contract.schemas import body_faults, strict_json
from transforms.records import Message
from transforms.sink.batch import BATCH_PATH, Request

Json = dict[str, Any]


def test_the_document_is_what_we_take_it_to_be(document: Json) -> None:
    assert [str(difference) for difference in all_differences(document)] == []


# What we send against the official schemas themselves.


def validator(document: Json, path: str) -> Draft202012Validator:
    """Customer.io's own schema of the bodies of an endpoint."""
    uri = "urn:track-api"
    registry: Registry[Any] = Registry().with_resource(uri, DRAFT202012.create_resource(document))
    pointer = "/".join(("paths", path.replace("/", "~1"), "post", "requestBody", "content"))
    place = f"{uri}#/{pointer}/{JSON_TYPE.replace('/', '~1')}/schema"
    return Draft202012Validator({"$ref": place}, registry=registry)


def shown(request: Request) -> bytes:
    """A request's body without the values to which Customer.io gives a meaning by their name."""
    body = strict_json(request.body())
    names = {place.rpartition(".")[2] for place in KNOWN_MEANINGS}
    for operation in body.get("batch", [body]):
        for bag in operation.keys() & {"attributes", "data"}:
            kept = {name: value for name, value in operation[bag].items() if name not in names}
            operation[bag] = kept
    return json.dumps(body).encode()


def test_what_we_send_is_what_the_document_takes(document: Json) -> None:
    batch, v1_event = validator(document, BATCH_PATH), validator(document, V1_EVENT_PATH)
    seen: Counter[str] = Counter()

    @hypothesis_settings(
        max_examples=120,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(
        messages=st.lists(strategies.messages, min_size=1, max_size=2),
        settings=strategies.settings_pages(),
    )
    def check(messages: list[Message], settings: Settings) -> None:
        requests = run(messages, settings).requests
        seen.update(kind for shape in shapes(requests) for kind in shape)
        for request in requests:
            schema = batch if request.path == BATCH_PATH else v1_event
            assert body_faults(schema, shown(request)) == []

    check()
    assert min(seen["event"], seen["identify"]) > 20, seen
    assert seen["large event"] > 0, seen


LARGE: Json = {
    "event_type": "Paid",
    "user_id": "a/b@x.org",
    "event_properties": {"words": "x" * 32_000},
}


def test_a_large_event_goes_to_the_documented_path(document: Json) -> None:
    [request] = run([message(LARGE)], page()).requests

    before, after = V1_EVENT_PATH.split("{identifier}")
    assert unquote(request.path.removeprefix(before).removesuffix(after)) == "a/b@x.org"
    assert request.path.count("/") == V1_EVENT_PATH.count("/")
    assert body_faults(validator(document, V1_EVENT_PATH), shown(request)) == []


@pytest.mark.parametrize(
    "spoilt",
    [
        pytest.param({"identifiers": {"name": "ada"}}, id="unknown identifier"),
        pytest.param({"identifiers": {"id": 5}}, id="identifier that is no text"),
        pytest.param({"timestamp": "now"}, id="time that is no number"),
        pytest.param({"name": None}, id="no name"),
        pytest.param({"attributes": []}, id="attributes that are a list"),
        pytest.param({"action": "track"}, id="unknown operation"),
    ],
)
def test_the_document_refuses_what_is_wrong(document: Json, spoilt: Json) -> None:
    right = {"type": "person", "action": "event", "identifiers": {"id": "ada"}, "name": "Paid"}
    schema = validator(document, BATCH_PATH)
    assert body_faults(schema, json.dumps({"batch": [right]}).encode()) == []
    assert body_faults(schema, json.dumps({"batch": [right | spoilt]}).encode())
