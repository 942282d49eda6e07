"""Why a record was settled before it could be sent, in plain words, with the concrete cause.

The outcome is given by the job's own functions; nothing here decides it. What is said about it is
read from the record and the settings once more.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

from pipeline import plan
from pipeline.preview.groups import group_types, update_names
from pipeline.preview.notes import operators, reserved_attributes
from pipeline.preview.walk import Walk
from pipeline.preview.words import amount, brief, listed, shortened
from pipeline.settings.model import Settings
from transforms.conditions import Clause, compile_clause
from transforms.filter import canonical_event_type
from transforms.limits import MAX_ATTRIBUTE_NAME_BYTES, MAX_IDENTIFIER_BYTES, value_bytes
from transforms.properties import (
    PropertyPath,
    Selection,
    unset_properties,
    user_properties,
)
from transforms.records import (
    DeadLetter,
    EventOperation,
    IdentifyOperation,
    Json,
    Record,
)
from transforms.resolve import DEVICE_ID
from transforms.route import GROUP_UPDATE_TYPE, event_type

_COMPARED_CHARACTERS = 100
_LARGEST_SHOWN = 3


def cause(outcome: str, record: Record, settings: Settings) -> str:
    """Why a record is filtered or skipped. Raises KeyError for any other outcome."""
    return CAUSES[outcome](record, settings)


def cause_of_letter(letter: DeadLetter, walk: Walk, settings: Settings) -> str:
    """Why a record is a dead letter: the letter's own detail, and what is known beside it."""
    add = _BESIDE_THE_DETAIL.get(letter.reason)
    return letter.detail + (add(letter, walk, settings) if add else "")


def _event_type(record: Record, settings: Settings) -> str:
    name = event_type(record) or ""
    events = settings.events
    shown = brief(name)
    for listed_name in events.exclude:
        if canonical_event_type(listed_name) == canonical_event_type(name):
            alias = "" if listed_name == name else f" as {brief(listed_name)}"
            return f"{shown} is excluded: events.exclude names it{alias}"
    text = f"{shown} is not included: events.include does not name it"
    near = _nearest(name, events.include)
    return f"{text}; it names {brief(near)}" if near else text


def _nearest(name: str, names: Iterable[str]) -> str | None:
    folded = {each.casefold(): each for each in names}
    near = get_close_matches(name[:_COMPARED_CHARACTERS].casefold(), folded, n=1, cutoff=0.75)
    return folded[near[0]] if near else None


def _where(record: Record, settings: Settings) -> str:
    failing = [
        f"events.where[{index}] does not hold: {_clause_text(clause)}; {_found(clause, record)}"
        for index, clause in enumerate(plan.filter_rules(settings).where)
        if not compile_clause(clause)(record.fields)
    ]
    return "; ".join(failing)


def _clause_text(clause: Clause) -> str:
    values = " or ".join(brief(value) for value in clause.values)
    return f"{clause.property} {clause.op.replace('_', ' ')} {values}".rstrip()


def _found(clause: Clause, record: Record) -> str:
    value = PropertyPath(clause.property).read(record.fields)
    return "the record has none" if value is None else f"the record has {brief(value)}"


def _no_selected_property(record: Record, settings: Settings) -> str:
    if event_type(record) == GROUP_UPDATE_TYPE:
        return _no_selected_group_property(record, settings)
    selection = settings.users.user_properties
    properties = user_properties(record.fields)
    names = list(dict.fromkeys([*properties, *unset_properties(record.fields)]))
    if not names:
        return "the user update has no properties"
    if selection == "all":
        reserved = reserved_attributes(record, selection)
        texts = [f"reserved names are left out: {listed(reserved)}"] if reserved else []
        empty = [name for name in names if name not in reserved]
        texts += [f"null values are left out: {listed(empty)}"] if empty else []
        return "; ".join(texts)
    empty = [name for name in selection if name in properties] if selection != "none" else []
    text = f"users.user_properties is {selection_text(selection)}; the record has {listed(names)}"
    return f"{text} (null: {listed(empty)})" if empty else text


def _no_selected_group_property(record: Record, settings: Settings) -> str:
    names = list(update_names(record.fields))
    if not names:
        return "the group update has no properties"
    selection = settings.groups.group_properties
    if selection == "all":
        return f"reserved names and null values are left out: {listed(names)}"
    state = selection_text(selection)
    return f"groups.group_properties is {state}; the record has {listed(names)}"


def selection_text(selection: Selection) -> str:
    """A selection as the settings write it, shortened."""
    return selection if isinstance(selection, str) else f"[{listed(selection)}]"


def _operator_needs_state(record: Record, _settings: Settings) -> str:
    return f"only operators on the stored value: {listed(operators(record))}"


def _unchanged(_record: Record, settings: Settings) -> str:
    if settings.users.trigger == "changed":
        return "it leaves every value as it was last sent"
    return "nothing that it names is remembered of the person, or it came too late to count"


def _no_identifier(record: Record, settings: Settings) -> str:
    path = settings.mappings.user_identifier
    value = PropertyPath(path).read(record.fields)
    if value is None:
        return f"the record has no {path}, which mappings.user_identifier names"
    return f"{path}, which mappings.user_identifier names, is {brief(value)}: no identifier"


def _group_type(record: Record, settings: Settings) -> str:
    if not settings.groups.enabled:
        return "groups.enabled is false"
    types = listed(group_types(record.fields))
    return f"groups.object_types has no group of type {types}" if types else "it names no group"


CAUSES: Final[Mapping[str, Callable[[Record, Settings], str]]] = MappingProxyType(
    {
        "filtered.events_disabled": lambda *_: "events.enabled is false",
        "filtered.event_type": _event_type,
        "filtered.where": _where,
        "filtered.users_disabled": lambda *_: "users.enabled is false",
        "skipped.anonymous": _no_identifier,
        "skipped.no_selected_property": _no_selected_property,
        "skipped.operator_needs_state": _operator_needs_state,
        "skipped.unchanged": _unchanged,
        "skipped.duplicate": lambda *_: "another copy of an update that came before",
        "skipped.cohort_message": lambda *_: "it has cohort_id and in_cohort",
        "skipped.group_type": _group_type,
    }
)
"""Outcome -> what to say about it."""


def _time(letter: DeadLetter, walk: Walk, _settings: Settings) -> str:
    field = letter.detail.partition(" ")[0]
    fields = walk.record.fields
    if field in fields:
        return f": {brief(fields[field])}"
    if walk.record.origin.publish_time is None:
        return ", and a record of a file has no publish time to take its place"
    return ""


def _identifier(letter: DeadLetter, walk: Walk, settings: Settings) -> str:
    fields = walk.record.fields
    if letter.stage == "validate":
        return f": {listed(_long_group_names(walk))}"
    path = settings.mappings.user_identifier
    if letter.detail.startswith(f"the {DEVICE_ID} "):
        path = DEVICE_ID
    return f": {path} is {brief(PropertyPath(path).read(fields))}"


def _long_group_names(walk: Walk) -> Iterator[str]:
    for group in walk.grouped.groups:
        if value_bytes(group.object_id) > MAX_IDENTIFIER_BYTES:
            yield group.object_id


def _top_level(_letter: DeadLetter, walk: Walk, _settings: Settings) -> str:
    fields = walk.record.fields
    return f"; it has {listed(fields)}" if fields else "; it is empty"


def _long_name(_letter: DeadLetter, walk: Walk, _settings: Settings) -> str:
    names = _attributes(walk, IdentifyOperation)
    return f": {listed(name for name in names if value_bytes(name) > MAX_ATTRIBUTE_NAME_BYTES)}"


def _largest_of_event(_letter: DeadLetter, walk: Walk, _settings: Settings) -> str:
    return _largest(_attributes(walk, EventOperation))


def _largest_of_identify(_letter: DeadLetter, walk: Walk, _settings: Settings) -> str:
    return _largest(_attributes(walk, IdentifyOperation))


def _largest(attributes: Json) -> str:
    sizes = {name: value_bytes(value) for name, value in attributes.items()}
    largest = sorted(sizes, key=lambda name: -sizes[name])[:_LARGEST_SHOWN]
    texts = [f"{shortened(name)} ({amount(sizes[name], 'byte')})" for name in largest]
    return f"; the largest: {', '.join(texts)}"


def _attributes(walk: Walk, kind: type[EventOperation | IdentifyOperation]) -> Json:
    operations = walk.built.operations if walk.built else ()
    return next((each.attributes for each in operations if isinstance(each, kind)), {})


_Beside = Callable[[DeadLetter, Walk, Settings], str]

_BESIDE_THE_DETAIL: Final[Mapping[str, _Beside]] = {
    "no_identifier": lambda _, walk, settings: f": {_no_identifier(walk.record, settings)}",
    "identifier_too_long": _identifier,
    "invalid_time": _time,
    "unknown_record": _top_level,
    "attribute_name_too_long": _long_name,
    "event_data_too_large": _largest_of_event,
    "item_too_large": _largest_of_identify,
}
