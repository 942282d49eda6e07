"""Contract section 4: whom a record belongs to."""

import re
from typing import Any

from tests.end_to_end.expectation.filtering import decimal_text, is_number

LONGEST_IDENTIFIER = 150
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


def identifiers_of(value: Any) -> dict[str, str] | None:
    """Return Customer.io's `identifiers` for the value of the mapped field, None when missing."""
    if is_number(value):
        text = decimal_text(value)
    elif isinstance(value, str):
        text = value.strip()
    else:
        return None
    if not text:
        return None
    if _EMAIL.fullmatch(text):
        return {"email": text}
    if text.startswith("cio_") and text != "cio_":
        return {"cio_id": text[len("cio_") :]}
    return {"id": text}


def is_too_long(identifiers: dict[str, str]) -> bool:
    """Whether the value that is sent has over 150 bytes."""
    return any(len(value.encode()) > LONGEST_IDENTIFIER for value in identifiers.values())
