"""Customer.io's limits, in UTF-8 bytes, as its Track API documents them."""

from typing import Any

import msgspec

MAX_IDENTIFIER_BYTES = 150
"""Of an identifier of a person, of an anonymous id, of an object's id."""
MAX_EVENT_NAME_BYTES = 100
MAX_EVENT_DATA_BYTES = 100_000
"""Of encoded JSON. Reached by the v1 events endpoint only, see MAX_ITEM_BYTES."""
MAX_ATTRIBUTES = 300
"""In one identify."""
MAX_ATTRIBUTE_NAME_BYTES = 150
MAX_ATTRIBUTE_VALUE_BYTES = 1_000
MAX_ITEM_BYTES = 32_000
"""Of one item of a v2 batch ("32 kb" without saying which kb: the smaller one is safe)."""


def value_bytes(value: Any) -> int:
    """The size of a value: of a text its own bytes, of anything else its compact JSON."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode())
    return len(msgspec.json.encode(value))


def cut_to_bytes(text: str, limit: int) -> str:
    """The longest beginning of `text` within `limit` UTF-8 bytes; no character is cut in two."""
    return text.encode()[:limit].decode(errors="ignore")
