"""Finding the files of a history, and what their names tell."""

import gzip
from pathlib import Path

import pytest

from pipeline.backfill.export_names import AHEAD, holds_merged_ids, last_event_ms
from pipeline.backfill.find import find
from pipeline.sources.files import FileReadError
from transforms.filter import TimeRange

HOUR_MS = 3_600_000
AHEAD_MS = int(AHEAD.total_seconds() * 1000)
JULY_MS = 1_782_864_000_000


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}\n")


def names(folder: Path, source: str, within: TimeRange | None = None) -> list[str]:
    return [
        str(Path(file.path).resolve().relative_to(folder.resolve()))
        for file in find(source, within).files
    ]


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("187520_2026-07-01_0#3.json.gz", 1),
        ("gs://b/p/187520_2026-07-01_23#12.json.gz", 24),
        ("e.zip!187520/187520_2026-07-01_9.json", 10),
        ("-187520_2026-07-01_9.json.gz", None),
        ("187520_2026-07-01_24#1.json.gz", None),
        ("187520_2026-13-01_1#1.json.gz", None),
        ("187520_2026-07-01_1#1.json.gz.part", None),
        ("records.json.gz", None),
    ],
)
def test_a_name_tells_the_last_event(name: str, hours: int | None) -> None:
    expected = None if hours is None else JULY_MS + hours * HOUR_MS + AHEAD_MS
    assert last_event_ms(name) == expected


def test_names_of_merged_ids() -> None:
    assert holds_merged_ids("gs://b/-99_2026-07-01_9.json.gz")
    assert not holds_merged_ids("99_2026-07-01_9.json.gz")
    assert not holds_merged_ids("-notes.json")


def test_a_folder_is_read_with_its_folders_but_other_kinds(tmp_path: Path) -> None:
    touch(tmp_path, "b/1.json.gz", "a.ndjson", "c.ZIP", "d.csv", ".hidden/x.json", ".y.json")
    touch(tmp_path, "-1_2026-07-01_9.json.gz")
    found = find(str(tmp_path), None)
    assert names(tmp_path, str(tmp_path)) == ["a.ndjson", "b/1.json.gz", "c.ZIP"]
    assert (found.other, found.merged_ids, found.too_early) == (1, 1, 0)
    assert found.total_bytes == 9


def test_what_is_named_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    touch(tmp_path, "d.csv", "e[1].txt", "x.csv")
    assert names(tmp_path, str(tmp_path / "d.csv")) == ["d.csv"]
    assert names(tmp_path, str(tmp_path / "e[1].txt")) == ["e[1].txt"]
    assert names(tmp_path, f"{tmp_path}/*.csv") == ["d.csv", "x.csv"]


def test_a_path_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a.json", "b.json")
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in find("a.json", None).files] == ["a.json"]
    assert [file.path for file in find("*.json", None).files] == ["a.json", "b.json"]
    assert [file.path for file in find(".", None).files] == ["a.json", "b.json"]


def test_only_what_surely_is_too_early_is_passed_over(tmp_path: Path) -> None:
    touch(tmp_path, *(f"1_2026-07-0{day}_{hour}#1.json.gz" for day in (1, 2, 3) for hour in (0, 1)))
    touch(tmp_path, "other.json")
    since = TimeRange(JULY_MS + HOUR_MS + AHEAD_MS, None)
    found = find(str(tmp_path), since)
    assert found.too_early == 1
    assert names(tmp_path, str(tmp_path), since)[0] == "1_2026-07-01_1#1.json.gz"
    # Events of any earlier time may have come late.
    assert find(str(tmp_path), TimeRange(None, JULY_MS)).too_early == 0


def test_its_own_files_are_not_read(tmp_path: Path) -> None:
    touch(tmp_path, "a.json", "settings.json")
    own = frozenset([str((tmp_path / "settings.json").resolve())])
    assert [Path(file.path).name for file in find(str(tmp_path), None, own).files] == ["a.json"]


@pytest.mark.parametrize("source", ["none", "none*.json", "none/"])
def test_nothing_of_that_name(tmp_path: Path, source: str) -> None:
    with pytest.raises(FileReadError, match="--from: no such file: "):
        find(f"{tmp_path}/{source}", None)


def test_nothing_to_read(tmp_path: Path) -> None:
    touch(tmp_path, "a.csv", "-1_2026-07-01_9.json.gz")
    with pytest.raises(FileReadError) as refused:
        find(str(tmp_path), None)
    assert (
        "holds nothing to read: 1 files of merged ids, 0 of before --since, 1 that are no"
        in str(refused.value)
    )


def test_a_changed_file_is_another_one(tmp_path: Path) -> None:
    touch(tmp_path, "a.json")
    before = find(str(tmp_path), None).files
    assert find(str(tmp_path), None).files == before
    (tmp_path / "a.json").write_bytes(gzip.compress(b"{}"))
    assert find(str(tmp_path), None).files != before
