"""The names of the ledger: public, and never changed once released."""

import re
from itertools import combinations
from pathlib import Path

import pytest

import transforms
from transforms.reasons import (
    BESIDE_THE_LEDGER,
    COALESCED,
    DEAD_LETTER_REASONS,
    DELIVERED,
    FILTERED,
    OUTCOMES,
    RECEIVED,
    SKIPPED,
    dead_lettered,
    weightiest,
)


def test_the_released_names_are_still_there() -> None:
    assert set(DEAD_LETTER_REASONS) >= {
        *("malformed_json", "not_utf8", "too_large", "too_deep", "not_an_object"),
        *("unknown_record", "no_identifier", "identifier_too_long", "invalid_time"),
        *("event_name_too_long", "event_data_too_large", "too_many_attributes"),
        *("attribute_name_too_long", "attribute_value_too_long", "item_too_large"),
        *("rejected", "internal_error"),
    }
    assert set(FILTERED) >= {
        *("filtered.events_disabled", "filtered.event_type", "filtered.where"),
        "filtered.users_disabled",
    }
    assert set(SKIPPED) >= {
        *("skipped.anonymous", "skipped.no_selected_property", "skipped.operator_needs_state"),
        *("skipped.cohort_message", "skipped.group_type"),
    }
    assert set(BESIDE_THE_LEDGER) >= {
        *("clash.property", "dropped.reserved_property", "unapplied.operator"),
        *("requests", "request_bytes", "batch_items", "first_attempt", "after_retry"),
        *("throttled_ms", "blocked.credentials", "blocked.endpoint"),
    }
    assert (RECEIVED, DELIVERED, COALESCED) == ("received", "delivered", "coalesced.identify")


def test_every_name_is_one_thing() -> None:
    names = [RECEIVED, *OUTCOMES, *BESIDE_THE_LEDGER]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9_]+(\.[a-z0-9_]+)?", name) for name in names)


def test_every_limit_that_can_be_trimmed_counts_its_trims() -> None:
    trims = {name.removeprefix("trimmed.") for name in BESIDE_THE_LEDGER if "trimmed." in name}
    assert trims == {
        *("event_name_too_long", "event_data_too_large", "too_many_attributes"),
        *("attribute_name_too_long", "attribute_value_too_long"),
    }


@pytest.mark.parametrize(
    "text",
    [
        text
        for group in (DEAD_LETTER_REASONS, FILTERED, SKIPPED, BESIDE_THE_LEDGER)
        for text in group.values()
    ],
)
def test_every_name_is_explained_in_a_sentence(text: str) -> None:
    assert text[0].isupper() or text[0] == "`"
    assert text.endswith(".")


def test_every_outcome_comes_about_somewhere() -> None:
    folder = Path(transforms.__file__).parent
    code = "".join(path.read_text() for path in folder.rglob("*.py") if path.name != "reasons.py")
    names = [*DEAD_LETTER_REASONS, *FILTERED, *SKIPPED]
    assert [name for name in names if f'"{name}"' not in code] == []


BY_WEIGHT = [
    "dead_lettered.rejected",
    "delivered",
    "coalesced.identify",
    "skipped.no_selected_property",
    "filtered.where",
]


@pytest.mark.parametrize(("heavy", "light"), list(combinations(BY_WEIGHT, 2)))
def test_the_weightier_outcome_counts(heavy: str, light: str) -> None:
    assert weightiest((heavy, light)) == weightiest((light, heavy)) == heavy


def test_the_first_wins_a_tie() -> None:
    first = ("dead_lettered.event_name_too_long", "dead_lettered.rejected")
    assert weightiest(first) == first[0]
    assert weightiest(first[::-1]) == first[1]


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_a_weight(outcome: str) -> None:
    assert weightiest((outcome,)) == outcome


def test_what_is_refused() -> None:
    with pytest.raises(KeyError):
        dead_lettered("delivered")
    with pytest.raises(ValueError, match="empty"):
        weightiest(())
