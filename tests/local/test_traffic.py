"""Sample traffic: repeatable, of the right size and mix, and each label does what it says."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local.traffic import API_KEY, CLEAN_LABELS, TROUBLE_LABELS, Sample, generate
from pipeline.local.traffic.__main__ import main
from tests.end_to_end.expectation import expect

NOW = 1777888867.0
SETTINGS: dict[str, Any] = {
    "preset": "all_properties",
    "users": {"user_properties": "all"},
    "events": {
        "exclude": ["Internal Heartbeat"],
        "where": [
            {"property": "event_properties.environment", "op": "is_not", "values": ["staging"]}
        ],
    },
}
# What becomes of the record that a label is about. Everything else is delivered.
OUTCOMES = {
    "too_large": "dead_lettered.too_large",
    "cohort_message": "skipped.cohort_message",
    "group_identify": "skipped.group_type",
    "filtered_event_type": "filtered.event_type",
    "filtered_where": "filtered.where",
    "attributes_301": "dead_lettered.too_many_attributes",
    "attributes_301_plain": "dead_lettered.too_many_attributes",
    "attribute_name_of_151": "dead_lettered.attribute_name_too_long",
    "attribute_name_of_151_alone": "dead_lettered.attribute_name_too_long",
    "attribute_value_of_1001": "dead_lettered.attribute_value_too_long",
    "attribute_value_too_long_list": "dead_lettered.attribute_value_too_long",
    "item_too_large": "dead_lettered.item_too_large",
    "event_data_too_large": "dead_lettered.event_data_too_large",
    "event_data_too_large_in_one_value": "dead_lettered.event_data_too_large",
    "reserved_private_alone": "skipped.no_selected_property",
    "null_properties_of_update": "skipped.no_selected_property",
    "update_without_properties": "skipped.no_selected_property",
    "operators_only": "skipped.operator_needs_state",
    "operators_clear_all": "skipped.operator_needs_state",
    "api_key_in_body_with_a_dead_letter": "dead_lettered.invalid_time",
}
OUTCOMES_BY_PREFIX = {
    "malformed_": "dead_lettered.malformed_json",
    "not_utf8_": "dead_lettered.not_utf8",
    "not_an_object_": "dead_lettered.not_an_object",
    "too_deep_": "dead_lettered.too_deep",
    "unknown_record_": "dead_lettered.unknown_record",
    "time_invalid_": "dead_lettered.invalid_time",
    "anonymous_": "skipped.anonymous",
    "no_identifier_": "skipped.anonymous",
    "identifier_too_long": "dead_lettered.identifier_too_long",
    "event_name_too_long": "dead_lettered.event_name_too_long",
}


def outcome_of(label: str) -> str | None:
    by_prefix = [
        ledger for prefix, ledger in OUTCOMES_BY_PREFIX.items() if label.startswith(prefix)
    ]
    return OUTCOMES.get(label) or next(iter(by_prefix), None)


@pytest.fixture(scope="module")
def mixed() -> list[Sample]:
    return list(generate(500, seed=5, now=NOW, trouble=0.0001))


@pytest.fixture(scope="module")
def clean() -> list[Sample]:
    return list(generate(2500, seed=6, now=NOW, trouble=0))


@pytest.fixture(scope="module")
def clean_records(clean: list[Sample]) -> list[dict[str, Any]]:
    return [record for sample in clean for record in records_of(sample.data)]


def records_of(data: bytes) -> Iterator[dict[str, Any]]:
    text = gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
    for line in text.splitlines():
        value = json.loads(line)
        if isinstance(value, list):
            yield from value
        elif "events" in value:
            yield from value["events"]
        else:
            yield value


def is_update(record: dict[str, Any]) -> bool:
    return "event_type" not in record or record["event_type"] == "$identify"


def test_the_same_arguments_give_the_same_bytes(mixed: list[Sample]) -> None:
    assert list(generate(500, seed=5, now=NOW, trouble=0.0001)) == mixed
    assert list(generate(500, seed=6, now=NOW, trouble=0.0001)) != mixed


@given(
    count=st.integers(0, 60), seed=st.integers(0, 2**32), trouble=st.floats(0, 1, allow_nan=False)
)
@settings(max_examples=25, deadline=None)
def test_count_is_the_number_of_records(count: int, seed: int, trouble: float) -> None:
    samples = list(generate(count, seed=seed, now=NOW, trouble=trouble))
    troubled = sum(each.records for each in samples if each.label in TROUBLE_LABELS)
    assert sum(each.records for each in samples) == count
    assert troubled == round(count * trouble)


def test_the_share_of_trouble_is_spread_over_all() -> None:
    samples = list(generate(3000, seed=1, now=NOW, trouble=0.2))
    assert sum(each.records for each in samples) == 3000
    half = samples[: len(samples) // 2]
    for part, low, high in ((samples, 600, 600), (half, 200, 400)):
        troubled = sum(each.records for each in part if each.label in TROUBLE_LABELS)
        assert low <= troubled <= high


@pytest.mark.parametrize(
    ("count", "trouble"),
    [
        pytest.param(-1, 0.1, id="negative count"),
        pytest.param(1, 1.1, id="over 1"),
        pytest.param(1, float("nan"), id="not a number"),
    ],
)
def test_wrong_arguments(count: int, trouble: float) -> None:
    with pytest.raises(ValueError, match="trouble"):
        list(generate(count, seed=1, now=NOW, trouble=trouble))


def test_500_records_have_every_label_of_trouble(mixed: list[Sample]) -> None:
    labels = {sample.label for sample in mixed}
    assert set(TROUBLE_LABELS) <= labels <= set(TROUBLE_LABELS) | set(CLEAN_LABELS)
    assert sum(sample.records for sample in mixed) == 500


def test_every_label_does_what_it_says(mixed: list[Sample]) -> None:
    for sample in mixed:
        expected = expect(sample.data, settings=SETTINGS, publish_time=NOW)
        assert len(expected) == sample.records, sample.label
        others = [each.ledger for each in expected if each.ledger != "delivered"]
        outcome = outcome_of(sample.label)
        assert others == ([outcome] if outcome else []), sample.label


def test_large_events_go_through_v1(mixed: list[Sample]) -> None:
    for sample in mixed:
        if sample.label.startswith(("event_of_40_kb", "event_of_90_kb")):
            (expected,) = expect(sample.data, settings=SETTINGS, publish_time=NOW)
            assert [operation.via for operation in expected.operations] == ["v1"], sample.label


def test_a_duplicate_is_the_same_message_twice(mixed: list[Sample]) -> None:
    first, second = (each for each in mixed if each.label == "duplicate_delivery")
    assert first == second


def test_the_label_travels_with_the_message(mixed: list[Sample]) -> None:
    assert all(sample.attributes["sample"] == sample.label for sample in mixed)


def test_the_api_key_is_in_the_samples_that_say_so(mixed: list[Sample]) -> None:
    with_key = {sample.label for sample in mixed if API_KEY.encode() in sample.data}
    assert {label for label in TROUBLE_LABELS if "api_key" in label} <= with_key


def test_clean_traffic_is_delivered(clean: list[Sample]) -> None:
    assert {sample.label for sample in clean} == set(CLEAN_LABELS)
    for sample in clean:
        for expected in expect(sample.data, settings=SETTINGS, publish_time=NOW):
            assert (expected.ledger, len(expected.operations)) == ("delivered", 1)


def test_export_lines_have_55_columns(clean_records: list[dict[str, Any]]) -> None:
    lines = [record for record in clean_records if "$insert_id" in record]
    assert len(lines) > 1000
    assert {len(line) for line in lines} == {55}
    assert len({tuple(sorted(line)) for line in lines}) == 1


def test_one_in_five_is_a_user_update_in_both_shapes(clean_records: list[dict[str, Any]]) -> None:
    updates = [record for record in clean_records if is_update(record)]
    assert 0.15 < len(updates) / len(clean_records) < 0.25
    with_type = sum("event_type" in update for update in updates)
    assert 0.3 < with_type / len(updates) < 0.8


def test_everything_happened_within_the_last_hour(clean_records: list[dict[str, Any]]) -> None:
    for record in clean_records:
        if "time" in record:
            assert NOW - 3600 <= record["time"] / 1000 <= NOW
        elif "event_time" in record:
            moment = datetime.fromisoformat(record["event_time"]).replace(tzinfo=UTC)
            assert NOW - 3600 <= moment.timestamp() <= NOW


def test_insert_ids_are_all_different(clean_records: list[dict[str, Any]]) -> None:
    ids = [record.get("$insert_id") or record.get("insert_id") for record in clean_records]
    given_ids = Counter(each for each in ids if each is not None)
    assert given_ids.most_common(1)[0][1] == 1


def test_there_are_400_people_with_all_kinds_of_ids(clean_records: list[dict[str, Any]]) -> None:
    people = {record["user_id"] for record in clean_records}
    assert 350 < len(people) <= 400
    texts = {each for each in people if isinstance(each, str)}
    assert any(isinstance(each, int) for each in people)
    for pattern in (r"user-\d{6}", r"cio_\w+", r"\w+@example\.com"):
        assert any(re.fullmatch(pattern, each) for each in texts)


def test_properties_have_every_json_type(clean_records: list[dict[str, Any]]) -> None:
    values = [
        value for record in clean_records for value in record.get("event_properties", {}).values()
    ]
    assert {type(value) for value in values} == {str, int, float, bool, list, dict, type(None)}


def test_every_address_is_invented(clean: list[Sample], mixed: list[Sample]) -> None:
    for sample in clean + mixed:
        if "content-encoding" not in sample.attributes and sample.label != "not_utf8_binary":
            domains = {found.lower() for found in re.findall(rb"\w@([\w.]+)", sample.data)}
            assert domains <= {b"example.com", b"localhost"}, sample.label


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "traffic.ndjson"
    main(["--count", "500", "--seed", "5", "--now", str(NOW), "--out", str(out)])
    lines = out.read_bytes().splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    printed = capsys.readouterr().out
    assert printed.startswith(f"{len(lines)} records in {out}; {500 - len(lines)} left out")
    again = tmp_path / "again.ndjson"
    main(["--count", "500", "--seed", "5", "--now", str(NOW), "--out", str(again)])
    assert again.read_bytes() == out.read_bytes()


def test_clean_lines_of_a_file_need_no_publish_time(tmp_path: Path) -> None:
    out = tmp_path / "traffic.ndjson"
    main(["--count", "400", "--trouble", "0", "--now", str(NOW), "--out", str(out)])
    expected = expect(out.read_bytes(), settings=SETTINGS, publish_time=None)
    assert Counter(each.ledger for each in expected) == {"delivered": 400}


def test_command_line_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="trouble"):
        main(["--count", "1", "--trouble", "2", "--out", str(tmp_path / "t.ndjson")])
    with pytest.raises(SystemExit, match="2"):
        main(["--count", "1", "--out", str(tmp_path / "missing" / "t.ndjson")])
