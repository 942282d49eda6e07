"""What a preview shows of shaped properties: values, what was counted, and why nothing is left."""

import hashlib
from typing import Any

import pytest

from pipeline.preview.walk import SALTED
from tests.pipeline.test_preview_explain import event, explain_one, update
from transforms.records import IdentifyOperation

EMPTY = {"initial_utm_source": "EMPTY"}


def users(**keys: Any) -> dict[str, Any]:
    return {"users": {"user_properties": "all", **keys}}


def test_values_are_shown_as_they_would_be_sent() -> None:
    rules = {
        "unix_seconds": ["trial"],
        "hash": ["phone"],
        "hash_salt": "none",
        "rename_properties": {"phone": "phone_sha256"},
    }
    record = update(user_properties={"trial": "2026-06-01", "phone": "1", **EMPTY})
    explained = explain_one(record, users(drop_empty=True, **rules))
    [sending] = explained.sendings
    assert isinstance(sending.operation, IdentifyOperation)
    assert sending.operation.attributes == {
        "trial": 1780272000,
        "phone_sha256": hashlib.sha256(b"1").hexdigest(),
    }


def test_a_salt_is_not_read_and_its_hashes_are_of_their_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PREVIEW_SALT", "marked-salt")
    rules = {"hash": ["phone"], "hash_salt": "${PREVIEW_SALT}"}
    explained = explain_one(update(user_properties={"phone": ["1", 2]}), users(**rules))
    [sending] = explained.sendings
    assert isinstance(sending.operation, IdentifyOperation)
    assert sending.operation.attributes == {"phone": [SALTED, SALTED]}
    assert len(SALTED) == 64


@pytest.mark.parametrize(
    ("record", "settings", "notes"),
    [
        pytest.param(
            update(user_properties={"a": 1, **EMPTY}),
            users(drop_empty=True),
            [("dropped.empty_property", 1, "left out, the text EMPTY: initial_utm_source")],
            id="EMPTY",
        ),
        pytest.param(
            update(user_properties={"a": "soon", "b": "2026-06-01"}),
            users(unix_seconds=["a", "b", "c"]),
            [("unapplied.unix_seconds", 1, "sent as it is, no time: a")],
            id="no time",
        ),
        pytest.param(
            update(user_properties={"a": {}, "b": [{}], "c": 1}),
            users(hash=["a", "b", "c"], hash_salt="none"),
            [
                (
                    "dropped.unhashable_property",
                    2,
                    "left out, it has no hash: a, b",
                )
            ],
            id="an object",
        ),
        pytest.param(
            update(user_properties={"a": 1, "b": 2}),
            users(rename_properties={"a": "b"}),
            [("clash.property", 1, "a renamed property takes the place of: b")],
            id="a clash of a renamed property",
        ),
        pytest.param(
            update(user_properties={"initial_b": "EMPTY", "b": 2}),
            users(drop_empty=True, rename_properties={"initial_b": "b"}),
            [("dropped.empty_property", 1, "left out, the text EMPTY: initial_b")],
            id="what is dropped clashes with nothing",
        ),
        pytest.param(
            event(event_properties={"a": 1, "c": 1}, user_properties={"b": 2, "c": 2}),
            {"preset": "all_properties", "events": {"rename_properties": {"a": "b"}}},
            [
                (
                    "clash.property",
                    2,
                    "the event property wins over the user property: c; a renamed property takes "
                    "the place of: b",
                )
            ],
            id="both kinds of clashes",
        ),
        pytest.param(
            event(event_properties=EMPTY, user_properties={**EMPTY, "b": 1}),
            {
                "events": {"event_properties": "all", "drop_empty": True},
                "users": {"user_properties": "all", "trigger": "always", "drop_empty": True},
            },
            [("dropped.empty_property", 2, "left out, the text EMPTY: initial_utm_source")],
            id="of event and person",
        ),
    ],
)
def test_notes_name_the_properties_concerned(
    record: dict[str, Any], settings: dict[str, Any], notes: list[tuple[str, int, str]]
) -> None:
    found = explain_one(record, settings).notes
    assert [(note.name, note.count, note.detail) for note in found] == notes


@pytest.mark.parametrize(
    ("record", "settings", "outcome", "reason"),
    [
        pytest.param(
            update(user_properties={**EMPTY, "a": {}}),
            users(drop_empty=True, hash=["a"], hash_salt="none"),
            "skipped.no_selected_property",
            "left out, the text EMPTY: initial_utm_source; left out, it has no hash: a",
            id="a user update",
        ),
        pytest.param(
            event(user_properties=EMPTY),
            {"events": {"enabled": False}, **users(drop_empty=True, trigger="always")},
            "filtered.events_disabled",
            "events.enabled is false; and nothing is left of the person: left out, the text "
            "EMPTY: initial_utm_source",
            id="a filtered event",
        ),
    ],
)
def test_a_record_of_which_nothing_is_left_says_why(
    record: dict[str, Any], settings: dict[str, Any], outcome: str, reason: str
) -> None:
    explained = explain_one(record, settings)
    assert (explained.outcome, explained.stage) == (outcome, "shape")
    assert explained.reason == reason
    assert explained.sendings == ()
