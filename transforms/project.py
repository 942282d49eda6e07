"""Project: the properties that go along as an event's data."""

from collections.abc import Callable
from functools import lru_cache, partial

from msgspec import Struct

from transforms.properties import Selection, as_object, select, user_properties
from transforms.records import Json, Projected, Record, Routed, Settled
from transforms.reserved import GROUPS, RESERVED_EVENT_DATA
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally

FIELDS = ("event_properties", "user_properties", "group_properties")
"""The fields of a record that are read here."""


class EventSelection(Struct, frozen=True):
    """The allow-lists of an event's data."""

    event_properties: Selection = "none"
    user_properties: Selection = "none"
    group_properties: Selection = "none"


def project_event(record: Record, selection: EventSelection, tally: Tally) -> Json:
    """An event's data: selected group and user properties, the event's own over them."""
    fields = record.fields
    data: Json = {}
    if selection.event_properties != "none":
        properties = as_object(fields.get("event_properties"))
        data = _select_unreserved(properties, selection.event_properties, tally)
    if selection.user_properties != "none":
        of_user = _select_unreserved(user_properties(fields), selection.user_properties, tally)
        together = len(data) + len(of_user)
        data = {**of_user, **data}
        if together > len(data):
            tally.add("clash.property", together - len(data))
    if selection.group_properties != "none":
        groups = _group_properties(fields, selection.group_properties)
        if groups and GROUPS in data:
            tally.add("clash.property")
        elif groups:
            data = {**data, GROUPS: groups}
    return data


def _select_unreserved(properties: Json, selection: Selection, tally: Tally) -> Json:
    """The selected properties that are there and not null, in the record's order."""
    if type(selection) is tuple:
        names = _names(selection)
        if properties.keys() <= names and None not in properties.values():
            # So it is where no more than them was decoded.
            return properties
        return {
            name: value for name, value in properties.items() if name in names and value is not None
        }
    chosen = select(properties, selection)
    if selection == "all":
        for name in RESERVED_EVENT_DATA:
            if name in chosen:
                del chosen[name]
                tally.add("dropped.reserved_property")
    return chosen


_names: Callable[[tuple[str, ...]], frozenset[str]] = lru_cache(frozenset)


def _group_properties(fields: Json, selection: Selection) -> Json:
    """{type: {name: {property: value}}}, the levels that hold a selected property."""
    groups: Json = {}
    for group_type, names in as_object(fields.get("group_properties")).items():
        chosen = {
            name: properties
            for name, given in as_object(names).items()
            if (properties := select(as_object(given), selection))
        }
        if chosen:
            groups[group_type] = chosen
    return groups


def project(routed: Routed, selection: EventSelection, tally: Tally) -> Projected:
    """The record with its event's data chosen; a user update as it is."""
    event = project_event(routed.record, selection, tally) if routed.event else None
    return Projected(routed.record, routed.update, event, routed.person, routed.filtered)


class _ProjectDoFn(StageDoFn[Routed, Projected]):
    stage = "project"

    def __init__(self, selection: EventSelection) -> None:
        self._selection = selection

    def bind(self, tally: Tally) -> Callable[[Routed], Projected | Settled]:
        return partial(project, selection=self._selection, tally=tally)


class ProjectEvents(Stage):
    """Routed -> Projected: the data of an event is chosen; a user update passes untouched."""

    def __init__(self, selection: EventSelection) -> None:
        super().__init__(_ProjectDoFn(selection), Routed, Projected)
