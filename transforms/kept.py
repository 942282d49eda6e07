"""What is kept of an input that is set aside: all of it, but for API keys."""

from typing import NamedTuple

from transforms.api_key import MARGIN, may_hold_api_key, without_api_key
from transforms.gunzip import gunzip_parts, is_gzip

MAX_KEPT_BYTES = 10_000_000
"""Of an input that is inflated to be kept; the size of Pub/Sub's largest message."""
MAX_SEARCHED_BYTES = 256 * 1024 * 1024
"""Of what a compressed input inflates to: four times what a message may hold."""
_MAX_LAYERS = 4
"""Of gzip around gzip. There are data that inflate to themselves."""


class Kept(NamedTuple):
    """What is kept, and what to say about it where that is not the input as it came."""

    data: bytes
    note: str = ""


def kept(data: bytes, layers: int = _MAX_LAYERS) -> Kept:
    """The input without the values of its API keys.

    Gzip is kept as it came, unless there is an API key in it: then what it inflates to is kept, for
    a key cannot be blanked in compressed data. Of what is not looked through nothing is kept.
    """
    if not is_gzip(data):
        return Kept(without_api_key(data))
    searched = 0
    tail = b""
    for part in gunzip_parts(data, up_to_damage=True):
        if not searched and is_gzip(part.data) and layers:
            inner = _inflated(data)
            keep = kept(inner.data, layers - 1)
            if not inner.note and keep.data == inner.data:
                return Kept(without_api_key(data))
            return Kept(keep.data, keep.note or inner.note or "kept inflated")
        searched += len(part.data)
        if may_hold_api_key(tail + part.data):
            inflated = _inflated(data)
            return Kept(without_api_key(inflated.data), inflated.note or "kept inflated")
        if searched > MAX_SEARCHED_BYTES:
            note = f"only the first {part.read} bytes, compressed, are kept"
            return Kept(without_api_key(data[: part.read]), note)
        tail = part.data[-MARGIN:]
    return Kept(without_api_key(data))


def _inflated(data: bytes) -> Kept:
    parts: list[bytes] = []
    room = MAX_KEPT_BYTES
    for part in gunzip_parts(data, up_to_damage=True):
        parts.append(part.data[:room])
        room -= len(parts[-1])
        if not room:
            note = f"kept inflated, the first {MAX_KEPT_BYTES} bytes of it"
            return Kept(b"".join(parts), note)
    return Kept(b"".join(parts))
