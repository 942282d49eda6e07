"""The properties of a record that the settings do not select."""

from collections.abc import Iterable

from pipeline.preview.groups import update_names
from pipeline.settings.model import Settings
from transforms.properties import OPERATORS, Selection, as_object, unset_properties, user_properties
from transforms.records import Json, Routed
from transforms.resolve import is_group_update


def left_behind(routed: Routed, settings: Settings) -> dict[str, tuple[str, ...]]:
    """Setting -> names that the record has and the setting does not select.

    Only the settings that apply to the record's branches; none where nothing stays behind.
    """
    fields = routed.record.fields
    of_user = dict.fromkeys([*user_properties(fields), *unset_properties(fields)])
    found: dict[str, tuple[str, ...]] = {}
    if routed.event:
        events = settings.events
        of_event = as_object(fields.get("event_properties"))
        found["events.event_properties"] = _not_in(events.event_properties, of_event)
        found["events.user_properties"] = _not_in(events.user_properties, user_properties(fields))
        found["events.group_properties"] = _not_in(
            events.group_properties, group_property_names(fields)
        )
    if routed.person:
        found["users.user_properties"] = _not_in(settings.users.user_properties, of_user)
    if is_group_update(routed.record):
        plain = (name for name in update_names(fields) if name not in OPERATORS)
        found["groups.group_properties"] = _not_in(settings.groups.group_properties, plain)
    return {setting: names for setting, names in found.items() if names}


def group_property_names(fields: Json) -> Iterable[str]:
    """The names of the properties of all groups of a record, each once."""
    names: dict[str, None] = {}
    for groups in as_object(fields.get("group_properties")).values():
        for properties in as_object(groups).values():
            names |= dict.fromkeys(as_object(properties))
    return names


def _not_in(selection: Selection, names: Iterable[str]) -> tuple[str, ...]:
    if selection == "all":
        return ()
    chosen = () if selection == "none" else frozenset(selection)
    return tuple(name for name in names if name not in chosen)
