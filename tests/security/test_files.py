"""Files that hold people are for their owner alone; nobody can have us write somewhere else.

That a new file is readable by its owner alone, whatever the umask, is held by
tests/pipeline/test_deadletters.py.
"""

import os
import stat
import threading
from pathlib import Path

import pytest

from pipeline.deadletters import FileStore, encode
from pipeline.ledger import write_ledger
from tests.transforms.make import record
from transforms.deadletter import dead_letter
from transforms.records import DeadLetter


def letter() -> DeadLetter:
    settled = dead_letter("invalid_time", "soon", stage="build", record=record())
    assert settled.letter is not None
    return settled.letter


def written(store: FileStore) -> None:
    """Stores one letter."""
    made = letter()
    store.open()
    store.write([(made, encode(made, "2024-01-02T03:04:05.678+00:00"))])
    store.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The file that this process writes its dead letters to; it does not exist yet."""
    store = FileStore(str(tmp_path / "letters" / "bad"))
    written(store)
    [path] = (tmp_path / "letters").iterdir()
    path.unlink()
    return path


def store_at(place: Path) -> FileStore:
    return FileStore(str(place.parent / "bad"))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_that_others_may_read_is_closed_to_them_before_it_grows(place: Path) -> None:
    place.touch()
    place.chmod(0o666)
    written(store_at(place))
    assert mode(place) == 0o600
    assert place.read_bytes().count(b"\n") == 1


def test_no_link_is_followed(place: Path, tmp_path: Path) -> None:
    target = tmp_path / "somebody's file"
    target.write_text("precious")
    place.symlink_to(target)
    with pytest.raises(OSError):
        written(store_at(place))
    assert target.read_text() == "precious"


def test_a_link_to_nothing_makes_nothing(place: Path, tmp_path: Path) -> None:
    place.symlink_to(tmp_path / "nothing yet")
    with pytest.raises(OSError):
        written(store_at(place))
    assert not (tmp_path / "nothing yet").exists()


@pytest.mark.parametrize("somebody_reads", [False, True], ids=["nobody reads", "somebody reads"])
def test_a_pipe_is_no_place_for_dead_letters(place: Path, somebody_reads: bool) -> None:
    """It is refused, and not waited at: that would hold the job for ever."""
    os.mkfifo(place)
    failures: list[OSError] = []

    def write() -> None:
        try:
            written(store_at(place))
        except OSError as error:
            failures.append(error)

    readers = [os.open(place, os.O_RDONLY | os.O_NONBLOCK)] if somebody_reads else []
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    writer.join(60)
    waits = writer.is_alive()
    # Whoever waits for a reader gets one, so that no lock stays taken.
    readers.append(os.open(place, os.O_RDONLY | os.O_NONBLOCK))
    writer.join()
    for reader in readers:
        os.close(reader)
    assert not waits
    assert len(failures) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_somebody_else_is_not_written_to(place: Path) -> None:
    place.touch()
    os.chown(place, 65_534, 65_534)
    with pytest.raises(OSError):
        written(store_at(place))
    assert place.read_bytes() == b""


def test_a_directory_that_is_made_is_for_its_owner_alone(place: Path) -> None:
    assert mode(place.parent) == 0o700


def test_the_ledger_is_written_through_no_link(tmp_path: Path) -> None:
    """Its draft has a name that others can know."""
    target = tmp_path / "somebody's file"
    target.write_text("precious")
    (tmp_path / f".ledger.json.{os.getpid()}").symlink_to(target)
    (tmp_path / "ledger.json").symlink_to(target)
    write_ledger(tmp_path / "ledger.json", final=True)
    assert target.read_text() == "precious"
    assert (tmp_path / "ledger.json").read_text().startswith("{")
    assert not (tmp_path / "ledger.json").is_symlink()
