"""One spelling for each JSON value, so that 1, 1.0 and true are three different things."""

import json
from typing import Any


def canonical(value: Any) -> str:
    """JSON text of `value` with sorted keys; equal texts mean equal values of equal types."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def encoded(value: Any) -> bytes:
    """Compact JSON in UTF-8, the form in which sizes are measured; keeps the order of keys."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
