"""Groups: which objects of Customer.io a record is about.

An Amplitude group is an object: its type stands for an object type, its name is the object's id. A
group update changes the attributes of objects; any other record relates its person to them.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from transforms.properties import (
    OPERATORS,
    STATEFUL_OPERATORS,
    Selection,
    as_object,
    select,
    without_operators,
)
from transforms.records import Group, Json, Record, Settled
from transforms.resolve import identifier_text
from transforms.route import GROUP_UPDATE_TYPE, event_type
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally

GROUPS, GROUP_PROPERTIES = "groups", "group_properties"
"""The fields of a record that are read here; the second only where properties are selected."""
RESERVED_ATTRIBUTES = frozenset(
    {
        "cio_object_id",
        "object_id",
        "objectId",
        "object_type_id",
        "relationship",
        "created_at",
    }
)
"""Attributes of objects that mean something to Customer.io
(https://docs.customer.io/journeys/objects-create), and `_…`: sent only when they are listed."""

_STAGE = "group"


class GroupRules(Struct, frozen=True):
    """Which groups become objects, and with what."""

    object_types: Mapping[str, str]
    """Group type -> object_type_id."""
    group_properties: Selection = "none"


class _Update(NamedTuple):
    """What a group update says of one group."""

    group_type: str
    name: str
    properties: Json


def read_groups(record: Record, rules: GroupRules, tally: Tally) -> Record | Settled:
    """The record with its groups; settled when it is a group update that changes no object."""
    if event_type(record) == GROUP_UPDATE_TYPE:
        return _group_update(record, rules, tally)
    given = record.fields.get(GROUPS)
    if type(given) is not dict or not given:
        return record
    _count_unmapped(given, rules, tally)
    groups = [Group(rules.object_types[kind], name) for kind, name in _named(given, rules)]
    return replace(record, groups=tuple(groups)) if groups else record


def _group_update(record: Record, rules: GroupRules, tally: Tally) -> Record | Settled:
    named = as_object(record.fields.get(GROUPS))
    properties: Json = {}
    if rules.group_properties != "none":
        properties = as_object(record.fields.get(GROUP_PROPERTIES))
    by_name = is_by_name(named, properties)
    types = properties if by_name else named
    if rules.object_types.keys().isdisjoint(types):
        return Settled("skipped.group_type")
    _count_unmapped(types, rules, tally)
    groups: list[Group] = []
    operators = unapplied = others = 0
    for group_type, name, own in _updates(named, properties, rules, by_name=by_name):
        stateful = len(STATEFUL_OPERATORS & own.keys())
        operators += stateful
        others += len(own) - stateful
        attributes = object_attributes(own, rules.group_properties, tally)
        if attributes:
            groups.append(Group(rules.object_types[group_type], name, attributes))
            unapplied += stateful
    if not groups:
        needs_state = operators and not others
        return Settled(
            f"skipped.{'operator_needs_state' if needs_state else 'no_selected_property'}"
        )
    if unapplied:
        tally.add("unapplied.operator", unapplied)
    return replace(record, groups=tuple(groups))


def is_by_name(named: Json, properties: Json) -> bool:
    """Whether group properties stand under type and name, as in Amplitude's export.

    An update as the SDKs send it holds the properties themselves, or operators: those of all groups
    that it names.
    """
    return (
        bool(properties)
        and (not named or properties.keys() <= named.keys())
        and OPERATORS.isdisjoint(properties)
        and all(
            type(names) is dict and all(type(each) is dict for each in names.values())
            for names in properties.values()
        )
    )


def _updates(
    named: Json, properties: Json, rules: GroupRules, *, by_name: bool
) -> Iterator[_Update]:
    if not by_name:
        yield from (_Update(*group, properties) for group in _named(named, rules))
        return
    for group_type, names in properties.items():
        for given, own in names.items() if group_type in rules.object_types else ():
            name = identifier_text(given)
            if name is not None:
                yield _Update(group_type, name, own)


def _named(groups: Json, rules: GroupRules) -> Iterator[tuple[str, str]]:
    """Type and name of each group that has an object type, once."""
    for group_type, given in groups.items():
        if group_type in rules.object_types:
            names = map(identifier_text, given if type(given) is list else [given])
            for name in dict.fromkeys(names):
                if name is not None:
                    yield group_type, name


def _count_unmapped(types: Json, rules: GroupRules, tally: Tally) -> None:
    unmapped = len(types.keys() - rules.object_types.keys())
    if unmapped:
        tally.add("dropped.group_type", unmapped)


def object_attributes(properties: Json, selection: Selection, tally: Tally) -> Json:
    """The selected properties of a group; null for one that `$unset` removes."""
    removed = dict.fromkeys(as_object(properties.get("$unset")))
    given = {**select(without_operators(properties), "all"), **removed}
    if selection == "none":
        return {}
    if selection != "all":
        return {name: given[name] for name in selection if name in given}
    chosen = {name: value for name, value in given.items() if not is_reserved(name)}
    if len(chosen) < len(given):
        tally.add("dropped.reserved_property", len(given) - len(chosen))
    return chosen


def is_reserved(name: str) -> bool:
    """Whether an object's attribute of that name is sent only when it is listed."""
    return name.startswith("_") or name in RESERVED_ATTRIBUTES


class _GroupDoFn(StageDoFn[Record, Record]):
    stage = _STAGE

    def __init__(self, rules: GroupRules) -> None:
        self._rules = rules

    def bind(self, tally: Tally) -> Callable[[Record], Record | Settled]:
        return partial(read_groups, rules=self._rules, tally=tally)


class ReadGroups(Stage):
    """Record -> Record with its groups."""

    def __init__(self, rules: GroupRules) -> None:
        super().__init__(_GroupDoFn(rules), Record, Record)
