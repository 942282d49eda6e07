"""The look: amounts that are about right, and a warning that is never missed."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from benchmarks.records import time_ms
from benchmarks.settings import settings as benchmark_settings
from pipeline.backfill import look as looking
from pipeline.backfill.amounts import in_bytes
from pipeline.backfill.find import Found, find
from pipeline.backfill.look import Look, look
from pipeline.backfill.stock import take_stock
from pipeline.backfill.words import lines, seconds
from pipeline.settings import Settings
from tests.history.export import write_export
from transforms.filter import TimeRange

NOW_MS = 1_795_372_845_000
HOUR_MS = 3_600_000
OLD_S = NOW_MS // 1000 - 73 * 3600
YOUNG_S = NOW_MS // 1000 - 71 * 3600
ALL = Settings.model_validate({"users": {"user_properties": "all"}})


def record(time_s: float, **fields: Any) -> bytes:
    usual = {"event_type": "A", "user_id": "u1", "event_time": time_s, "$insert_id": "i"}
    return json.dumps(usual | fields).encode() + b"\n"


def looked(folder: Path, within: TimeRange | None = None, settings: Settings = ALL) -> Look:
    return look(take_stock(find(str(folder), within).files), settings, within, NOW_MS)


def test_amounts_are_about_right(tmp_path: Path) -> None:
    export = write_export(tmp_path / "e.zip", 30_000)
    settings = benchmark_settings("http://127.0.0.1:1", max_requests_per_second=10)
    seen = look(take_stock(find(str(export.path), None).files), settings, None, NOW_MS)
    assert seen.sample.records < export.total
    assert seen.records == pytest.approx(export.total, rel=0.2)
    assert seen.operations == pytest.approx(export.total, rel=0.2)
    assert seen.identifies == pytest.approx(export.events.count(""), rel=0.25)
    assert seen.requests(settings) == pytest.approx(export.total / 100, rel=0.2)
    assert seconds(seen, settings) == pytest.approx(export.total / 1000, rel=0.2)
    assert (seen.young.seen, seen.young.unread) == (0, 0)
    assert seen.sample.earliest_ms == time_ms(0)
    # The last file begins there: of each the first records are looked at.
    assert seen.sample.latest_ms is not None
    assert time_ms(export.before(7, 0)) <= seen.sample.latest_ms <= time_ms(export.total)


def test_a_person_is_related_once_as_in_the_job(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(record(OLD_S, groups={"company": "Acme"}) * 50)
    groups = {"enabled": True, "object_types": {"company": "1"}}
    seen = looked(tmp_path, settings=Settings.model_validate({"groups": groups}))
    assert (seen.records, seen.operations) == (50, 51)


def test_what_is_read_wholly_is_exact(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(
        record(OLD_S) * 5
        + record(OLD_S + 10, event_type="$identify", user_properties={"plan": "pro"})
        + record(OLD_S, user_id=None)
        + b"{\n"
    )
    seen = looked(tmp_path)
    assert (str(seen.stock), seen.records, seen.operations, seen.identifies) == ("1 file", 8, 6, 1)
    assert dict(seen.sample.outcomes) == {
        "delivered": 6,
        "skipped.anonymous": 1,
        "dead_lettered.malformed_json": 1,
    }
    assert (seen.sample.earliest_ms, seen.sample.latest_ms) == (OLD_S * 1000, OLD_S * 1000 + 10_000)
    assert seen.requests(ALL) == 1


def test_records_outside_the_range_are_not_sent(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(record(OLD_S) * 3 + record(OLD_S + 3_600))
    seen = looked(tmp_path, TimeRange(OLD_S * 1000 + 1, None))
    assert seen.sample.outcomes == {"filtered.time": 3, "delivered": 1}


@pytest.mark.parametrize("time_s", [YOUNG_S, NOW_MS // 1000 + 86_400 * 30], ids=["young", "future"])
def test_one_young_event_among_many_is_seen(tmp_path: Path, time_s: int) -> None:
    old = record(OLD_S) * 30_000
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.json.gz", gzip.compress(old))
        archive.writestr("2.json.gz", gzip.compress(old + record(time_s) + old))
    (tmp_path / "b.ndjson").write_bytes(old)
    (tmp_path / "c.json").write_bytes(
        json.dumps([json.loads(record(OLD_S)), json.loads(record(time_s))]).encode()
    )
    seen = looked(tmp_path)
    assert (seen.young.seen, seen.young.files, seen.young.unread) == (2, 2, 0)


def test_exactly_72_hours_are_young(tmp_path: Path) -> None:
    at = NOW_MS // 1000 - 72 * 3600
    (tmp_path / "a.json").write_bytes(record(at - 1) + record(at))
    assert looked(tmp_path).young.seen == 1


def test_names_that_rule_it_out_spare_the_reading(tmp_path: Path) -> None:
    # The content contradicts the name, to see that it is not read.
    (tmp_path / "1_2026-11-01_0#1.json.gz").write_bytes(gzip.compress(record(YOUNG_S)))
    assert looked(tmp_path).young.seen == 0
    (tmp_path / "1_2026-11-19_0#1.json.gz").write_bytes(gzip.compress(record(YOUNG_S)))
    assert looked(tmp_path).young.seen == 1


def test_an_end_before_the_72_hours_spares_it_too(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(record(OLD_S) + record(YOUNG_S))
    assert looked(tmp_path, TimeRange(None, NOW_MS - 72 * HOUR_MS)).young.seen == 0
    assert looked(tmp_path, TimeRange(None, NOW_MS)).young.seen == 1


def test_what_is_too_much_to_look_through_has_to_be_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.json").write_bytes(record(OLD_S) * 100)
    monkeypatch.setattr(looking, "SCAN_BYTES", len(record(OLD_S)) * 150)
    seen = looked(tmp_path)
    assert seen.young.seen == 0
    assert seen.young.unread == 2
    assert "CAMPAIGNS" in [name for name, _text, _style in lines(Found(()), seen, ALL, NOW_MS)]


def said(seen: Look, found: Found) -> dict[str, str]:
    return {name: text for name, text, _style in lines(found, seen, ALL, NOW_MS)}


def test_the_words(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(
        record(YOUNG_S) + record(OLD_S, event_type="$identify", user_properties={"a": 1})
    )
    words = said(looked(tmp_path), Found((), merged_ids=2, too_early=1, other=3))
    assert words["files"].endswith(
        "passed over unread: 2 of merged ids, which hold no events; 1 uploaded before --since; "
        "3 of another kind"
    )
    assert words["CAMPAIGNS"].startswith("1 record in 1 file is younger than 72 hours")
    assert words["CAMPAIGNS"].endswith("--until=2026-11-19T18:40:45Z leaves them out")
    assert words["updates"].startswith("about 1 update of people")
    (tmp_path / "a.json").write_bytes(record(OLD_S))
    words = said(looked(tmp_path), Found(()))
    assert words["campaigns"] == "none is started: no event is younger than 72 hours"
    assert "updates" not in words


def test_files_without_records(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive")
    (tmp_path / "b.json").write_bytes(b"")
    seen = looked(tmp_path)
    assert (seen.records, seen.operations, seen.requests(ALL)) == (0, 0, 0)
    assert said(seen, Found(()))["times"] == "no record with a time was seen"


def test_bytes_in_words() -> None:
    assert in_bytes(1_499) == "1.5 kB"
    assert in_bytes(2_500_000) == "2.5 MB"
