"""Shaped properties by the real program: from records as Amplitude writes them to the stand-in."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.customerio.faults import ItemErrors
from tests.end_to_end.harness import API_KEY, SITE_ID, Program

SALT = "salt-of-the-tests"
TIME = "2026-05-04 10:01:07.001000"
SETTINGS: dict[str, Any] = {
    "events": {
        "event_properties": ["ends_at", "phone", "cart"],
        "user_properties": ["plan", "mail"],
        "unix_seconds": ["ends_at"],
        "hash": ["phone", "mail", "cart"],
        "hash_salt": "${HASH_SALT}",
        "rename_properties": {"mail": "mail_hash"},
    },
    "users": {
        "user_properties": ["plan", "mail", "initial_utm_source", "trial", "score"],
        "drop_empty": True,
        "unix_seconds": ["trial"],
        "hash": ["mail", "score"],
        "hash_salt": "none",
        "rename_properties": {"plan": "tier", "mail": "mail_sha256"},
    },
    # One request holds them all, in their order: what is refused of it is known.
    "delivery": {"lanes": 1},
}


def salted(text: str) -> str:
    return hmac.new(SALT.encode(), text.encode(), hashlib.sha256).hexdigest()


def plain(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def event(name: str, user_properties: dict[str, Any], **properties: Any) -> dict[str, Any]:
    """In the form of an export line: only the fields that the settings need are decoded."""
    return {
        "event_type": name,
        "$insert_id": name,
        "event_time": TIME,
        "user_id": "ada",
        "event_properties": properties,
        "user_properties": user_properties,
        "country": "DE",
    }


def update(user_id: str, user_properties: dict[str, Any]) -> dict[str, Any]:
    return event("$identify", user_properties) | {"user_id": user_id, "$insert_id": user_id}


RECORDS = [
    event("Refused", {"mail": "Ada@Example.com"}, phone="+1 555 0100"),
    event(
        "Trial Started",
        {"mail": " Ada@Example.com", "plan": "pro", "initial_utm_source": "EMPTY"},
        ends_at="2026-06-01T00:00:00+02:00",
        phone=15550100,
        cart=[{"sku": 1}],
        other=1,
    ),
    update("ada", {"mail": "ada@example.com", "plan": "pro", "trial": "2026-06-01"}),
    update("bob", {"initial_utm_source": "EMPTY"}),
    update("eve", {"$set": {"score": [1, 2.5]}, "$unset": {"mail": "-", "plan": "-"}}),
    update("sam", {"trial": "soon", "initial_utm_source": "news"}),
    event("No Time", {"mail": "raw@example.com"}) | {"event_time": "never"},
]


def test_what_arrives_is_shaped_and_what_fails_says_how(tmp_path: Path) -> None:
    records = tmp_path / "records.ndjson"
    records.write_text("\n".join(map(json.dumps, RECORDS)))
    environment = tmp_path / "run.env"
    environment.write_text(f"HASH_SALT={SALT}\n")
    with CustomerIoStandIn(SITE_ID, API_KEY) as customerio:
        customerio.faults.next(ItemErrors((0,)))
        program = Program(
            tmp_path / "run",
            SETTINGS,
            customerio.url,
            f"--input_files={records}",
            f"--environment_file={environment}",
        )
        assert program.wait() == 0, program.log()
        [arrived] = customerio.workspace.events()
        attributes = {
            identify.identifiers["id"]: identify.attributes
            for identify in customerio.workspace.identifies()
        }

    assert arrived.name == "Trial Started"
    assert arrived.data == {
        "ends_at": 1780264800,
        "phone": salted("15550100"),
        "plan": "pro",
        "mail_hash": salted("ada@example.com"),
    }
    assert attributes == {
        "ada": {"mail_sha256": plain("ada@example.com"), "tier": "pro", "trial": 1780272000},
        "eve": {"mail_sha256": None, "tier": None, "score": [plain("1"), plain("2.5")]},
        "sam": {"trial": "soon", "initial_utm_source": "news"},
    }
    ledger = program.ledger()
    assert ledger["balanced"]
    assert ledger["outcomes"] == {
        "delivered": 4,
        "skipped.no_selected_property": 1,
        "dead_lettered.invalid_time": 1,
        "dead_lettered.rejected": 1,
    }
    assert {name: ledger["beside"][name] for name in ledger["beside"] if "." in name} == {
        "dropped.empty_property": 1,
        "dropped.unhashable_property": 1,
        "unapplied.unix_seconds": 1,
    }

    letters = {letter["reason"]: letter for letter in program.dead_letters()}
    # An operation is what was to be sent; a record is what came.
    assert letters["rejected"]["operation"]["attributes"] == {
        "mail_hash": salted("ada@example.com"),
        "phone": salted("+1 555 0100"),
    }
    assert "raw@example.com" in letters["invalid_time"]["record"]
    left = program.log() + json.dumps(list(letters.values())) + json.dumps(ledger)
    assert SALT not in left
    assert "${HASH_SALT}" not in program.log()


def test_a_salt_that_is_missing_ends_it_before_it_reads(tmp_path: Path) -> None:
    program = Program(tmp_path / "run", SETTINGS, "http://127.0.0.1:9", "--input_files=none*.json")
    assert program.wait() == 2
    assert "environment variable HASH_SALT is not set" in program.log()
