"""Contract section 1: the settings that matter for the outcome of a record, with defaults."""

from typing import Any


def complete(given: dict[str, Any]) -> dict[str, Any]:
    """Return mappings, events, users, limits with every key; a key that is given wins.

    Raises ValueError for what this package does not cover.
    """
    selected = "all" if given.get("preset") == "all_properties" else "none"
    settings: dict[str, Any] = {
        "mappings": {"user_identifier": "user_id", "anonymous": "skip"},
        "events": {
            "enabled": True,
            "include": "all",
            "exclude": [],
            "where": [],
            "event_properties": selected,
            "user_properties": selected,
            "group_properties": selected,
            "rename": {},
        },
        "users": {
            "enabled": True,
            "user_properties": "none",
            "trigger": "identify",
            "update_only": False,
        },
        "groups": {"enabled": False},
        "limits": {"on_violation": "dead_letter"},
    }
    for section, defaults in settings.items():
        defaults.update(given.get(section) or {})
    not_covered = {
        "mappings.anonymous: send": settings["mappings"]["anonymous"] == "send",
        "users.trigger: changed": settings["users"]["trigger"] == "changed",
        "groups.enabled: true": settings["groups"]["enabled"],
    }
    for name, is_wanted in not_covered.items():
        if is_wanted:
            raise ValueError(f"the expectation does not cover {name}")
    return settings
