"""Track API version 1: people and events by path, and the region of the credentials."""

import re
from typing import Any
from urllib.parse import unquote

from pipeline.local.customerio import fields
from pipeline.local.customerio.answers import Answer, accepted, v1_errors
from pipeline.local.customerio.fields import Problem, invalid, required
from pipeline.local.customerio.wire import NotJsonError, decode, decode_object, encode
from pipeline.local.customerio.workspace import Workspace

MAX_EVENT_DATA_BYTES = 100_000
EVENT_KINDS = ("event", "page", "screen")

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_CIO_PREFIX = "cio_"


def identifiers_of(segment: str) -> dict[str, str] | None:
    """The identifier in a path segment as it was sent, its type told by its shape.

    An e-mail address, ``cio_`` and a cio_id, or else an id. A "+" stays a plus. None for
    percent escapes that are not UTF-8.
    """
    try:
        value = unquote(segment, errors="strict")
    except UnicodeDecodeError:
        return None
    if _EMAIL.fullmatch(value):
        return {"email": value}
    if value.startswith(_CIO_PREFIX) and value != _CIO_PREFIX:
        return {"cio_id": value.removeprefix(_CIO_PREFIX)}
    return {"id": value}


def customer_event(workspace: Workspace, segment: str, body: bytes) -> Answer:
    """POST /api/v1/customers/{identifier}/events."""
    identifiers, problems = _from_path(segment)
    return _event(workspace, identifiers, body, problems)


def anonymous_event(workspace: Workspace, body: bytes) -> Answer:
    """POST /api/v1/events: an event of an anonymous_id. It is kept until somebody gets the id."""
    return _event(workspace, None, body, [])


def customer_identify(workspace: Workspace, segment: str, body: bytes) -> Answer:
    """PUT /api/v1/customers/{identifier}: flat attributes."""
    identifiers, problems = _from_path(segment)
    try:
        attributes = decode(body)
    except NotJsonError as error:
        return v1_errors(400, [invalid("", f"body is not JSON: {error}")])
    if not isinstance(attributes, dict):
        return v1_errors(400, [invalid("", "body must be a JSON object")])
    timestamp = attributes.pop("_timestamp", None)
    problems += fields.attributes(attributes)
    if "cio_relationships" in attributes:
        problems.append(invalid("cio_relationships", "is for version 2 only in this stand-in"))
    operation = {
        "type": "person",
        "action": "identify",
        "identifiers": identifiers,
        "attributes": attributes,
        "timestamp": timestamp,
    }
    return _settle(workspace, operation, body, problems)


def region(name: str) -> Answer:
    """GET /api/v1/accounts/region."""
    url = "https://track-eu.customer.io" if name == "eu" else "https://track.customer.io"
    return Answer(200, encode({"url": url, "region": name, "environment_id": 1}))


def _from_path(segment: str) -> tuple[dict[str, str], list[Problem]]:
    identifiers = identifiers_of(segment)
    if identifiers is None:
        return {}, [invalid("identifier", "must be percent-encoded UTF-8")]
    (value,) = identifiers.values()
    return identifiers, fields.identifier_value(value, "identifier")


def _event(
    workspace: Workspace, identifiers: dict[str, Any] | None, body: bytes, problems: list[Problem]
) -> Answer:
    try:
        raw = decode_object(body)
        sent = {name: decode(value) for name, value in raw.items()}
    except NotJsonError as error:
        return v1_errors(400, [invalid("", f"body is not a JSON object: {error}")])
    name, event_id, data = sent.get("name"), sent.get("id"), sent.get("data")
    if identifiers is None:
        nobody = sent.get("anonymous_id")
        identifiers = {"anonymous_id": nobody}
        problems += (
            [required("anonymous_id")]
            if nobody is None
            else fields.identifier_value(nobody, "anonymous_id")
        )
    problems += [required("name")] if name is None else fields.event_name(name)
    if event_id is not None:
        problems += fields.dedupe_id(event_id)
    if data is not None:
        problems += fields.event_data(data, "data")
        if len(bytes(raw["data"])) > MAX_EVENT_DATA_BYTES:
            problems.append(invalid("data", f"cannot be longer than {MAX_EVENT_DATA_BYTES} bytes"))
    kind = sent.get("type")
    operation = {
        "type": "person",
        "action": kind if kind in EVENT_KINDS else "event",
        "identifiers": identifiers,
        "name": name,
        "id": event_id,
        "timestamp": sent.get("timestamp"),
        "attributes": data,
    }
    return _settle(workspace, operation, body, problems)


def _settle(
    workspace: Workspace, operation: dict[str, Any], body: bytes, problems: list[Problem]
) -> Answer:
    if problems:
        workspace.reject(problems, body)
        return v1_errors(400, problems, 1)
    workspace.apply(operation)
    return accepted(1)
