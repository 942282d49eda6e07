"""Answers of the Track API: a status and a JSON body, in the shapes that Customer.io documents."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from pipeline.local.customerio.fields import Problem
from pipeline.local.customerio.wire import encode


class Answer(NamedTuple):
    """What goes back; ``items`` is the number of operations that the request held."""

    status: int
    body: bytes
    items: int = 0


def accepted(items: int) -> Answer:
    """200 with an empty object."""
    return Answer(200, b"{}", items)


def v2_errors(status: int, errors: Iterable[dict[str, Any]], items: int = 0) -> Answer:
    """An ``errors`` array: of the whole request, or with a batch_index of single items."""
    return Answer(status, encode({"errors": list(errors)}), items)


def v2_problem(status: int, problem: Problem, items: int = 0) -> Answer:
    """The whole request refused for one reason."""
    return v2_errors(status, [error_entry(problem)], items)


def error_entry(problem: Problem, batch_index: int | None = None) -> dict[str, Any]:
    """One entry of ``errors``."""
    entry = {"reason": problem.reason, "field": problem.field, "message": problem.message}
    return entry if batch_index is None else {"batch_index": batch_index, **entry}


def v1_errors(status: int, problems: Iterable[Problem], items: int = 0) -> Answer:
    """Version 1: a list of sentences."""
    messages = [f"{problem.field} {problem.message}".strip() for problem in problems]
    return Answer(status, encode({"meta": {"errors": messages}}), items)


def plain_error(status: int, message: str) -> Answer:
    """One sentence about the request as such (401, 404, 405)."""
    return Answer(status, encode({"meta": {"error": message}}))
