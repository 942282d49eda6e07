"""What a case of the catalogue is."""

from collections.abc import Callable, Mapping

from pipeline.local.traffic.message import Message, Record, single
from pipeline.local.traffic.scene import Scene

Case = Callable[[Scene], Message]
RecordCase = Callable[[Scene], Record]


def of_records(cases: Mapping[str, RecordCase]) -> dict[str, Case]:
    """Turn makers of one record into makers of a message that holds it alone."""
    return {label: _alone(make) for label, make in cases.items()}


def of_bytes(cases: Mapping[str, Callable[[Scene], bytes]]) -> dict[str, Case]:
    """Turn makers of bytes into makers of messages that count as one record no file can hold."""
    return {label: _raw(make) for label, make in cases.items()}


def _alone(make: RecordCase) -> Case:
    return lambda scene: single(make(scene))


def _raw(make: Callable[[Scene], bytes]) -> Case:
    return lambda scene: Message(make(scene))
