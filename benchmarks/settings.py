"""The settings page of every row: eight event properties, four user properties, all checks on."""

from typing import Any

from pipeline.settings.model import Settings

EVENT_PROPERTIES = ("format", "rows", "ok", "source", "duration_ms", "team", "tags", "price")
PLAIN_PROPERTIES = ("plan", "seats")
"""User properties that go along with an event."""
PERSON_PROPERTIES = ("plan", "seats", "beta", "ltv")
SITE_ID, API_KEY = "site-of-the-benchmarks", "key-of-the-benchmarks"


def page(**delivery: float) -> dict[str, Any]:
    """The page as it stands in a file; `delivery`: keys that differ from their default."""
    return {
        "events": {
            "event_properties": list(EVENT_PROPERTIES),
            "user_properties": list(PLAIN_PROPERTIES),
        },
        "users": {"user_properties": list(PERSON_PROPERTIES)},
        "delivery": {"max_requests_per_second": 0, **delivery},
    }


def settings(endpoint: str, **delivery: float) -> Settings:
    """The page as the graph takes it, for a server on this machine."""
    return Settings.model_validate(page(**delivery) | {"customerio": {"endpoint": endpoint}})
