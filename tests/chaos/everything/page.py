"""The settings of a storm with everything on. What each of them means is in docs/."""

from typing import Any

SALT_VARIABLE = "STORM_SALT"
SALT = "salt of the storm"
SELECTED = ("a", "b", "c", "seats", "plan", "phone", "ends_at", "initial_source", "closing")
"""The user properties that become attributes."""
OBJECT_TYPES = {"company": "1", "team": "2"}
GROUP_PROPERTIES = ("tier", "seats", "city", "note")
EXCLUDED = "Internal Heartbeat"
SETTLE_S = 600


def settings(trigger: str) -> dict[str, Any]:
    """The page. `trigger`: `identify`, `always` or `changed`."""
    return {
        "events": {
            "exclude": [EXCLUDED],
            "event_properties": "all",
            "user_properties": ["plan"],
            "drop_empty": True,
            "unix_seconds": ["ends_at"],
            "hash": ["phone", "plan"],
            "hash_salt": f"${{{SALT_VARIABLE}}}",
            # Some events have a property `shade` of their own.
            "rename_properties": {"colour": "shade", "plan": "plan_hmac"},
        },
        "users": {
            "user_properties": list(SELECTED),
            "state": "person",
            "trigger": trigger,
            "settle_s": SETTLE_S,
            "drop_empty": True,
            "unix_seconds": ["ends_at"],
            "hash": ["phone"],
            "hash_salt": "none",
            "rename_properties": {"a": "b", "b": "a", "phone": "phone_sha256"},
        },
        "mappings": {"anonymous": "send"},
        "groups": {
            "enabled": True,
            "object_types": OBJECT_TYPES,
            "group_properties": list(GROUP_PROPERTIES),
        },
        "delivery": {
            "max_requests_per_second": 0,
            "max_batch_items": 25,
            "lanes": 8,
            "request_timeout_s": 1,
            "retry_for_s": 8,
        },
    }
