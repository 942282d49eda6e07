"""Stock: archives are counted by their members, in the look and on the way."""

import zipfile
from pathlib import Path

import pytest

from pipeline.backfill.find import find
from pipeline.backfill.look import look
from pipeline.backfill.manifest import Place
from pipeline.backfill.stock import Stock, take_stock
from pipeline.settings import Settings

LINE = b'{"event_type": "A", "user_id": "u", "event_time": 1780000000}\n'
NOW_MS = 1_795_372_845_000


def zipped(path: Path, *records: int) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number, count in enumerate(records):
            archive.writestr(f"{number}.json", LINE * count)


def stock(folder: Path) -> Stock:
    return take_stock(find(str(folder), None).files)


def test_files_alone(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_bytes(LINE)
    assert str(stock(tmp_path)) == "2 files"
    assert stock(tmp_path).settled(Place(1)) == "1 of 2 files"


def test_an_archive_alone(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", 1, 2, 3)
    assert str(stock(tmp_path)) == "1 archive of 3 members"
    assert stock(tmp_path).settled(Place(0, 2, 1)) == "2 of 3 members"
    assert str(stock(tmp_path).behind(Place(0, 2, 1))) == "1 archive of 1 member"


@pytest.mark.parametrize(
    ("place", "settled"),
    [
        (Place(), "0"),
        (Place(0, 0, 9), "0"),
        (Place(0, 1, 1), "1"),
        (Place(1), "2"),
        (Place(2, 1), "4"),
        (Place(3), "6"),
    ],
)
def test_both(tmp_path: Path, place: Place, settled: str) -> None:
    zipped(tmp_path / "a.zip", 1, 1)
    (tmp_path / "b.json").write_bytes(LINE)
    zipped(tmp_path / "c.zip", 1, 1, 1)
    whole = stock(tmp_path)
    assert str(whole) == "1 file and 2 archives of 5 members"
    assert whole.settled(place) == f"{settled} of 6 files and members"
    assert whole.behind(place).texts == 6 - int(settled)


def test_what_is_no_archive_counts_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"no archive")
    assert str(stock(tmp_path)) == "1 file"


def test_members_of_merged_ids_hold_no_bytes_of_records(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("-1_2026-05-28_20.json", LINE)
        archive.writestr("1_2026-05-28_20#1.json", LINE)
    assert stock(tmp_path).holdings[0].texts == (0, len(LINE))


def test_a_look_begins_where_the_backfill_stands(tmp_path: Path) -> None:
    zipped(tmp_path / "a.zip", 500, 300, 200)
    (tmp_path / "b.json").write_bytes(LINE * 50)

    def records(place: Place) -> int:
        return look(stock(tmp_path), Settings(), None, NOW_MS, place).records

    places = (Place(), Place(0, 0, 40), Place(0, 1, 10), Place(0, 2), Place(1))
    expected = [1_050, 1_050, 550, 250, 50]
    assert [records(place) for place in places] == expected
