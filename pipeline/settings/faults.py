"""What is wrong at one place of the settings, before it has a line number.

Checks raise or collect `Fault`s. They travel through pydantic inside its errors, so that the
checks of single values, of pairs of values and of pydantic itself end in one list.
"""

import json
from typing import Final, NamedTuple

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

FAULT_TYPE: Final = "settings_fault"
"""The pydantic error type under which a `Fault` travels."""

Path = tuple[str | int, ...]
"""Where a value stands: keys and list positions from the top of the file."""

_SHOWN_CHARACTERS = 60


class Fault(NamedTuple):
    """`path` may be relative to the value under check; `found` says what is wrong there."""

    path: Path
    found: str
    allowed: str = ""
    hint: str | None = None

    def under(self, *parents: str | int) -> "Fault":
        """The same fault, seen from further up in the file."""
        return self._replace(path=(*parents, *self.path))


def refusal(*faults: Fault) -> ValidationError:
    """The pydantic error that carries `faults`, to be raised by a validator.

    Inputs are left out of it: they could be credentials.
    """
    return ValidationError.from_exception_data(
        "settings",
        [
            InitErrorDetails(
                type=PydanticCustomError(
                    FAULT_TYPE,
                    "{found}; allowed: {allowed}" if fault.allowed else "{found}",
                    {"found": fault.found, "allowed": fault.allowed, "hint": fault.hint},
                ),
                loc=fault.path,
                input=None,
            )
            for fault in faults
        ],
        hide_input=True,
    )


def describe(value: object) -> str:
    """A value of the file as one short printable text; lists and mappings only by their kind."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if value is None or isinstance(value, bool | int | float):
        return _shortened(json.dumps(value))
    return f"a value of type {type(value).__name__}"


def kind_of(value: object) -> str:
    """What sort of value it is, with nothing of the value itself."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a text" if isinstance(value, str) else describe(value)


def quoted(text: str) -> str:
    """`text` in double quotes, shortened, with everything unprintable as an escape."""
    body = json.dumps(_shortened(text), ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in body)


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
