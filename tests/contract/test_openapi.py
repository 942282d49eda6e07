"""Customer.io's own OpenAPI document against our schemas and our operations.

Runs where the document is at hand: save https://docs.customer.io/files/journeys-track.json to a
file and name it in the environment variable CUSTOMERIO_OPENAPI. No test fetches it.
"""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
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
from tests.contract.kinds import message, page
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
Change = Callable[[Json], Any]

VARIABLE = "CUSTOMERIO_OPENAPI"
_PATH = os.environ.get(VARIABLE)

pytestmark = pytest.mark.skipif(
    not _PATH, reason=f"{VARIABLE} does not name Customer.io's OpenAPI document of the Track API"
)

BASE_URLS = {
    Settings.model_validate({"customerio": {"region": region}}).customerio.base_url
    for region in ("us", "eu")
}


@pytest.fixture(scope="module")
def document() -> Json:
    assert _PATH is not None
    read: Json = json.loads(Path(_PATH).read_text(encoding="utf-8"))
    return read


def found_in(document: Json) -> list[str]:
    return [str(difference) for difference in all_differences(document, BASE_URLS)]


def test_the_document_is_what_we_take_it_to_be(document: Json) -> None:
    assert found_in(document) == []


# The check above can fail.


def _post(document: Json, path: str = BATCH_PATH) -> Any:
    return document["paths"][path]["post"]


def _own_part(document: Json, schema: str) -> Any:
    """The part of an operation's schema that no other operation shares."""
    return document["components"]["schemas"][schema]["allOf"][1]


def _rename(place: Json, old: str, new: str) -> None:
    place[new] = place.pop(old)


def _replace_text(place: Json, old: str, new: str) -> None:
    assert old in place["description"]
    place["description"] = place["description"].replace(old, new)


def _common(document: Json) -> Any:
    return document["components"]["schemas"]["person_common"]


def _v1_event(document: Json) -> Any:
    return document["components"]["schemas"]["eventsRequest"]["oneOf"][0]


CHANGES: list[Any] = [
    pytest.param(
        lambda d: _rename(_own_part(d, "person_event")["properties"], "timestamp", "time"),
        "v2.batch[]<event>.timestamp: Customer.io does not know it",
        id="a property renamed",
    ),
    pytest.param(
        lambda d: _rename(_common(d)["properties"], "identifiers", "identity"),
        "v2.batch[]<identify>.identifiers: Customer.io does not know it",
        id="a shared property renamed",
    ),
    pytest.param(
        lambda d: _own_part(d, "identify_person")["required"].append("source"),
        "v2.batch[]<identify>.source: Customer.io requires it, we may leave it out",
        id="a new required field",
    ),
    pytest.param(
        lambda d: _own_part(d, "person_event")["properties"]["timestamp"].update(type="string"),
        "v2.batch[]<event>.timestamp: we send integer, Customer.io takes string",
        id="a type changed",
    ),
    pytest.param(
        lambda d: d["components"]["schemas"]["cio_id"].update(type="integer"),
        "v2.batch[]<event>.identifiers.cio_id: we send string, Customer.io takes integer",
        id="an identifier's type changed",
    ),
    pytest.param(
        lambda d: _common(d)["properties"]["identifiers"]["oneOf"].pop(1),
        "v2.batch[]<identify>.identifiers.email: Customer.io does not know it",
        id="an identifier gone",
    ),
    pytest.param(
        lambda d: _own_part(d, "person_event")["properties"]["action"].update(enum=["track"]),
        "v2.batch[]<event>.action: we send 'event', Customer.io takes ",
        id="an operation gone",
    ),
    pytest.param(
        lambda d: d["components"]["schemas"].pop("person_common"),
        "v2.batch[]<event>: #/components/schemas/person_common points nowhere",
        id="a schema gone",
    ),
    pytest.param(
        lambda d: _own_part(d, "identify_person")["properties"]["attributes"].update(
            additionalProperties=False
        ),
        "v2.batch[]<identify>.attributes: we send names of the customer's",
        id="attributes closed",
    ),
    pytest.param(
        lambda d: _own_part(d, "identify_person")["properties"]["attributes"].update(
            additionalProperties={"type": ["string", "integer", "boolean"]}
        ),
        "v2.batch[]<identify>.attributes.*: we send array, null, number, object",
        id="attributes of some types only",
    ),
    pytest.param(
        lambda d: _own_part(d, "person_event")["properties"]["attributes"]["properties"].update(
            cc={"type": "string"}
        ),
        "v2.batch[]<event>.attributes.cc: a name that customers may choose",
        id="a new meaning",
    ),
    pytest.param(
        lambda d: _v1_event(d)["properties"]["data"]["properties"].pop("recipient"),
        "v1.data.recipient: Customer.io gives it no meaning any more",
        id="a meaning gone",
    ),
    pytest.param(
        lambda d: _rename(_v1_event(d)["properties"], "data", "attributes"),
        "v1.data: Customer.io does not know it",
        id="v1: a property renamed",
    ),
    pytest.param(
        lambda d: _v1_event(d)["required"].append("type"),
        "v1.type: Customer.io requires it, we may leave it out",
        id="v1: a new required field",
    ),
    pytest.param(
        lambda d: d["paths"].pop(BATCH_PATH),
        "v2: there is no /api/v2/batch",
        id="the endpoint gone",
    ),
    pytest.param(
        lambda d: d["paths"].pop(V1_EVENT_PATH),
        "v1: there is no /api/v1/customers/{identifier}/events",
        id="v1: the endpoint gone",
    ),
    pytest.param(
        lambda d: _rename(d["paths"][BATCH_PATH], "post", "put"),
        "v2: /api/v2/batch takes no POST",
        id="another method",
    ),
    pytest.param(
        lambda d: d["components"]["securitySchemes"]["Tracking-API-Key"].update(scheme="bearer"),
        "v2 security: Basic authentication alone is not enough",
        id="another authentication",
    ),
    pytest.param(
        lambda d: _post(d, V1_EVENT_PATH).update(security=[{"Tracking-API-Key": [], "More": []}]),
        "v1 security: Basic authentication alone is not enough",
        id="v1: more authentication",
    ),
    pytest.param(
        lambda d: _post(d).update(
            parameters=[{"name": "X-Workspace-Id", "in": "header", "required": True}]
        ),
        "v2 parameter X-Workspace-Id: Customer.io requires it in the header",
        id="a new required header",
    ),
    pytest.param(
        lambda d: _rename(_post(d)["requestBody"]["content"], JSON_TYPE, "application/x-ndjson"),
        "v2: no body of application/json",
        id="another body",
    ),
    pytest.param(
        lambda d: _post(d)["responses"].pop("207"),
        "v2 answer 207: not declared any more",
        id="an answer gone",
    ),
    pytest.param(
        lambda d: _post(d)["responses"].update({"429": {"description": "Slow down."}}),
        "v2 answer 429: declared now",
        id="a new answer",
    ),
    pytest.param(
        lambda d: _rename(
            _post(d)["responses"]["207"]["content"][JSON_TYPE]["schema"]["properties"]["errors"][
                "items"
            ]["properties"],
            "batch_index",
            "index",
        ),
        "v2 answer 207.errors[].batch_index: Customer.io does not know it",
        id="an answer's field renamed",
    ),
    pytest.param(
        lambda d: _post(d)["responses"]["207"].pop("content"),
        "v2 answer 207: no list of errors",
        id="an answer without errors",
    ),
    pytest.param(
        lambda d: d["servers"].pop(1),
        "servers: https://track-eu.customer.io is not among them",
        id="a server gone",
    ),
    pytest.param(
        lambda d: _replace_text(d["info"], "| Event Name | 100 bytes |", "| Event Name | 80 |"),
        "limit Event Name: ours is 100 bytes, Customer.io's is 80",
        id="a limit changed",
    ),
    pytest.param(
        lambda d: _replace_text(_post(d), "32kb", "16kb"),
        "limits of a batch and its items: ours are ['500kb', '32kb']",
        id="the size of an item changed",
    ),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES)
def test_a_change_is_named(document: Json, change: Change, expected: str) -> None:
    changed = copy.deepcopy(document)
    change(changed)

    assert [text for text in found_in(changed) if text.startswith(expected)]


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

    @hypothesis_settings(
        max_examples=60,
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
        for request in run(messages, settings).requests:
            schema = batch if request.path == BATCH_PATH else v1_event
            assert body_faults(schema, shown(request)) == []

    check()


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
