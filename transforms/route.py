"""Route: decides what a record is, and which branches it takes."""

from collections.abc import Callable
from functools import partial

from transforms.deadletter import dead_letter
from transforms.records import Json, Record, Routed, Settled
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally

USER_UPDATE_TYPES = frozenset({"$identify", "_identify", "identify"})
GROUP_UPDATE_TYPE = "$groupidentify"
_NO_EVENT_TYPES = USER_UPDATE_TYPES | {GROUP_UPDATE_TYPE}
FIELDS = ("event_type", "event_name", "user_properties", "cohort_id", "in_cohort")
"""The fields of a record that are read here."""

_STAGE = "route"


def event_type(record: Record) -> str | None:
    """The record's event type; None when there is none, or it is blank or no text."""
    value = record.fields.get("event_type")
    if value is None:
        value = record.fields.get("event_name")
    return value if type(value) is str and value.strip() else None


def _has_no_type(fields: Json) -> bool:
    return fields.get("event_type") is None and fields.get("event_name") is None


def route(record: Record, *, identify_events: bool) -> Routed | Settled:
    """Tells events, user updates and the rest apart.

    `identify_events`: events too take the identify branch (`users.trigger: always`).
    """
    fields = record.fields
    kind = event_type(record)
    if kind is not None and kind not in _NO_EVENT_TYPES and "cohort_id" not in fields:
        return Routed(record, update=False, event=True, person=identify_events)
    untyped = _has_no_type(fields) and isinstance(fields.get("user_properties"), dict)
    if kind in USER_UPDATE_TYPES or untyped:
        return Routed(record, update=True, event=False, person=True)
    if kind == GROUP_UPDATE_TYPE:
        if record.groups:
            return Routed(record, update=False, event=False, person=False)
        return Settled("skipped.group_type")
    if fields.get("cohort_id") is not None and fields.get("in_cohort") is not None:
        return Settled("skipped.cohort_message")
    if kind is not None:
        return Routed(record, update=False, event=True, person=identify_events)
    detail = "neither an event (no event_type) nor a user update (no user_properties)"
    return dead_letter("unknown_record", detail, stage=_STAGE, record=record)


class _RouteDoFn(StageDoFn[Record, Routed]):
    stage = _STAGE

    def __init__(self, *, identify_events: bool) -> None:
        self._identify_events = identify_events

    def bind(self, tally: Tally) -> Callable[[Record], Routed | Settled]:
        return partial(route, identify_events=self._identify_events)


class Route(Stage):
    """Record -> Routed: event branch, identify branch, or both."""

    def __init__(self, *, identify_events: bool = False) -> None:
        super().__init__(_RouteDoFn(identify_events=identify_events), Record, Routed)
