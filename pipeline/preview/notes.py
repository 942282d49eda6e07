"""What the job counts beside a record's outcome, with the names of the properties concerned."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from pipeline.preview.explained import Note
from pipeline.preview.groups import group_types, update_names
from pipeline.preview.shaping import concerned, shaping_detail
from pipeline.preview.walk import Walk
from pipeline.preview.words import amount, brief, listed
from pipeline.settings.model import Settings
from transforms.build import UPDATE_ONLY
from transforms.groups import is_reserved
from transforms.identify import person_attributes
from transforms.limits import (
    MAX_ATTRIBUTE_NAME_BYTES,
    MAX_ATTRIBUTE_VALUE_BYTES,
    MAX_ATTRIBUTES,
    value_bytes,
)
from transforms.properties import (
    OPERATORS,
    STATEFUL_OPERATORS,
    Selection,
    as_object,
    select,
    unset_properties,
    user_properties,
)
from transforms.reasons import BESIDE_THE_LEDGER
from transforms.records import (
    Delivery,
    EventOperation,
    IdentifyOperation,
    Json,
    Record,
)
from transforms.reserved import GROUPS, RESERVED_EVENT_DATA, is_reserved_attribute
from transforms.route import GROUP_UPDATE_TYPE, event_type
from transforms.tally import Tally


def notes(walk: Walk, settings: Settings) -> tuple[Note, ...]:
    """One note for each counter that the record raises."""
    return tuple(
        Note(name, count, _detail(name, count, walk, settings) or BESIDE_THE_LEDGER[name])
        for name, count in walk.counts.items()
    )


def operators(record: Record) -> list[str]:
    """The operators of a user or group update that depend on the stored value."""
    fields = record.fields
    names: Iterable[str] = as_object(fields.get("user_properties"))
    if event_type(record) == GROUP_UPDATE_TYPE:
        names = update_names(fields)
    return [name for name in names if name in STATEFUL_OPERATORS]


def reserved_attributes(record: Record, selection: Selection) -> list[str]:
    """The user properties that a selection of `all` leaves out of an identify."""
    fields = record.fields
    candidates = [*select(user_properties(fields), selection), *unset_properties(fields)]
    taken = person_attributes(record, selection, Tally())
    return [name for name in dict.fromkeys(candidates) if name not in taken]


def _detail(name: str, count: int, walk: Walk, settings: Settings) -> str | None:
    """The counter in the words of this record; None when it says nothing more."""
    if name == "clash.property":
        renamed = len(concerned(name, walk, settings))
        texts = [_clashes(walk.record.fields, count - renamed, settings)]
        return "; ".join(filter(None, [*texts, shaping_detail(name, walk, settings)]))
    if name == "dropped.reserved_property":
        return f"sent only when listed: {listed(_reserved(walk, settings))}"
    if name == "unapplied.operator" and settings.users.state == "none":
        return f"left out, the stored value is needed: {listed(operators(walk.record))}"
    if name == "dropped.group_type":
        unmapped = (
            each
            for each in group_types(walk.record.fields)
            if each not in settings.groups.object_types
        )
        return f"groups.object_types does not name {listed(unmapped)}"
    if name.startswith("trimmed."):
        return _event_trim(name, walk) or _identify_trim(name, walk)
    return shaping_detail(name, walk, settings)


def _clashes(fields: Json, count: int, settings: Settings) -> str:
    events = settings.events
    of_user = _without_reserved(user_properties(fields), events.user_properties)
    own = _without_reserved(as_object(fields.get("event_properties")), events.event_properties)
    both = [name for name in of_user if name in own]
    texts = [f"the event property wins over the user property: {listed(both)}"] if both else []
    if count > len(both):
        texts.append(f"a property named {GROUPS} takes the place of the group properties")
    return "; ".join(texts)


def _without_reserved(properties: Json, selection: Selection) -> Json:
    reserved = RESERVED_EVENT_DATA if selection == "all" else ()
    chosen = select(properties, selection)
    return {name: value for name, value in chosen.items() if name not in reserved}


def _reserved(walk: Walk, settings: Settings) -> Iterable[str]:
    fields, routed = walk.record.fields, walk.routed
    names: list[str] = []
    if routed is not None and routed.event:
        events = settings.events
        for properties, selection in (
            (user_properties(fields), events.user_properties),
            (as_object(fields.get("event_properties")), events.event_properties),
        ):
            chosen = select(properties, selection) if selection == "all" else {}
            names += [name for name in RESERVED_EVENT_DATA if name in chosen]
    if routed is not None and routed.person and settings.users.user_properties == "all":
        if settings.users.state == "person":
            names += filter(is_reserved_attribute, _named(fields))
        else:
            names += reserved_attributes(walk.record, "all")
    if event_type(walk.record) == GROUP_UPDATE_TYPE:
        names += [name for name in update_names(fields) if is_reserved(name)]
    return dict.fromkeys(names)


def _named(fields: Json) -> Iterator[str]:
    """The user properties that a record names, in operators too."""
    for name, value in as_object(fields.get("user_properties")).items():
        if name in OPERATORS:
            yield from as_object(value)
        else:
            yield name


def _event_trim(name: str, walk: Walk) -> str | None:
    before, after = _built(walk, EventOperation), _sent(walk, EventOperation)
    if before is None or after is None:
        return None
    if name == "trimmed.event_name_too_long":
        return f"cut to {brief(after.name, 110)}"
    if name == "trimmed.event_data_too_large":
        lost = [key for key in before.attributes if key not in after.attributes]
        return f"left out: {listed(lost)}"
    return None


def _identify_trim(name: str, walk: Walk) -> str | None:
    before = _built(walk, IdentifyOperation)
    if before is None:
        return None
    given = {key: value for key, value in before.attributes.items() if key != UPDATE_ONLY}
    kept = dict(list(given.items())[:MAX_ATTRIBUTES])
    if name == "trimmed.too_many_attributes":
        return f"the first {MAX_ATTRIBUTES} of {amount(len(given), 'attribute')} are kept"
    long_names = [key for key in kept if value_bytes(key) > MAX_ATTRIBUTE_NAME_BYTES]
    if name == "trimmed.attribute_name_too_long":
        return f"left out: {listed(long_names)}"
    long_values = [
        key
        for key, value in kept.items()
        if key not in long_names and value_bytes(value) > MAX_ATTRIBUTE_VALUE_BYTES
    ]
    return f"left out: {listed(long_values)}"


_O = TypeVar("_O", EventOperation, IdentifyOperation)


def _built(walk: Walk, kind: type[_O]) -> _O | None:
    operations = walk.built.operations if walk.built else ()
    return next((each for each in operations if isinstance(each, kind)), None)


def _sent(walk: Walk, kind: type[_O]) -> _O | None:
    items = walk.end.items if isinstance(walk.end, Delivery) else ()
    return next((each.operation for each in items if isinstance(each.operation, kind)), None)
