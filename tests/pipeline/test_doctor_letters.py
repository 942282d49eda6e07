"""Places for dead letters that are files: on this machine, in a bucket."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.doctor import check_letters, letters_files
from pipeline.doctor.findings import Finding, Level
from tests.pipeline.doctor_world import cloud_storage, facts_of, reds, yellows


def findings_of(directory: Path, prefix: object) -> list[Finding]:
    return check_letters.check(facts_of(directory, dead_letter_files=str(prefix)))


def test_a_directory_that_is_there(tmp_path: Path) -> None:
    place = tmp_path / "letters"
    place.mkdir(mode=0o700)

    assert [finding.level for finding in findings_of(tmp_path, place / "bad")] == [Level.GREEN]
    assert list(place.iterdir()) == []


def test_one_that_the_job_makes(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"

    assert [finding.level for finding in findings_of(tmp_path, place / "bad")] == [Level.GREEN]
    assert not place.parent.exists()


def test_a_file_where_a_directory_should_be(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("")
    (tmp_path / "letters").chmod(0o700)
    [one] = findings_of(tmp_path, tmp_path / "letters" / "bad")
    [below] = findings_of(tmp_path, tmp_path / "letters" / "more" / "bad")

    assert (one.level, below.level) == (Level.RED, Level.RED)
    assert "is a file" in one.found
    assert "cannot be made" in below.found


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc here")
def test_a_directory_that_cannot_be_written_to(tmp_path: Path) -> None:
    # Not even root makes files there.
    [finding] = findings_of(tmp_path, "/proc/self/bad")

    assert finding.level is Level.RED
    assert "/proc/self cannot be written to" in finding.found


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_in_which_none_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    [finding] = findings_of(tmp_path, tmp_path / "locked" / "letters" / "bad")

    assert finding.level is Level.RED
    assert f"cannot be made in {tmp_path / 'locked'}" in finding.found


def test_a_directory_of_everybody(tmp_path: Path) -> None:
    place = tmp_path / "letters"
    place.mkdir()
    place.chmod(0o1777)

    assert yellows(findings_of(tmp_path, place / "bad")) == [
        f"{place} is open to all users of this machine: they could be in the way"
    ]


@pytest.mark.parametrize(("mode", "said"), [(0o600, 0), (0o640, 1), (0o604, 1), (0o602, 1)])
def test_letters_that_are_there(mode: int, said: int, tmp_path: Path) -> None:
    place = tmp_path / "letters"
    place.mkdir(mode=0o700)
    for name in ("bad-20260101T000000Z-1.jsonl", "other.txt"):
        (place / name).write_text("{}\n")
        (place / name).chmod(mode)
    found = yellows(findings_of(tmp_path, place / "bad"))

    assert len(found) == said
    assert all(text.startswith("1 of the files") for text in found)


@pytest.mark.parametrize(
    ("mode", "level"),
    [(0o100600, Level.GREEN), (0o100777, Level.RED), (0o100640, Level.RED)],
    ids=["ours", "as FAT gives it", "a group's"],
)
def test_what_a_probe_says_of_its_file_system(mode: int, level: Level, tmp_path: Path) -> None:
    assert letters_files.judge_probe(tmp_path, mode).level is level


def test_the_probe_is_nobody_elses_to_read_whatever_the_umask_is(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        findings = findings_of(tmp_path, tmp_path / "bad")
    finally:
        os.umask(before)
    assert reds(findings) == []


def test_a_place_that_cannot_be_looked_at(tmp_path: Path) -> None:
    [finding] = findings_of(tmp_path, "s3://bucket/bad")
    assert finding.level is Level.YELLOW


GRANTED = (200, {"permissions": ["storage.objects.create"]})
PRIVATE = (200, {"bindings": [{"role": "roles/storage.admin", "members": ["user:a@b.example"]}]})
REFUSED = (403, {"error": {"message": "no"}})


def policy(member: str) -> tuple[int, Mapping[str, Any]]:
    return 200, {"bindings": [{"role": "roles/storage.objectViewer", "members": [member]}]}


@pytest.mark.parametrize(
    ("permissions", "readers", "levels", "words"),
    [
        pytest.param(GRANTED, PRIVATE, "green green", "not open to everybody", id="right"),
        pytest.param((200, {}), PRIVATE, "red green", "is not granted", id="not granted"),
        pytest.param(GRANTED, policy("allUsers"), "green red", "personal data", id="public"),
        pytest.param(
            GRANTED, policy("allAuthenticatedUsers"), "green red", "objectViewer", id="half public"
        ),
        pytest.param(GRANTED, REFUSED, "green yellow", "could not be looked at", id="no view"),
        pytest.param(REFUSED, REFUSED, "yellow yellow", "could not be checked", id="nothing said"),
        pytest.param((404, {}), PRIVATE, "red", "no such bucket", id="no bucket"),
        pytest.param((503, {}), PRIVATE, "red", "UNAVAILABLE", id="away"),
        pytest.param((401, {}), PRIVATE, "red", "no usable Google credentials", id="nobody"),
    ],
)
def test_a_bucket(
    permissions: tuple[int, Mapping[str, Any]],
    readers: tuple[int, Mapping[str, Any]],
    levels: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with cloud_storage({"testPermissions": permissions, "iam": readers}) as url:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
        findings = findings_of(tmp_path, "gs://letters/bad")

    assert " ".join(finding.level for finding in findings) == levels
    assert words in " ".join(finding.found for finding in findings)


def test_a_bucket_whose_host_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")
    [finding] = findings_of(tmp_path, "gs://letters/bad")

    assert finding.level is Level.RED


@pytest.mark.parametrize("prefix", ["gs://", "gs://bucket", "gs://bucket/", "gs:///name"])
def test_what_names_no_objects(prefix: str, tmp_path: Path) -> None:
    [finding] = findings_of(tmp_path, prefix)
    assert (finding.level, finding.found) == (Level.RED, f"{prefix} is no prefix in a bucket")
