"""The operators of `events.where`: one value of a record against the values of a clause."""

import fnmatch
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from transforms.properties import PropertyPath, decimal_text
from transforms.records import Json

Scalar = str | int | float | bool

_NUMERIC = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,9})?", re.ASCII)


class Clause(Struct, frozen=True):
    """One line of `events.where`: a property, an operator and its values (OR between them)."""

    property: str
    op: str
    values: tuple[Scalar, ...] = ()


def compile_clause(clause: Clause) -> Callable[[Json], bool]:
    """A test over a record's fields.

    A missing or null property fails every positive operator and passes every negative one.
    Raises KeyError for an operator that does not exist.
    """
    path = PropertyPath(clause.property)
    positive, negated = OPERATORS[clause.op]
    holds = positive(clause.values)

    def test(fields: Json) -> bool:
        value = path.read(fields)
        return (value is not None and holds(value)) is not negated

    return test


def as_text(value: Any) -> str:
    """A JSON value as text: strings as they are, numbers in plain decimals, the rest as JSON."""
    if isinstance(value, str):
        return value
    return decimal_text(value) if _is_number(value) else msgspec.json.encode(value).decode()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _as_decimal(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return Decimal(value) if _NUMERIC.fullmatch(value) else None
    return Decimal(repr(value)) if _is_number(value) else None


def _equals(value: Any, other: Scalar) -> bool:
    if _is_number(value) and _is_number(other):
        return bool(value == other)
    return as_text(value) == as_text(other)


Holds = Callable[[Any], bool]


def _any(test: Callable[[Any, Scalar], bool]) -> Callable[[Sequence[Scalar]], Holds]:
    return lambda values: lambda value: any(test(value, other) for other in values)


def _contains(values: Sequence[Scalar]) -> Holds:
    needles = [as_text(value).casefold() for value in values]
    return lambda value: any(needle in as_text(value).casefold() for needle in needles)


def _starts_with(values: Sequence[Scalar]) -> Holds:
    prefixes = tuple(as_text(value) for value in values)
    return lambda value: as_text(value).startswith(prefixes)


def _glob(values: Sequence[Scalar]) -> Holds:
    # fnmatch translates to atomic groups: matching never backtracks across a star.
    patterns = [re.compile(fnmatch.translate(as_text(value))) for value in values]
    return lambda value: any(pattern.match(as_text(value)) for pattern in patterns)


def _set_contains(values: Sequence[Scalar]) -> Holds:
    return lambda value: (
        isinstance(value, list)
        and any(_equals(element, other) for element in value for other in values)
    )


def _is_set(_values: Sequence[Scalar]) -> Holds:
    return lambda _value: True


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Sequence[Scalar]], Holds]:
    def compare(value: Any, other: Scalar) -> bool:
        left, right = _as_decimal(value), _as_decimal(other)
        if left is not None and right is not None:
            return test(left, right)
        return test(as_text(value), as_text(other))

    return _any(compare)


OPERATORS: dict[str, tuple[Callable[[Sequence[Scalar]], Holds], bool]] = {
    "is": (_any(_equals), False),
    "is_not": (_any(_equals), True),
    "contains": (_contains, False),
    "does_not_contain": (_contains, True),
    "starts_with": (_starts_with, False),
    "does_not_start_with": (_starts_with, True),
    "less": (_ordered(lambda left, right: bool(left < right)), False),
    "less_or_equal": (_ordered(lambda left, right: bool(left <= right)), False),
    "greater": (_ordered(lambda left, right: bool(left > right)), False),
    "greater_or_equal": (_ordered(lambda left, right: bool(left >= right)), False),
    "is_set": (_is_set, False),
    "is_not_set": (_is_set, True),
    "glob": (_glob, False),
    "not_glob": (_glob, True),
    "set_contains": (_set_contains, False),
    "set_does_not_contain": (_set_contains, True),
}
"""Each operator: what it tests, and whether it holds when the test does not."""
