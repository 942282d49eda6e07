"""Contract section 3: which events go on."""

import fnmatch
import re
from decimal import Decimal
from typing import Any

from tests.end_to_end.expectation.compare import encoded
from tests.end_to_end.expectation.record import type_of, value_at

# Either spelling of a pair means both.
ALIASES = [
    ("[Amplitude] Start Session", "session_start"),
    ("[Amplitude] End Session", "session_end"),
    ("[Amplitude] Revenue", "revenue_amount"),
    ("[Experiment] Exposure", "$exposure"),
]
NEGATIVE_OF = {
    "is_not": "is",
    "does_not_contain": "contains",
    "does_not_start_with": "starts_with",
    "is_not_set": "is_set",
    "not_glob": "glob",
    "set_does_not_contain": "set_contains",
}
_NUMERIC = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def filtered_by(record: dict[str, Any], events: dict[str, Any]) -> str | None:
    """Return the ledger entry of an event that is filtered out, None when it goes on."""
    if not events["enabled"]:
        return "filtered.events_disabled"
    spellings = spellings_of(type_of(record))
    included = events["include"] == "all" or any(name in events["include"] for name in spellings)
    if not included or any(name in events["exclude"] for name in spellings):
        return "filtered.event_type"
    if not all(holds(record, clause) for clause in events["where"]):
        return "filtered.where"
    return None


def spellings_of(event_type: str) -> list[str]:
    """Return the name itself and then the other spelling, if there is one."""
    for pair in ALIASES:
        if event_type in pair:
            return [event_type, pair[0] if event_type == pair[1] else pair[1]]
    return [event_type]


def holds(record: dict[str, Any], clause: dict[str, Any]) -> bool:
    """Whether a clause of `where` holds for the record."""
    operator = clause["op"]
    if operator in NEGATIVE_OF:
        return not holds(record, clause | {"op": NEGATIVE_OF[operator]})
    value = value_at(record, clause["property"])
    if value is None:
        return False
    if operator == "is_set":
        return True
    return any(_matches(operator, value, wanted) for wanted in clause["values"])


def _matches(operator: str, value: Any, wanted: Any) -> bool:
    if operator == "is":
        return _equal(value, wanted)
    if operator == "contains":
        return text_of(wanted).lower() in text_of(value).lower()
    if operator == "starts_with":
        return text_of(value).startswith(text_of(wanted))
    if operator == "glob":
        return fnmatch.fnmatchcase(text_of(value), text_of(wanted))
    if operator == "set_contains":
        return isinstance(value, list) and any(_equal(element, wanted) for element in value)
    order = _order(value, wanted)
    if operator == "less":
        return order < 0
    if operator == "less_or_equal":
        return order <= 0
    if operator == "greater":
        return order > 0
    if operator == "greater_or_equal":
        return order >= 0
    raise ValueError(f"{operator!r} is no operator")


def _equal(left: Any, right: Any) -> bool:
    if is_number(left) and is_number(right):
        return exact(left) == exact(right)
    return text_of(left) == text_of(right)


def _order(left: Any, right: Any) -> int:
    left_number, right_number = _numeric(left), _numeric(right)
    if left_number is not None and right_number is not None:
        return (left_number > right_number) - (left_number < right_number)
    left_text, right_text = text_of(left), text_of(right)
    return (left_text > right_text) - (left_text < right_text)


def _numeric(value: Any) -> Decimal | None:
    if is_number(value):
        return exact(value)
    if isinstance(value, str) and _NUMERIC.fullmatch(value):
        return Decimal(value)
    return None


def is_number(value: Any) -> bool:
    """Whether the value is a JSON number; Python counts booleans as integers, JSON does not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def exact(number: int | float) -> Decimal:
    """Return the number as its shortest decimal says it."""
    return Decimal(number) if isinstance(number, int) else Decimal(repr(number))


def text_of(value: Any) -> str:
    """Return the text of a JSON value: numbers as plain decimals, lists and objects as JSON."""
    if isinstance(value, str):
        return value
    if is_number(value):
        return decimal_text(value)
    return encoded(value).decode()


def decimal_text(number: int | float) -> str:
    """Return a number without exponent and without a fraction of zero: 12.0 is "12"."""
    if isinstance(number, float) and number.is_integer():
        return str(int(number))
    return format(exact(number), "f")
