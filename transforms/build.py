"""Build: an identified record -> Customer.io operations."""

from collections.abc import Callable, Mapping
from functools import partial

from transforms.deadletter import dead_letter
from transforms.event_time import InvalidTimeError, event_time_ms
from transforms.filter import canonical_event_type
from transforms.records import (
    Built,
    EventOperation,
    Identified,
    IdentifyOperation,
    Operation,
    Settled,
)
from transforms.route import event_type
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally
from transforms.ulid import event_ulid

UPDATE_ONLY = "_update"
"""The attribute by which an identify never creates a person (Track API)."""

_STAGE = "build"


def build_operations(
    identified: Identified, names: Mapping[str, str], *, update_only: bool
) -> Built | Settled:
    """The event and the identify of a record; neither where it goes on for its groups alone.

    `names`: what `with_canonical_names` made of the names to rename.
    """
    record = identified.record
    try:
        time_ms = event_time_ms(record)
    except InvalidTimeError as error:
        return dead_letter("invalid_time", str(error), stage=_STAGE, record=record)
    operations: list[Operation] = []
    if identified.event is not None:
        own_name = event_type(record) or ""
        operations.append(
            EventOperation(
                identifiers=identified.identifiers,
                name=_name(own_name, names) if names else own_name,
                id=event_ulid(record.fields, time_ms),
                timestamp=time_ms // 1000,
                attributes=identified.event,
            )
        )
    if identified.person is not None:
        attributes = identified.person
        person_ms = identified.person_time_ms
        operations.append(
            IdentifyOperation(
                identifiers=identified.identifiers,
                attributes={**attributes, UPDATE_ONLY: True} if update_only else attributes,
                timestamp=(time_ms if person_ms is None else person_ms) // 1000,
            )
        )
    return Built(
        record,
        time_ms,
        tuple(operations),
        identified.filtered,
        identified.identifiers,
        identified.person_time_ms,
        identified.person_unsettled,
    )


def _name(own_name: str, names: Mapping[str, str]) -> str:
    return names.get(own_name) or names.get(canonical_event_type(own_name), own_name)


def with_canonical_names(names: Mapping[str, str]) -> dict[str, str]:
    """New names by event type, each under its spelling in Amplitude's records too."""
    return {canonical_event_type(own): given for own, given in names.items()} | dict(names)


class _BuildDoFn(StageDoFn[Identified, Built]):
    stage = _STAGE

    def __init__(self, names: Mapping[str, str], *, update_only: bool) -> None:
        self._names = with_canonical_names(names)
        self._update_only = update_only

    def bind(self, tally: Tally) -> Callable[[Identified], Built | Settled]:
        return partial(build_operations, names=self._names, update_only=self._update_only)


class BuildOperations(Stage):
    """Identified -> Built.

    `rename`: event type -> name in Customer.io. `update_only`: an identify never creates a person.
    """

    def __init__(
        self, rename: Mapping[str, str] | None = None, *, update_only: bool = False
    ) -> None:
        super().__init__(_BuildDoFn(rename or {}, update_only=update_only), Identified, Built)
