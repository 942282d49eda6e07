"""What pydantic found, in the words of the settings page.

Only the kind and the place of an error are taken from pydantic, never its text.
"""

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from pipeline.settings.faults import FAULT_TYPE, Fault, Path, describe, kind_of
from pipeline.settings.keys import KEYS, Key, general
from pipeline.settings.problems import UNKNOWN_KEY

FALLBACK: Final = "this value is not accepted"
"""Stands in for a kind of error that nothing here knows."""

_WRONG_VALUE = frozenset(
    {
        "bool_type",
        "float_type",
        "greater_than",
        "greater_than_equal",
        "int_type",
        "less_than",
        "less_than_equal",
        "literal_error",
        "model_type",
        "tuple_type",
    }
)
_UNQUOTED: Final = {
    "bool_type": "true|false",
    "int_type": "[0-9]+",
    "float_type": r"[0-9]+(\.[0-9]+)?",
}
# A key of the account, pasted one level too high, must not be repeated either.
_NEVER_SHOWN = (("customerio",), ("customerio", "site_id"), ("customerio", "api_key"))


def explain(error: ValidationError) -> Iterator[Fault]:
    """The faults that pydantic found, paths from the top of the file."""
    for item in error.errors(include_url=False):
        path = item["loc"]
        if item["type"] == FAULT_TYPE:
            context = item["ctx"]
            yield Fault(path, context["found"], context["allowed"], context["hint"])
        elif item["type"] == "extra_forbidden":
            yield _unknown_key(path)
        elif item["type"] == "missing":
            yield Fault(path, "missing", KEYS[general(path)].allowed)
        elif item["type"] in _WRONG_VALUE:
            yield _wrong_value(item)
        else:
            yield Fault(path, FALLBACK)


def _wrong_value(item: ErrorDetails) -> Fault:
    path, value = item["loc"], item["input"]
    key = KEYS[general(path)]
    if key.path in _NEVER_SHOWN or not path:
        return Fault(path, f"found {kind_of(value)}", key.allowed)
    hint = None
    if key.section and value is None:
        hint = "leave the section out, or give it a key"
    elif isinstance(value, str) and _reads_unquoted(value, item["type"]):
        hint = "write it without quotes"
    elif item["type"] == "tuple_type" and isinstance(value, dict):
        hint = 'begin the item with "- "'
    return Fault(path, f"found {describe(value)}", key.allowed, hint)


def _reads_unquoted(text: str, error_type: str) -> bool:
    return error_type in _UNQUOTED and bool(re.fullmatch(_UNQUOTED[error_type], text))


def _unknown_key(path: Path) -> Fault:
    section = KEYS[general(path[:-1])]
    allowed = ", ".join(_names(section))
    name = str(path[-1])
    return Fault(path, UNKNOWN_KEY, allowed, _suggestion(name, section))


def _suggestion(name: str, section: Key) -> str | None:
    """The key that was meant: one of another section, or one of a similar name."""
    owners = [key for key in KEYS.values() if key.section and name in _names(key)]
    if owners:
        return f"`{name}` belongs {_either(_place(owner) for owner in owners)}"
    dotted = next((key for key in KEYS.values() if key.path and key.name == name), None)
    if dotted:
        return f"write `{dotted.path[-1]}` under `{'.'.join(dotted.path[:-1])}`"
    # Longer names cannot be near to any key, and comparing them takes long.
    spelled = name[:60].lower().replace("-", "_")
    here = get_close_matches(spelled, _names(section), n=1)
    if here:
        return f"did you mean `{here[0]}`?"
    leaves = [key for key in KEYS.values() if key.path and not key.section]
    elsewhere = get_close_matches(spelled, [key.path[-1] for key in leaves], n=1)
    if not elsewhere:
        return None
    meant = (f"`{key.name}`" for key in leaves if key.path[-1] == elsewhere[0])
    return f"did you mean {_either(meant)}?"


def _names(section: Key) -> list[str]:
    return list(section.section.model_fields) if section.section else []


def _place(section: Key) -> str:
    return f"under `{section.name}`" if section.path else "at the top of the file"


def _either(texts: Iterable[str]) -> str:
    return " or ".join(texts)
