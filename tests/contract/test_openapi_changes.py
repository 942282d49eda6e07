"""A change of Customer.io's OpenAPI document is noticed, and named.

Each row changes the document in memory, as a later version of it may differ from the one we know.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.openapi import JSON_TYPE, V1_EVENT_PATH, all_differences
from transforms.sink.batch import BATCH_PATH

Json = dict[str, Any]
Change = Callable[[Json], Any]


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

    found = [str(difference) for difference in all_differences(changed)]

    assert [text for text in found if text.startswith(expected)], found
