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

STATE_DAYS: Final = 90
SETTLE_S: Final = 600
"""Defaults of the keys under `users` that say how people are remembered."""

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


def in_users(users: Mapping[str, object]) -> list[Fault]:
    """A memory, or a trigger, with nothing to work on, and the reverse. Paths start at `users`.

    `users`: those keys alone that were given.
    """
    state, trigger = users.get("state", "none"), users.get("trigger")
    faults = []
    if trigger == "changed" and state == "none":
        found = "found changed without state: person, which remembers what was last sent"
        faults.append(Fault(("trigger",), found, hint="add state: person under users"))
    if trigger == "always" and users.get("enabled") is not False and _selects_nobody(users):
        found = "found always without user_properties: no event would update a person"
        hint = "select user properties, or leave the trigger out"
        faults.append(Fault(("trigger",), found, hint=hint))
    if state == "person":
        faults += _of_memory(users)
    elif "state" not in users:
        # Said to be none it is switched off, for a replay without people for one.
        faults += [
            Fault((key,), f"found {value} without state: person", hint=_NOBODY_REMEMBERED)
            for key, default in (("state_days", STATE_DAYS), ("settle_s", SETTLE_S))
            if type(value := users.get(key, default)) is int and value != default
        ]
    return faults


_NOBODY_REMEMBERED = "nobody is remembered; add state: person under users, or leave it out"


def _of_memory(users: Mapping[str, object]) -> list[Fault]:
    """Why nobody would be remembered."""
    if users.get("enabled") is False:
        found = "found person, and enabled is false: nobody would be remembered"
        return [Fault(("state",), found, hint="leave out one of the two")]
    if _selects_nobody(users):
        found = "found person without user_properties: nothing of anybody would be remembered"
        return [Fault(("state",), found, hint="select the user properties to remember")]
    return []


def _selects_nobody(users: Mapping[str, object]) -> bool:
    """Whether no user property becomes an attribute of a person."""
    return users.get("user_properties", "none") in ("none", [], ())


def in_settings(settings: Mapping[str, object]) -> list[Fault]:
    """Pairs across sections."""
    faults = []
    events, groups = _section(settings, "events"), _section(settings, "groups")
    if settings.get("preset") == "all_properties":
        for key in SELECTIONS:
            if key in events and events[key] != "all":
                found = f"found {describe(events[key])} next to preset: all_properties"
                hint = "leave out one of the two"
                faults.append(Fault(("events", key), found, "all", hint))
    faults += _of_sending_nothing(settings)
    if groups.get("enabled") is True and groups.get("object_types", {}) == {}:
        found = "found true without groups.object_types: no group would be sent"
        hint = "give the object type of a group type"
        faults.append(Fault(("groups", "enabled"), found, hint=hint))
    selected = groups.get("group_properties", "none")
    if groups.get("enabled", False) is False and _is_selected(selected):
        found = f"found {describe(selected)}, and groups.enabled is false: no group would be sent"
        hint = "set groups.enabled: true; what goes along with an event is events.group_properties"
        faults.append(Fault(("groups", "group_properties"), found, hint=hint))
    faults += _of_anonymous(events, _section(settings, "mappings"))
    return [*faults, *shaping.contradictions(settings)]


def _of_sending_nothing(settings: Mapping[str, object]) -> list[Fault]:
    events, users = _section(settings, "events"), _section(settings, "users")
    if (
        events.get("enabled") is not False
        or _section(settings, "groups").get("enabled") is True
        or settings.get("status") == "disabled"
    ):
        return []
    hint = "use status: disabled"
    if users.get("enabled") is False:
        why = "users.enabled is false as well"
    elif isinstance(settings.get("users", {}), dict) and _selects_nobody(users):
        why = "users.user_properties selects nothing"
        hint = f"select user properties, or {hint}"
    else:
        return []
    found = f"found false, and {why}: nothing would be sent"
    return [Fault(("events", "enabled"), found, hint=hint)]


def _is_selected(value: object) -> bool:
    """Whether a selection is one, and selects something."""
    return value == "all" or (isinstance(value, list | tuple) and bool(value))


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
    faults += [fault.under("users") for fault in in_users(_section(settings, "users"))]
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
