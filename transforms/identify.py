"""Identify: the attributes of a person that a record sets or removes.

Where people are remembered: the operations on them, which become attributes in their memory.
"""

from collections.abc import Callable
from functools import partial

from transforms.memory.operators import operations_of
from transforms.properties import (
    Selection,
    as_object,
    select,
    stateful_operators,
    unset_properties,
    user_properties,
)
from transforms.records import Json, Projected, Record, Selected, Settled
from transforms.reserved import is_reserved_attribute
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally


def person_attributes(record: Record, selection: Selection, tally: Tally) -> Json:
    """The selected user properties; null for one that `$unset` removes."""
    chosen = select(user_properties(record.fields), selection)
    removed = unset_properties(record.fields)
    if selection == "all":
        chosen |= dict.fromkeys(removed)
    elif selection != "none" and removed:
        left = {**chosen, **dict.fromkeys(removed)}
        chosen = {name: left[name] for name in selection if name in left}
    if selection == "all":
        reserved = [name for name in chosen if is_reserved_attribute(name)]
        for name in reserved:
            del chosen[name]
        if reserved:
            tally.add("dropped.reserved_property", len(reserved))
    return chosen


def select_person(projected: Projected, selection: Selection, tally: Tally) -> Selected | Settled:
    """A record with its person's attributes; settled when nothing of it is left to be sent."""
    record = projected.record
    person: Json | None = None
    if projected.person:
        operators = stateful_operators(record.fields)
        if projected.update and 0 < operators == len(as_object(record.fields["user_properties"])):
            return _without_branches(record, "skipped.operator_needs_state")
        person = person_attributes(record, selection, tally) or None
        if person is None and projected.event is None:
            return _nothing_selected(projected)
        if operators and projected.update:
            tally.add("unapplied.operator", operators)
    return Selected(record, projected.event, person, projected.filtered)


def select_operations(
    projected: Projected, selection: Selection, tally: Tally
) -> Selected | Settled:
    """A record with the operations on its person; settled when neither they nor an event are left.

    They are {operator: {property: argument}}.
    """
    record = projected.record
    person: Json | None = None
    if projected.person:
        person = operations_of(record.fields, selection, tally) or None
        if person is None and projected.event is None:
            return _nothing_selected(projected)
    return Selected(record, projected.event, person, projected.filtered)


def _nothing_selected(projected: Projected) -> Selected | Settled:
    outcome = projected.filtered or "skipped.no_selected_property"
    return _without_branches(projected.record, outcome)


def _without_branches(record: Record, outcome: str) -> Selected | Settled:
    """The end of a record, unless it goes on for its groups."""
    return Selected(record, None, None, outcome) if record.groups else Settled(outcome)


class _IdentifyDoFn(StageDoFn[Projected, Selected]):
    stage = "identify"

    def __init__(self, selection: Selection, *, remembered: bool) -> None:
        self._selection = selection
        self._remembered = remembered

    def bind(self, tally: Tally) -> Callable[[Projected], Selected | Settled]:
        choose = select_operations if self._remembered else select_person
        return partial(choose, selection=self._selection, tally=tally)


class IdentifyPeople(Stage):
    """Projected -> Selected: the attributes of a person are chosen.

    `remembered`: the operations on the person are, because a memory makes attributes of them.
    """

    def __init__(self, selection: Selection, *, remembered: bool = False) -> None:
        super().__init__(_IdentifyDoFn(selection, remembered=remembered), Projected, Selected)
