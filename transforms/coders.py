"""Coders of the types that flow, for runners that carry an element between two stages."""

from typing import Any

import msgspec
from apache_beam import coders
from apache_beam.coders.typecoders import registry

from transforms.records import (
    Built,
    DeadLetter,
    Delivery,
    Identified,
    Message,
    Projected,
    Record,
    Routed,
    Selected,
)

_ROUGH_BYTES = 1_000
"""Of an element; for the throughput in bytes that a runner shows."""


class StructCoder(coders.Coder):
    """Encodes one of our types as JSON, which keeps every Amplitude value as it is."""

    def __init__(self, struct: type) -> None:
        self._struct = struct
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(struct)

    def encode(self, value: Any) -> bytes:
        return msgspec.json.encode(value)

    def decode(self, encoded: bytes) -> Any:
        return self._decoder.decode(encoded)

    def estimate_size(self, value: Any) -> int:
        # Beam asks for a sample of all elements, also of those that never leave their stage.
        return _ROUGH_BYTES

    def is_deterministic(self) -> bool:
        return False

    def to_type_hint(self) -> type:
        return self._struct

    def __reduce__(self) -> tuple[type["StructCoder"], tuple[type]]:
        return StructCoder, (self._struct,)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StructCoder) and self._struct is other._struct

    def __hash__(self) -> int:
        return hash((StructCoder, self._struct))

    @classmethod
    def from_type_hint(cls, typehint: type, _registry: Any) -> Any:
        return cls(typehint)


def register() -> None:
    """Makes Beam use these coders for our types; safe to call more than once."""
    for struct in (
        Message,
        Record,
        Routed,
        Projected,
        Selected,
        Identified,
        Built,
        Delivery,
        DeadLetter,
    ):
        registry.register_coder(struct, StructCoder)
