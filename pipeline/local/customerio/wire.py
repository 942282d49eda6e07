"""JSON on the wire: what was sent, byte for byte, and what it means."""

from typing import Any

import msgspec


class NotJsonError(ValueError):
    """The bytes are not one JSON value (bad syntax, bad UTF-8, NaN, 1e999, too deep)."""


def decode(raw: bytes | msgspec.Raw) -> Any:
    """The value that ``raw`` spells. Raises NotJsonError."""
    return _decode(raw, Any)


def decode_object(raw: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The fields of an object, each as the bytes that were sent. Raises NotJsonError."""
    fields: dict[str, msgspec.Raw] = _decode(raw, dict[str, msgspec.Raw])
    return fields


def decode_array(raw: bytes | msgspec.Raw) -> list[msgspec.Raw]:
    """The items of an array, each as the bytes that were sent. Raises NotJsonError."""
    items: list[msgspec.Raw] = _decode(raw, list[msgspec.Raw])
    return items


def encode(value: object) -> bytes:
    """Compact JSON, UTF-8."""
    return msgspec.json.encode(value)


def utf8_size(text: str) -> int:
    """Bytes of ``text`` in UTF-8, without quotes or escapes."""
    return len(text.encode("utf-8"))


def _decode(raw: bytes | msgspec.Raw, shape: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotJsonError(str(error)) from error
