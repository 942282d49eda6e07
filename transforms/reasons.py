"""Everything that can become of a record, and everything that is counted beside that.

This is the one list: dead letters, counters, the README's tables and the tests are made from it or
checked against it. A name never changes its meaning once released.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DELIVERED: Final = "delivered"
RECEIVED: Final = "received"
COALESCED: Final = "coalesced.identify"

DEAD_LETTER_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "malformed_json": "The text is not JSON, or holds a number that JSON cannot hold "
        "(NaN, Infinity, 1e999).",
        "not_utf8": "The bytes are not UTF-8 text (a damaged gzip message included).",
        "too_large": "The message, inflated, is over 64 MiB, or holds over 500 000 records.",
        "too_deep": "The record is nested deeper than 100 levels.",
        "not_an_object": "JSON, but a record has to be an object.",
        "unknown_record": "An object that is neither an event nor a user update.",
        "no_identifier": "No user identifier, and `mappings.anonymous` is `dead_letter`; or it is "
        "`send`, and the event has no `device_id` either.",
        "identifier_too_long": "The user identifier, the `device_id` of an anonymous event or the "
        "name of a group is over 150 bytes.",
        "invalid_time": "The time is missing, not readable, or outside what Customer.io takes "
        "(2001-09-09 to 5138-11-16).",
        "event_name_too_long": "The event name is over 100 bytes.",
        "event_data_too_large": "The event's data is over 100 000 bytes.",
        "too_many_attributes": "More than 300 attributes in one identify.",
        "attribute_name_too_long": "An attribute's name is over 150 bytes.",
        "attribute_value_too_long": "An attribute's value is over 1 000 bytes.",
        "item_too_large": "An identify of a person or an object over 32 000 bytes.",
        "rejected": "Customer.io refused the operation; `detail` carries its reason, field and "
        "message.",
        "internal_error": "A bug of ours: the transform raised. `detail` is the stack, "
        "without any data.",
    }
)

FILTERED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "filtered.events_disabled": "`events.enabled` is false.",
        "filtered.event_type": "The event type is not included, or is excluded.",
        "filtered.where": "A clause of `events.where` does not hold.",
        "filtered.users_disabled": "`users.enabled` is false.",
        "filtered.time": "The time is not between a backfill's `--since` and `--until`.",
    }
)

SKIPPED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "skipped.anonymous": "No user identifier, and `mappings.anonymous` is `skip`; or it is "
        "`send`, and the record is no event.",
        "skipped.no_selected_property": "A user update without any property that "
        "`users.user_properties` selects, or a group update without any that "
        "`groups.group_properties` selects.",
        "skipped.operator_needs_state": "A user or group update that holds nothing but operators "
        "on the stored value (`$setOnce`, `$add`, `$append`, `$prepend`, `$preInsert`, "
        "`$postInsert`, `$remove`, `$clearAll`).",
        "skipped.unchanged": "With `users.state: person`: a user update that leaves nothing to "
        "send; with `users.trigger: changed`, one that changes nothing.",
        "skipped.duplicate": "With `users.state: person`: another copy of a user update that the "
        "memory of its person holds.",
        "skipped.cohort_message": "A message of Amplitude's cohort sync.",
        "skipped.group_type": "A group update whose group type has no object type in "
        "`groups.object_types`, or `groups.enabled` is false.",
    }
)

BESIDE_THE_LEDGER: Final[Mapping[str, str]] = MappingProxyType(
    {
        "clash.property": "An event property took the place of a user property of that name; or a "
        "renamed one, that of a property which had its new name.",
        "dropped.reserved_property": "With `all`: a reserved name that was left out.",
        "dropped.group_type": "A group type without an object type, of a record that goes its way "
        "without it.",
        "dropped.empty_property": "With `drop_empty`: an `initial_…` property whose value is the "
        "text EMPTY, left out.",
        "dropped.unhashable_property": "An object, a list with one in it, or a value over 10,000 "
        "bytes, that `hash` names: left out.",
        "unapplied.unix_seconds": "A value that `unix_seconds` names and that is no time: sent as "
        "it is.",
        "unapplied.operator": "An operator of a user or group update that was not applied: its "
        "result depends on a stored value that is not remembered; or, with `users.state: person`, "
        "it is malformed, does not work on that value, or came too late.",
        "memory.late_update": "With `users.state: person`: an update that came after the time in "
        "which it would be put in its place (`users.settle_s`).",
        "memory.full_journal": "With `users.state: person`: an update that lost its place before "
        "that time, because its person has too many others.",
        "trimmed.event_name_too_long": "With `trim`: an event name that was cut.",
        "trimmed.event_data_too_large": "With `trim`: an event that lost its largest properties.",
        "trimmed.too_many_attributes": "With `trim`: an identify cut to 300 attributes.",
        "trimmed.attribute_name_too_long": "With `trim`: an attribute dropped for its name.",
        "trimmed.attribute_value_too_long": "With `trim`: an attribute dropped for its value.",
        "requests": "Requests to Customer.io, repeated ones too, of bundles that were settled.",
        "request_bytes": "Bytes of their bodies.",
        "batch_items": "Operations in them; identifies that became one are one.",
        "first_attempt": "Operations accepted by the first request that held them; each of the "
        "identifies that became one counts.",
        "after_retry": "Operations accepted by a later one.",
        "late": "Operations accepted over a minute after the time that they carry.",
        "throttled_ms": "Milliseconds that bundles waited for the request budget or on a 429.",
        "delivering_ms": "Milliseconds from the first operation of a bundle to its last answer.",
        "blocked.credentials": "Answers 401 or 403: the credentials are wrong.",
        "blocked.endpoint": "Answers 3xx or 404: the endpoint is wrong.",
    }
)


def dead_lettered(reason: str) -> str:
    """The ledger's name for a dead letter's reason. Raises KeyError for a reason not listed."""
    return _DEAD_LETTERED[reason]


_DEAD_LETTERED: Final = {reason: f"dead_lettered.{reason}" for reason in DEAD_LETTER_REASONS}

OUTCOMES: Final[tuple[str, ...]] = (
    DELIVERED,
    COALESCED,
    *FILTERED,
    *SKIPPED,
    *_DEAD_LETTERED.values(),
)
"""Every way in which a record can be settled; `received` is the sum over these."""

_RANK: Final = {"dead_lettered": 4, "delivered": 3, "coalesced": 2, "skipped": 1, "filtered": 0}


def weightiest(outcomes: tuple[str, ...]) -> str:
    """The outcome that a record counts under when its operations ended differently.

    A dead letter outweighs a delivery, a delivery outweighs the rest; the first wins a tie.
    Raises ValueError when there is no outcome.
    """
    return max(outcomes, key=lambda outcome: _RANK[outcome.partition(".")[0]])
