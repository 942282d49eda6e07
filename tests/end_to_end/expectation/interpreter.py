"""From a message to what must become of each of its records."""

from dataclasses import dataclass, field
from typing import Any

from tests.end_to_end.expectation import attributes as selecting
from tests.end_to_end.expectation.filtering import filtered_by, spellings_of
from tests.end_to_end.expectation.limits import (
    LimitError,
    check_event,
    check_identify,
    is_over_item_size,
)
from tests.end_to_end.expectation.moment import seconds_of
from tests.end_to_end.expectation.person import identifiers_of, is_too_long
from tests.end_to_end.expectation.reading import Fault, read_message
from tests.end_to_end.expectation.record import Kind, kind_of, type_of, value_at
from tests.end_to_end.expectation.settings import complete

Operation = dict[str, Any]


@dataclass(frozen=True)
class ExpectedOperation:
    """One operation without its ULID.

    It always has the form of a v2 batch item; `via` is "v1" for an event that has to go alone
    through `POST /api/v1/customers/{id}/events`, where `attributes` are called `data`.
    """

    via: str
    operation: Operation


@dataclass(frozen=True)
class Expected:
    """What becomes of one record: its place in the ledger, what is sent, which dead letters.

    It is the outcome before a batch is formed and answered: of two identifies that coalesce both
    are `delivered` here, and so is an operation that Customer.io will reject.
    """

    ledger: str
    operations: list[ExpectedOperation] = field(default_factory=list)
    dead_letters: list[str] = field(default_factory=list)


def expect(data: bytes, *, settings: dict[str, Any], publish_time: float | None) -> list[Expected]:
    """Return one Expected for each record of the message `data`, in order.

    `settings` is the settings file as a plain dict; what it leaves out has its default.
    `publish_time` is in Unix seconds, None for a record of a file. Raises ValueError
    for `trigger: changed`, `anonymous: send` and `groups.enabled`.
    """
    completed = complete(settings)
    return [
        _dead(record.reason)
        if isinstance(record, Fault)
        else _expect_record(record, completed, publish_time)
        for record in read_message(data)
    ]


def _dead(*reasons: str) -> Expected:
    return Expected(f"dead_lettered.{reasons[0]}", dead_letters=list(reasons))


def _expect_record(
    record: dict[str, Any], settings: dict[str, Any], publish_time: float | None
) -> Expected:
    kind = kind_of(record)
    if kind is Kind.UNKNOWN:
        return _dead("unknown_record")
    if kind is Kind.COHORT_MESSAGE:
        return Expected("skipped.cohort_message")
    if kind is Kind.GROUP_UPDATE:
        return Expected("skipped.group_type")
    wanted = (
        _user_update(record, settings) if kind is Kind.USER_UPDATE else _event(record, settings)
    )
    if isinstance(wanted, Expected):
        return wanted

    identifiers = identifiers_of(value_at(record, settings["mappings"]["user_identifier"]))
    if identifiers is None:
        if settings["mappings"]["anonymous"] == "skip":
            return Expected("skipped.anonymous")
        return _dead("no_identifier")
    if is_too_long(identifiers):
        return _dead("identifier_too_long")
    seconds = seconds_of(record, publish_time)
    if seconds is None:
        return _dead("invalid_time")

    sent: list[ExpectedOperation] = []
    refused: list[str] = []
    for operation in wanted:
        complete_operation = operation | {"identifiers": identifiers, "timestamp": seconds}
        try:
            sent.append(_checked(complete_operation, settings))
        except LimitError as error:
            refused.append(str(error))
    ledger = f"dead_lettered.{refused[0]}" if refused else "delivered"
    return Expected(ledger, sent, refused)


def _user_update(record: dict[str, Any], settings: dict[str, Any]) -> list[Operation] | Expected:
    if not settings["users"]["enabled"]:
        return Expected("filtered.users_disabled")
    if selecting.needs_state(record):
        return Expected("skipped.operator_needs_state")
    chosen = selecting.update_attributes(record, settings["users"]["user_properties"])
    if not chosen:
        return Expected("skipped.no_selected_property")
    return [{"type": "person", "action": "identify", "attributes": chosen}]


def _event(record: dict[str, Any], settings: dict[str, Any]) -> list[Operation] | Expected:
    events, users = settings["events"], settings["users"]
    operations: list[Operation] = []
    filtered = filtered_by(record, events)
    if filtered is None:
        name = type_of(record)
        renamed = [events["rename"][key] for key in spellings_of(name) if key in events["rename"]]
        operations.append(
            {
                "type": "person",
                "action": "event",
                "name": renamed[0] if renamed else name,
                "attributes": selecting.event_attributes(record, events),
            }
        )
    if users["enabled"] and users["trigger"] == "always":
        chosen = selecting.update_attributes(record, users["user_properties"])
        if chosen:
            operations.append({"type": "person", "action": "identify", "attributes": chosen})
    if not operations and filtered is not None:
        return Expected(filtered)
    return operations


def _checked(operation: Operation, settings: dict[str, Any]) -> ExpectedOperation:
    """Return the operation within all limits and the way it takes, or raise LimitError."""
    trim = settings["limits"]["on_violation"] == "trim"
    if operation["action"] == "event":
        name, kept = check_event(operation["name"], operation["attributes"], trim)
        event = operation | {"name": name, "attributes": kept}
        return ExpectedOperation("v1" if is_over_item_size(event) else "v2", event)
    kept = check_identify(operation["attributes"], trim)
    if settings["users"]["update_only"]:
        kept["_update"] = True
    identify = operation | {"attributes": kept}
    if is_over_item_size(identify):
        raise LimitError("item_too_large")
    return ExpectedOperation("v2", identify)
