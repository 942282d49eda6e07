"""What docs/shaping.md promises of the properties of a storm, worked out once more and plainly."""

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any


def shaped(properties: dict[str, Any], rules: dict[str, Any], salt: str | None) -> dict[str, Any]:
    """Properties as they leave. `rules`: a section of the settings; `salt`: None for none."""
    leaving: dict[str, Any] = {}
    for name, value in properties.items():
        if name.startswith("initial_") and value == "EMPTY":
            continue
        if name in rules["unix_seconds"]:
            value = _seconds(value)
        if name in rules["hash"] and value is not None:
            if isinstance(value, dict):
                continue
            value = _hashed(value, salt)
        leaving[name] = value
    names = rules["rename_properties"]
    renamed = {new: leaving[old] for old, new in names.items() if old in leaving}
    kept = {name: value for name, value in leaving.items() if name not in names}
    return kept | renamed


def _seconds(value: Any) -> Any:
    """A date or a time in UTC as Unix seconds; anything else as it is."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _hashed(value: Any, salt: str | None) -> Any:
    if isinstance(value, list):
        return [_hashed(each, salt) for each in value]
    text = str(value).strip()
    if not text:
        return ""
    data = (text.lower() if "@" in text else text).encode()
    if salt is None:
        return sha256(data).hexdigest()
    return hmac.digest(salt.encode(), data, "sha256").hex()
