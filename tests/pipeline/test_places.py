"""Places to write to: a flag that names one that cannot be written is told before all else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.backfill.command import main as backfill
from pipeline.launch import main as job
from pipeline.local.traffic.__main__ import main as traffic
from pipeline.places import unwritable
from pipeline.replay.command import main as replay

FILES = "--input_files=/nothing/is/read/*.json"
LETTERS = "--dead_letter_files=/tmp/letters"
SETTINGS = "--settings=/nothing/is/read/settings.yaml"
NOWHERE = "/nowhere/at/all/file"
MISSING = "there is no directory '/nowhere/at/all'; make it, or name another"

Main = Callable[[list[str]], int]


@pytest.mark.parametrize(
    ("main", "flags", "flag"),
    [
        (job, (SETTINGS, FILES, LETTERS), "--ledger_file"),
        (job, (SETTINGS, FILES, LETTERS), "--state_file"),
        (job, (SETTINGS, FILES, "--dry_run"), "--report"),
        (backfill, ("--from=/nothing", SETTINGS, LETTERS), "--ledger_file"),
        (backfill, ("--from=/nothing", SETTINGS, LETTERS), "--state_file"),
        (replay, ("--from=/nothing", SETTINGS, LETTERS), "--ledger_file"),
        (replay, ("--from=/nothing", SETTINGS, LETTERS), "--state_file"),
    ],
)
def test_a_directory_that_is_not_there(
    main: Main, flags: tuple[str, ...], flag: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([*flags, f"{flag}={NOWHERE}"]) == 2
    assert capfd.readouterr().err == f"error: {flag}: {MISSING}\n"


@pytest.mark.parametrize(
    ("main", "flags", "flag"),
    [
        (job, (SETTINGS, FILES), "--dead_letter_files"),
        (replay, ("--from=/nothing", SETTINGS), "--dead_letter_files"),
        (backfill, ("--from=/nothing", SETTINGS, LETTERS), "--manifest"),
    ],
)
def test_a_directory_that_cannot_be_made(
    main: Main,
    flags: tuple[str, ...],
    flag: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "file").touch()
    assert main([*flags, f"{flag}={tmp_path}/file/deeper/name"]) == 2
    said = capfd.readouterr().err
    assert said.startswith(f"error: {flag}: {str(tmp_path / 'file')!r} is a file, so nothing can")


def test_what_is_never_written_is_not_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    unused = ("--ledger_file", "--state_file", "--dead_letter_files")
    flags = [f"{flag}={NOWHERE}" for flag in unused]
    assert job([SETTINGS, FILES, "--dry_run", *flags]) == 2
    assert "no directory" not in capfd.readouterr().err
    assert job([SETTINGS, FILES, "--runner=FlinkRunner", "--dead_letter_files=/etc/hosts/x"]) == 2
    assert "/etc/hosts" not in capfd.readouterr().err


def problems(name: object, *, makes_folder: bool = False) -> list[str]:
    return list(unwritable("--flag", str(name), makes_folder=makes_folder))


def test_the_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    assert problems(tmp_path / "new") == []
    assert problems(tmp_path / "file") == []
    assert problems(tmp_path) == [f"--flag: {str(tmp_path)!r} is a directory; name a file in it"]
    assert problems("gs://b/x") == ["--flag: found 'gs://b/x'; it has to be a path on this machine"]
    assert problems(tmp_path / "a" / "b", makes_folder=True) == []
    # Root may write everywhere, and the tests may be root.
    monkeypatch.setattr("os.access", lambda *_arguments: False)
    assert problems(tmp_path / "new") == [
        f"--flag: this user may not write into the directory {str(tmp_path)!r}; change its "
        "permissions, or name another"
    ]


def test_sample_traffic(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        traffic(["--count=1", f"--out={NOWHERE}"])
    assert ended.value.code == 2
    assert f"error: --out: {MISSING}" in capsys.readouterr().err
