"""Settings that are right one by one, but not together.

Everything here works on the raw values of a file as well as on checked ones, and looks away from
values of a wrong type: so one run reports these faults next to all others.
"""

from collections.abc import Mapping
from typing import Final, get_args

from pipeline.settings import shaping
from pipeline.settings.faults import Fault, describe, quoted
from pipeline.settings.kinds import Operator

SELECTIONS: Final = ("event_properties", "user_properties", "group_properties")
"""The keys under `events` that `preset: all_properties` sets to all."""

_WITHOUT_VALUES = ("is_set", "is_not_set")
_ONE_VALUE = ("less", "less_or_equal", "greater", "greater_or_equal")


def in_clause(op: object, values: object) -> list[Fault]:
    """An operator with too many or too few values. Paths start at the clause."""
    if not isinstance(values, list | tuple):
        return []
    found = f"found {len(values)} value{'' if len(values) == 1 else 's'} for {op}"
    if op in _WITHOUT_VALUES:
        return [Fault(("values",), found, "no values")] if values else []
    if op in _ONE_VALUE:
        return [Fault(("values",), found, "exactly one value")] if len(values) != 1 else []
    if op in get_args(Operator) and not values:
        return [Fault(("values",), found, "at least one value")]
    return []


def in_events(include: object, exclude: object) -> list[Fault]:
    """Event types that are both included and excluded. Paths start at `events`."""
    if not isinstance(include, list | tuple) or not isinstance(exclude, list | tuple):
        return []
    included = {name for name in include if isinstance(name, str)}
    return [
        Fault(("exclude", index), f"found {quoted(name)}, which events.include lists too")
        for index, name in enumerate(exclude)
        if isinstance(name, str) and name in included
    ]


def in_users(trigger: object, state: object) -> list[Fault]:
    """A trigger that needs a memory, without one. Paths start at `users`."""
    if trigger != "changed" or state != "none":
        return []
    found = "found changed without state: person, which remembers what was last sent"
    return [Fault(("trigger",), found, hint="add state: person under users")]


def in_settings(settings: Mapping[str, object]) -> list[Fault]:
    """Pairs across sections."""
    faults = []
    events, users = _section(settings, "events"), _section(settings, "users")
    groups = _section(settings, "groups")
    if settings.get("preset") == "all_properties":
        for key in SELECTIONS:
            if key in events and events[key] != "all":
                found = f"found {describe(events[key])} next to preset: all_properties"
                hint = "leave out one of the two"
                faults.append(Fault(("events", key), found, "all", hint))
    if (
        events.get("enabled") is False
        and users.get("enabled") is False
        and groups.get("enabled") is not True
        and settings.get("status") != "disabled"
    ):
        found = "found false, and users.enabled is false as well: nothing would be sent"
        hint = "use status: disabled"
        faults.append(Fault(("events", "enabled"), found, hint=hint))
    if groups.get("enabled") is True and groups.get("object_types", {}) == {}:
        found = "found true without groups.object_types: no group would be sent"
        hint = "give the object type of a group type"
        faults.append(Fault(("groups", "enabled"), found, hint=hint))
    faults += _of_anonymous(events, _section(settings, "mappings"))
    return [*faults, *shaping.contradictions(settings)]


def _of_anonymous(events: Mapping[str, object], mappings: Mapping[str, object]) -> list[Fault]:
    if mappings.get("anonymous") != "send":
        return []
    place = ("mappings", "anonymous")
    faults = []
    if events.get("enabled") is False:
        found = 'found "send", and events.enabled is false: nothing anonymous would be sent'
        faults.append(Fault(place, found, hint="use skip"))
    if mappings.get("user_identifier") == "device_id":
        found = 'found "send", and mappings.user_identifier is device_id, which it sends'
        faults.append(Fault(place, found, hint="use skip"))
    return faults


def in_file(settings: Mapping[str, object]) -> list[Fault]:
    """All contradictions of a whole file. Paths start at its top."""
    events = _section(settings, "events")
    faults = [
        fault.under("events") for fault in in_events(events.get("include"), events.get("exclude"))
    ]
    users = _section(settings, "users")
    faults += [
        fault.under("users") for fault in in_users(users.get("trigger"), users.get("state", "none"))
    ]
    clauses = events.get("where")
    for index, clause in enumerate(clauses if isinstance(clauses, list) else []):
        if isinstance(clause, dict):
            faults += [
                fault.under("events", "where", index)
                for fault in in_clause(clause.get("op"), clause.get("values", []))
            ]
    return faults + in_settings(settings)


def _section(settings: Mapping[str, object], key: str) -> Mapping[str, object]:
    section = settings.get(key)
    return section if isinstance(section, dict) else {}
