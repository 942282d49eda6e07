"""Names of properties that mean something of their own, most of them to Customer.io (Track API)."""

from typing import Final

RESERVED_EVENT_DATA: Final = ("recipient", "from_address", "reply_to")
"""Names by which event data redirects the mail that the event triggers."""

IDENTIFIER_ATTRIBUTES: Final = frozenset({"id", "email", "cio_id"})
"""Attributes that would replace an identifier: sent only when they are listed."""

RESERVED_PREFIX: Final = "_"
"""Of attribute names that Customer.io keeps for itself."""

GROUPS: Final = "groups"
"""Not Customer.io's name but ours: the place of group properties in an event's data."""

INITIAL_PREFIX: Final = "initial_"
"""Of the user properties in which Amplitude's browser SDK notes a person's first campaign
(packages/analytics-browser/src/attribution in Amplitude-TypeScript)."""


def is_reserved_attribute(name: str) -> bool:
    """Whether a selection of `all` leaves an attribute of this name behind."""
    return name.startswith(RESERVED_PREFIX) or name in IDENTIFIER_ATTRIBUTES
