"""Track API version 2: POST /api/v2/entity and POST /api/v2/batch."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from pipeline.local.customerio.answers import (
    Answer,
    accepted,
    error_entry,
    v2_errors,
    v2_problem,
)
from pipeline.local.customerio.faults import ItemErrors
from pipeline.local.customerio.fields import Problem, invalid
from pipeline.local.customerio.records import Refusal
from pipeline.local.customerio.rules import MAX_BATCH_BYTES, check_operation
from pipeline.local.customerio.wire import NotJsonError, decode, decode_array, decode_object
from pipeline.local.customerio.workspace import Workspace

AllInvalid = Literal[207, 400]


class _Item(NamedTuple):
    operation: Any
    raw: bytes
    problems: list[Problem]


def entity(workspace: Workspace, body: bytes, forced: ItemErrors | None) -> Answer:
    """One operation: 200, or 400 with its errors."""
    try:
        item = _read(body)
    except NotJsonError as error:
        return v2_problem(400, invalid("", f"body is not JSON: {error}"))
    if forced:
        return _settle(workspace, [item], forced)
    if not item.problems:
        workspace.apply(item.operation)
        return accepted(1)
    workspace.reject(item.problems, item.raw)
    return v2_errors(400, map(error_entry, item.problems), 1)


def batch(
    workspace: Workspace, body: bytes, all_invalid: AllInvalid, forced: ItemErrors | None
) -> Answer:
    """Many operations: 200; 207 when some were refused; 400 for a request that is none.

    What the server says when every item is invalid is documented nowhere: ``all_invalid``.
    Nothing of a body that does not parse to its end is applied.
    """
    if len(body) > MAX_BATCH_BYTES:
        message = f"a request cannot be larger than {MAX_BATCH_BYTES} bytes"
        return v2_problem(413, Problem("too_large", "", message))
    try:
        raw_items = _batch_items(body)
        if raw_items is None:
            return v2_problem(400, invalid("batch", "must be an array"))
        items = [_read(bytes(raw)) for raw in raw_items]
    except NotJsonError as error:
        return v2_problem(400, invalid("", f"body is not a JSON object: {error}"))
    if not items:
        return v2_problem(400, invalid("batch", "cannot be empty"))
    if not forced and all_invalid == 400 and all(item.problems for item in items):
        for index, item in enumerate(items):
            workspace.reject(item.problems, item.raw, index)
        return v2_errors(
            400, [error_entry(found) for item in items for found in item.problems], len(items)
        )
    return _settle(workspace, items, forced)


def _batch_items(body: bytes) -> Sequence[bytes] | None:
    """The items' bytes as they were sent; None without an array under ``batch``."""
    value = bytes(decode_object(body).get("batch", b"null"))
    if not value.startswith(b"["):
        return None
    return [bytes(raw) for raw in decode_array(value)]


def _read(raw: bytes) -> _Item:
    operation = decode(raw)
    return _Item(operation, raw, check_operation(operation, len(raw)))


def _settle(workspace: Workspace, items: list[_Item], forced: ItemErrors | None) -> Answer:
    if forced:
        return _settle_as_told(workspace, items, forced)
    errors: list[dict[str, Any]] = []
    for index, item in enumerate(items):
        if item.problems:
            workspace.reject(item.problems, item.raw, index)
            errors += [error_entry(problem, index) for problem in item.problems]
        else:
            workspace.apply(item.operation)
    return v2_errors(207, errors, len(items)) if errors else accepted(len(items))


def _settle_as_told(workspace: Workspace, items: list[_Item], forced: ItemErrors) -> Answer:
    errors: list[dict[str, Any]] = []
    scripted = Problem(forced.reason, forced.field, forced.message)
    outside = [index for index in forced.indexes if not 0 <= index < len(items)]
    for index, item in enumerate(items):
        told = index in forced.indexes
        problems = [scripted] if told else item.problems
        errors += [error_entry(problem, index) for problem in problems]
        if problems or not forced.apply:
            workspace.reject(problems or [scripted], item.raw, index)
        else:
            workspace.apply(item.operation)
        if told or not forced.apply:
            workspace.note_refusal(Refusal(item.raw, applied=False))
        elif outside and len(items) == 1:
            workspace.note_refusal(Refusal(item.raw, applied=not problems))
    errors += [error_entry(scripted, index) for index in outside]
    return v2_errors(forced.status, errors, len(items))
