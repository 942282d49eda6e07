"""Our own schemas of what may be sent, and the check of a request against them."""

import json
import math
from collections import defaultdict
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tests.contract.limits import batch_faults, v1_anonymous_faults, v1_event_faults
from transforms.sink.batch import ANONYMOUS_PATH, BATCH_PATH, Request

Json = dict[str, Any]

_HERE = Path(__file__).parent


def _schema(name: str) -> Json:
    schema: Json = json.loads((_HERE / name).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    return schema


BATCH_SCHEMA = _schema("track_v2_batch.schema.json")
V1_EVENT_SCHEMA = _schema("track_v1_event.schema.json")
V1_ANONYMOUS_SCHEMA = _schema("track_v1_anonymous.schema.json")

_KIND = ("const", "enum")
"""What tells one alternative of a schema from the others."""

_batch = Draft202012Validator(BATCH_SCHEMA)
_v1_event = Draft202012Validator(V1_EVENT_SCHEMA)
_v1_anonymous = Draft202012Validator(V1_ANONYMOUS_SCHEMA)


def request_faults(request: Request, max_bytes: int) -> list[str]:
    """Everything in which a request breaks its contract, in words; empty when it keeps it.

    `max_bytes`: the setting's limit of a batch's body. A large event goes alone and above it.
    """
    body = request.body()
    if request.path == ANONYMOUS_PATH:
        return [*body_faults(_v1_anonymous, body), *v1_anonymous_faults(body)]
    if request.path != BATCH_PATH:
        return [*body_faults(_v1_event, body), *v1_event_faults(body)]
    faults = body_faults(_batch, body)
    if faults:
        return faults
    over = len(body) > max_bytes
    return batch_faults(body) + [f"{len(body)} bytes; {max_bytes} are allowed"] * over


def batch_document_faults(document: Any) -> list[str]:
    """In what a decoded body of /api/v2/batch breaks our schema."""
    return _faults(_batch, document)


def v1_event_document_faults(document: Any) -> list[str]:
    """In what a decoded body of the v1 events endpoint breaks our schema."""
    return _faults(_v1_event, document)


def body_faults(validator: Draft202012Validator, body: bytes) -> list[str]:
    """In what a body breaks a schema, or what makes it no JSON."""
    try:
        return _faults(validator, strict_json(body))
    except ValueError as error:
        return [f"not JSON: {error}"]


def strict_json(body: bytes) -> Any:
    """The JSON value in UTF-8 text. Raises ValueError, also for what only Python takes."""
    return json.loads(
        body.decode(), parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_unique
    )


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is more than a number holds")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> Json:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is there twice")
    return members


def _faults(validator: Draft202012Validator, document: Any) -> list[str]:
    leaves = (_leaf(error) for error in validator.iter_errors(document))
    return [f"{leaf.json_path}: {leaf.message[:2000]}" for leaf in leaves]


def _leaf(error: ValidationError) -> ValidationError:
    """The error at the end of the alternative that was meant: one without a wrong constant."""
    alternatives: defaultdict[Any, list[ValidationError]] = defaultdict(list)
    for cause in error.context or ():
        alternatives[cause.relative_schema_path[0]].append(cause)
    if not alternatives:
        return error
    meant = min(
        alternatives.values(),
        key=lambda causes: (any(c.validator in _KIND for c in causes), len(causes)),
    )
    return _leaf(meant[0])
