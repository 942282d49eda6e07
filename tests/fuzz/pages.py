"""The settings pages that the fuzzer takes turns with: between them, every rule is at work."""

from typing import Any

Page = dict[str, Any]

_LISTED = ["plan", "email", "groups", "recipient", "nested", "é", "durée", "$set"]

PAGES: tuple[Page, ...] = (
    {},
    {
        "preset": "all_properties",
        "users": {"user_properties": "all"},
        "mappings": {"anonymous": "dead_letter"},
    },
    {
        "preset": "all_properties",
        "users": {"user_properties": "all", "trigger": "always", "update_only": True},
        "limits": {"on_violation": "trim"},
        "events": {"rename": {"[Amplitude] Start Session": "Session", "Signed Up": "é" * 50}},
    },
    {
        "mappings": {"user_identifier": "user_properties.email", "anonymous": "dead_letter"},
        "events": {"event_properties": _LISTED, "user_properties": _LISTED},
        "users": {"user_properties": _LISTED, "trigger": "always"},
    },
    {
        "mappings": {"user_identifier": "event_properties.plan"},
        "events": {
            "event_properties": "all",
            "where": [
                {
                    "property": "event_properties.plan",
                    "op": "glob",
                    "values": ["*p*r*o*", "[a-z]?"],
                },
                {"property": "event_properties.seats", "op": "less", "values": ["1e999999999"]},
                {"property": "user_properties.tags", "op": "set_does_not_contain", "values": [1]},
            ],
        },
        "users": {"user_properties": "all"},
        "limits": {"on_violation": "trim"},
    },
    {
        "mappings": {"user_identifier": "device_id", "anonymous": "dead_letter"},
        "events": {
            "include": ["[Amplitude] Start Session", "Signed Up", "A"],
            "exclude": ["Played"],
            "event_properties": _LISTED,
            "user_properties": "all",
            "group_properties": ["plan"],
            "where": [
                {"property": "user_id", "op": "not_glob", "values": ["*a*a*a*b"]},
                {"property": "time", "op": "greater", "values": ["1e-999999999"]},
            ],
        },
        "users": {"user_properties": ["plan", "email"], "update_only": True},
    },
    {
        "events": {"enabled": False},
        "users": {"user_properties": "all", "trigger": "always"},
        "mappings": {"anonymous": "dead_letter"},
        "limits": {"on_violation": "trim"},
    },
    {
        "preset": "all_properties",
        "events": {
            "where": [
                {"property": "event_properties.nested", "op": "is_not", "values": ['{"a":1}', 7]},
                {
                    "property": "user_properties.plan",
                    "op": "does_not_contain",
                    "values": ["ß", 1e9],
                },
                {"property": "city", "op": "is_not_set"},
            ]
        },
        "users": {"user_properties": "all"},
        "delivery": {"max_batch_items": 3, "max_batch_bytes": 33_000},
    },
)
"""As a settings file holds them."""
