"""The feed: from any place on it gives what is behind that place, and nothing else."""

import gzip
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.backfill import feed
from pipeline.backfill.feed import Pull, pulls
from pipeline.backfill.find import SourceFile, find
from pipeline.backfill.manifest import Place


def lines(*names: object) -> bytes:
    return b"".join(b'{"event_type":"%s"}\n' % str(name).encode() for name in names)


@pytest.fixture
def files(tmp_path: Path) -> tuple[SourceFile, ...]:
    """Twelve records: three texts in an archive (one of them empty), and two files."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.json.gz", gzip.compress(lines(0, 1, 2)))
        archive.writestr("2.json.gz", gzip.compress(b""))
        archive.writestr("3.json", lines(3, 4))
        archive.writestr("-1_2026-07-01_9.json.gz", gzip.compress(lines("merged")))
    (tmp_path / "b.ndjson").write_bytes(b"\n" + lines(5, 6, 7, 8) + b"\n")
    (tmp_path / "c.json").write_bytes(b'[{"event_type":\n"9"}]')
    (tmp_path / "d.gz").write_bytes(gzip.compress(lines(10, 11)))
    return find(str(tmp_path), None).files


def never() -> bool:
    return False


def no_damage(name: str, why: str) -> None:
    pytest.fail(f"{name}: {why}")


def texts(read: Sequence[Pull]) -> list[bytes]:
    return [message.data for pull in read for message in pull.messages]


def test_from_every_place_on_the_rest_comes(
    files: tuple[SourceFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PULL_MESSAGES", 1)
    one_by_one = list(pulls(files, Place(), never, no_damage))
    whole = texts(one_by_one)
    assert whole == [
        *lines(*range(9)).splitlines(keepends=True),
        b'[{"event_type":\n"9"}]',
        *lines(10, 11).splitlines(keepends=True),
    ]
    for size in (1, 2, 5, 100):
        monkeypatch.setattr(feed, "PULL_MESSAGES", size)
        assert texts(list(pulls(files, Place(), never, no_damage))) == whole
        for read, pull in enumerate(one_by_one, start=1):
            rest = list(pulls(files, pull.place, never, no_damage))
            assert texts(rest) == whole[read:]


def test_small_files_share_a_pull(files: tuple[SourceFile, ...]) -> None:
    [pull] = pulls(files, Place(), never, no_damage)
    assert len(pull.messages) == 12
    assert pull.place == Place(len(files))
    assert pull.size == sum(len(message.data) for message in pull.messages)
    assert pull.read_bytes == sum(file.size for file in files)


def test_the_message_that_fills_a_pull_is_in_it(
    files: tuple[SourceFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PULL_BYTES", len(lines(0)) + 1)
    sizes = [len(pull.messages) for pull in pulls(files, Place(), never, no_damage)]
    assert sizes == [2, 2, 2, 2, 2, 1, 1]


def test_read_bytes_grow_to_the_whole(
    files: tuple[SourceFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PULL_MESSAGES", 1)
    total = sum(file.size for file in files)
    counts = [pull.read_bytes for pull in pulls(files, Place(), never, no_damage)]
    assert counts == sorted(counts)
    assert 0 < counts[0] < counts[-1] == total


def test_a_stop_ends_it_within_a_file(
    files: tuple[SourceFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "PULL_MESSAGES", 3)
    wishes = iter([False] * 4 + [True] * 100)
    read = list(pulls(files, Place(), lambda: next(wishes), no_damage))
    # The fourth message was read and not handed on: it is behind the place.
    assert texts(read) == lines(0, 1, 2).splitlines(keepends=True)
    assert read[-1].place == Place(0, 0, 3)


def test_what_is_damaged_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    cut = gzip.compress(lines(*range(3)) + b"x" * 5_000)[:-12]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("1.json.gz", cut)
        archive.writestr("2.json", lines("second"))
    (tmp_path / "b.zip").write_bytes(b"no archive")
    (tmp_path / "c.json").write_bytes(lines("last"))
    damaged: dict[str, str] = {}
    found = find(str(tmp_path), None).files
    read = texts(list(pulls(found, Place(), never, damaged.__setitem__)))
    assert read == lines(0, 1, 2, "second", "last").splitlines(keepends=True)
    assert sorted(damaged) == [f"{tmp_path}/a.zip!1.json.gz", f"{tmp_path}/b.zip"]
    assert all("cannot be read" in why for why in damaged.values())


def test_a_file_that_went_away_is_told(tmp_path: Path) -> None:
    gone = SourceFile(f"{tmp_path}/gone.json", 1, 1.0)
    damaged: dict[str, str] = {}
    assert list(pulls([gone], Place(), never, damaged.__setitem__)) == []
    assert list(damaged) == [gone.path]
