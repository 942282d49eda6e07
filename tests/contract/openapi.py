"""Customer.io's OpenAPI document of its Track API, and our use of it held against it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from pipeline.settings import Settings
from tests.contract import limits
from tests.contract.drift import (
    MEANING,
    BrokenReferenceError,
    Difference,
    Node,
    differences,
    followed,
    resolved,
)
from tests.contract.schemas import BATCH_SCHEMA, V1_ANONYMOUS_SCHEMA, V1_EVENT_SCHEMA
from transforms.sink.batch import ANONYMOUS_PATH, BATCH_PATH

Json = dict[str, Any]

V1_EVENT_PATH: Final = "/api/v1/customers/{identifier}/events"
JSON_TYPE: Final = "application/json"


class Endpoint(NamedTuple):
    """One of the endpoints that we send to."""

    path: str
    label: str
    schema: Json
    answers: frozenset[str]
    """The statuses that Customer.io declares, as far as we know."""


ENDPOINTS: Final = (
    Endpoint(BATCH_PATH, "v2", BATCH_SCHEMA, frozenset({"200", "207", "400", "401"})),
    Endpoint(V1_EVENT_PATH, "v1", V1_EVENT_SCHEMA, frozenset({"200", "400", "401"})),
    Endpoint(ANONYMOUS_PATH, "anonymous", V1_ANONYMOUS_SCHEMA, frozenset({"200", "400", "401"})),
)

READ_ERROR: Final[Json] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "batch_index": {"type": "integer"},
        "reason": {"type": "string"},
        "field": {"type": "string"},
        "message": {"type": "string"},
    },
}
"""What we read of an item of `errors` in a 207."""

KNOWN_MEANINGS: Final = frozenset(
    {
        "v2.batch[]<identify>.attributes.cio_subscription_preferences",
        "v2.batch[]<event>.attributes.from_address",
        "v2.batch[]<event>.attributes.recipient",
        "v2.batch[]<event>.attributes.reply_to",
        "anonymous.data.from_address",
        "anonymous.data.reply_to",
        "v1.data.from_address",
        "v1.data.recipient",
        "v1.data.reply_to",
    }
)
"""Names of properties that mean something to Customer.io. Their values are the customer's: what is
sent under them is what Amplitude had, of whatever type."""

_NO_MEANING: Final = "Customer.io gives it no meaning any more"

_LIMITS: Final[Mapping[tuple[str, str], str]] = {
    ("Customer limits", "ID"): f"{limits.MAX_IDENTIFIER} bytes",
    ("Customer limits", "Attribute Name"): f"{limits.MAX_ATTRIBUTE_NAME} bytes",
    ("Customer limits", "Attribute Value"): f"{limits.MAX_ATTRIBUTE_VALUE} bytes",
    ("Customer limits", "Unique attributes"): f"{limits.MAX_ATTRIBUTES}",
    ("Track API Event limits", "Event Name"): f"{limits.MAX_EVENT_NAME} bytes",
    ("Track API Event limits", "Event Data"): f"{limits.MAX_EVENT_DATA} bytes",
}
_BATCH_SIZES: Final = ["500kb", "32kb"]


def all_differences(document: Json) -> list[Difference]:
    """Everything in which the document is not what we take it to be, known meanings left out."""
    found = [*_server_differences(document), *_limit_differences(document)]
    for endpoint in ENDPOINTS:
        try:
            found += _endpoint_differences(document, endpoint)
        except BrokenReferenceError as error:
            found.append(Difference(endpoint.label, str(error)))
    meanings = {difference.place for difference in found if difference.text == MEANING}
    return [
        *(difference for difference in found if difference.text != MEANING),
        *(Difference(place, MEANING) for place in sorted(meanings - KNOWN_MEANINGS)),
        *(Difference(place, _NO_MEANING) for place in sorted(KNOWN_MEANINGS - meanings)),
    ]


def _endpoint_differences(document: Json, endpoint: Endpoint) -> Iterator[Difference]:
    label = endpoint.label
    item = document.get("paths", {}).get(endpoint.path)
    if item is None:
        yield Difference(label, f"there is no {endpoint.path}")
        return
    operation = item.get("post")
    if operation is None:
        yield Difference(label, f"{endpoint.path} takes no POST")
        return
    yield from _security_differences(document, operation, label)
    yield from _parameter_differences(document, item, operation, endpoint)
    content = operation.get("requestBody", {}).get("content", {})
    if JSON_TYPE in content:
        ours, theirs = endpoint.schema, content[JSON_TYPE]["schema"]
        yield from differences(Node(ours, ours), Node(theirs, document), label)
    else:
        yield Difference(label, f"no body of {JSON_TYPE}")
    yield from _answer_differences(document, operation, endpoint)


def _security_differences(document: Json, operation: Json, label: str) -> Iterator[Difference]:
    schemes = document["components"].get("securitySchemes", {})
    required: list[Json] = (operation if "security" in operation else document).get("security", [])
    ways = [
        {(schemes.get(name, {}).get("type"), schemes.get(name, {}).get("scheme")) for name in way}
        for way in required
    ]
    if {("http", "basic")} not in ways:
        yield Difference(f"{label} security", "Basic authentication alone is not enough")


def _parameter_differences(
    document: Json, item: Json, operation: Json, endpoint: Endpoint
) -> Iterator[Difference]:
    in_path = set(re.findall(r"{(\w+)}", endpoint.path))
    for parameter in [*item.get("parameters", []), *operation.get("parameters", [])]:
        given = followed(parameter, document)
        known = given["in"] == "path" and given["name"] in in_path
        if given.get("required") and not known:
            text = f"Customer.io requires it in the {given['in']}"
            yield Difference(f"{endpoint.label} parameter {given['name']}", text)


def _answer_differences(
    document: Json, operation: Json, endpoint: Endpoint
) -> Iterator[Difference]:
    declared = set(operation.get("responses", {}))
    for status in sorted(endpoint.answers - declared):
        yield Difference(f"{endpoint.label} answer {status}", "not declared any more")
    for status in sorted(declared - endpoint.answers):
        yield Difference(f"{endpoint.label} answer {status}", "declared now")
    if "207" not in endpoint.answers & declared:
        return
    place = f"{endpoint.label} answer 207"
    try:
        answer = followed(operation["responses"]["207"], document)
        body = Node(answer["content"][JSON_TYPE]["schema"], document).expanded()
        errors = Node(body["properties"]["errors"], document).expanded()["items"]
    except (KeyError, BrokenReferenceError):
        yield Difference(place, "no list of errors")
        return
    # The other way round: what we read is what is sent to us.
    yield from differences(Node(READ_ERROR, {}), Node(errors, document), f"{place}.errors[]")


def _server_differences(document: Json) -> Iterator[Difference]:
    served = {server["url"] for server in document.get("servers", [])}
    for region in ("us", "eu"):
        url = Settings.model_validate({"customerio": {"region": region}}).customerio.base_url
        if url not in served:
            yield Difference("servers", f"{url} is not among them")


def _limit_differences(document: Json) -> Iterator[Difference]:
    """The limits stand in prose: in tables, and in the text of the batch endpoint."""
    found = _limit_tables(document["info"]["description"])
    for (heading, name), ours in _LIMITS.items():
        theirs = found.get((heading, name))
        if theirs != ours:
            yield Difference(f"limit {name}", f"ours is {ours}, Customer.io's is {theirs}")
    try:
        batch = resolved(f"#/paths/{BATCH_PATH.replace('/', '~1')}/post", document)
    except BrokenReferenceError:
        return
    sizes = re.findall(r"\d+ ?kb\b", batch.get("description", ""))
    if sizes != _BATCH_SIZES:
        text = f"ours are {_BATCH_SIZES}, Customer.io's are {sizes}"
        yield Difference("limits of a batch and its items", text)


def _limit_tables(text: str) -> dict[tuple[str, str], str]:
    """(heading, first column) -> second column, of all tables in a Markdown text."""
    found = {}
    heading = ""
    for line in text.splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").strip()
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if line.startswith("|") and len(cells) > 1:
            found[heading, cells[0]] = cells[1]
    return found
