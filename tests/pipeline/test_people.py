"""The file of people: what a bundle changes is final with it, and the file is this process's."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipeline import finality
from pipeline.people.file import APPLICATION_ID, VERSION, StateFileError
from pipeline.people.kept import Kept
from pipeline.people.process import people_of_process, remembering
from pipeline.people.store import FileOfPeople
from tests.transforms.make import EVENT_S
from tests.transforms.memory.test_remember import update
from transforms.memory.in_place import _RememberInPlaceDoFn
from transforms.memory.person import MemoryPolicy, Person, Update, remember

DAYS = 90
NOW = 1_800_000_000.0
DAY_S = 86_400
ADA, BOB = b"a" * 16, b"b" * 16


def person(value: object) -> Person:
    """Somebody of whom one value is known."""
    update = Update(b"k" * 16, 1_700_000_000_000, {"$set": {"plan": value}})
    return remember(None, update, MemoryPolicy(settle_ms=0, only_changes=False))[0]


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where there is no file yet."""
    return str(tmp_path / "people.sqlite")


@pytest.fixture
def people(path: str) -> Iterator[FileOfPeople]:
    """A new file, open."""
    opened = FileOfPeople(path, DAYS, lambda: NOW)
    yield opened
    opened.close()


def values(people: FileOfPeople, *keys: bytes) -> list[object]:
    """The value of each person; None for one who is not known."""
    found = people.get(keys)
    return [found[key].values["plan"] if key in found else None for key in keys]


def test_what_was_put_is_there_at_once(people: FileOfPeople) -> None:
    people.put({ADA: person("pro")})
    assert values(people, ADA, BOB) == ["pro", None]


def test_what_was_committed_outlives_its_process(path: str) -> None:
    people = FileOfPeople(path, DAYS, lambda: NOW)
    people.put({ADA: person("pro")})
    people.commit()
    people.put({ADA: person("team"), BOB: person("pro")})
    people.close()
    again = FileOfPeople(path, DAYS, lambda: NOW)
    assert values(again, ADA, BOB) == ["pro", None]
    again.close()


def test_what_is_rolled_back_was_never_there(people: FileOfPeople) -> None:
    people.put({ADA: person("pro")})
    people.commit()
    people.put({ADA: person("team"), BOB: person("pro")})
    people.roll_back(comes_again=True)
    assert values(people, ADA, BOB) == ["pro", None]
    people.commit()
    assert values(people, ADA, BOB) == ["pro", None]


def keys(count: int) -> list[bytes]:
    """So many different keys."""
    return [number.to_bytes(16, "big") for number in range(count)]


@pytest.mark.parametrize(
    ("end", "known"),
    [
        pytest.param(FileOfPeople.commit, True, id="commit"),
        pytest.param(lambda people: people.roll_back(comes_again=True), False, id="roll back"),
    ],
)
def test_a_bundle_about_more_people_than_are_held(
    end: Callable[[FileOfPeople], None], known: bool, path: str
) -> None:
    """They are written before the bundle's end, and undone all the same."""
    everyone = keys(12_000)
    people = FileOfPeople(path, DAYS, lambda: NOW)
    for key in everyone:
        people.put({key: person("pro")})
    assert len(people.get(everyone)) == len(everyone)
    end(people)
    people.close()
    again = FileOfPeople(path, DAYS, lambda: NOW)
    assert len(again.get(everyone)) == (len(everyone) if known else 0)
    again.close()


def test_whoever_is_not_heard_of_is_forgotten_and_deleted(path: str) -> None:
    now = NOW
    people = FileOfPeople(path, DAYS, lambda: now)
    everyone = keys(500)
    people.put({key: person("pro") for key in everyone})
    people.commit()
    now += DAYS * DAY_S
    assert len(people.get(everyone)) == len(everyone)
    now += DAY_S
    people.close()
    people = FileOfPeople(path, DAYS, lambda: now)
    assert people.get(everyone) == {}
    people.put({ADA: person("pro")})
    people.commit()
    # Some with each commit, so that none takes long.
    assert 0 < count_of(path, people) < len(everyone)
    people = FileOfPeople(path, DAYS, lambda: now)
    for _ in range(3):
        people.put({ADA: person("team")})
        people.commit()
    assert count_of(path, people) == 1


def count_of(path: str, people: FileOfPeople) -> int:
    """How many people the file holds; closes it."""
    people.close()
    with sqlite3.connect(path) as connection:
        [count] = connection.execute("SELECT count(*) FROM person").fetchone()
    connection.close()
    return int(count)


def test_whoever_is_heard_of_stays(path: str) -> None:
    now = NOW
    people = FileOfPeople(path, DAYS, lambda: now)
    for _ in range(3):
        people.put({ADA: person("pro")})
        people.commit()
        now += DAYS * DAY_S
    people.close()
    people = FileOfPeople(path, DAYS, lambda: now - DAY_S)
    assert values(people, ADA) == ["pro"]
    people.close()


def test_only_its_owner_can_read_it(path: str) -> None:
    Path(path).touch(0o644)
    people = FileOfPeople(path, DAYS)
    people.put({ADA: person("pro")})
    people.commit()
    for file in Path(path).parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    people.close()


_HOLD = """
import sys
from pipeline.people.store import FileOfPeople
people = FileOfPeople(sys.argv[1], 1)
print("open", flush=True)
sys.stdin.read()
"""


def test_one_process_has_it_and_its_end_gives_it_free(path: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(StateFileError, match="is in use by another process"):
            FileOfPeople(path, DAYS)
        other.kill()
        other.wait()
        FileOfPeople(path, DAYS).close()


def foreign(path: Path) -> None:
    """A database of somebody else's."""
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (text TEXT)")
    connection.commit()
    connection.close()


def newer(path: Path) -> None:
    """A file of a version to come."""
    FileOfPeople(str(path), DAYS).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {VERSION + 1}")
    connection.close()


def damaged(path: Path) -> None:
    """A file of ours with a page that was written over."""
    people = FileOfPeople(str(path), DAYS)
    people.put({key: person("x" * 500) for key in keys(100)})
    people.commit()
    people.close()
    with path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        pytest.param(foreign, "none of this program's", id="foreign"),
        pytest.param(newer, "another version", id="newer"),
        pytest.param(damaged, "is damaged", id="damaged"),
        pytest.param(lambda path: path.write_text("text " * 2000), "is damaged", id="text"),
        pytest.param(lambda path: path.mkdir(), "cannot be opened", id="directory"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_and_left(
    make: Callable[[Path], None], said: str, path: str
) -> None:
    make(Path(path))
    before = None if Path(path).is_dir() else Path(path).read_bytes()
    with pytest.raises(StateFileError, match=said):
        FileOfPeople(path, DAYS)
    if before is not None:
        assert Path(path).read_bytes() == before


def test_whose_file_it_is_can_be_told(path: str) -> None:
    FileOfPeople(path, DAYS).close()
    header = Path(path).read_bytes()[:100]
    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID


class TestUnsettled:
    """After a crash nobody knows what Customer.io has taken of the bundle that was under way."""

    def test_a_new_file_and_a_good_end_leave_nothing_open(self, path: str) -> None:
        for _ in range(2):
            people = FileOfPeople(path, DAYS, lambda: NOW)
            assert not people.may_be_unsettled(NOW - 1)
            assert not people.may_be_unsettled(None)
            people.put({ADA: person("pro")})
            people.commit()
            people.close()

    def test_after_a_crash_what_was_published_before_it_is(self, path: str) -> None:
        self.crash(path)
        people = FileOfPeople(path, DAYS, lambda: NOW + 1000)
        assert people.may_be_unsettled(NOW)
        assert people.may_be_unsettled(None)
        assert not people.may_be_unsettled(NOW + 2000)
        people.commit()
        people.close()
        # It may come weeks later; a line of a file comes with the next run or never.
        people = FileOfPeople(path, DAYS, lambda: NOW + 9000)
        assert people.may_be_unsettled(NOW)
        assert not people.may_be_unsettled(NOW + 2000)
        assert not people.may_be_unsettled(None)
        people.close()

    def crash(self, path: str) -> None:
        with subprocess.Popen(
            [sys.executable, "-c", _HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            other.stdout.readline()
            other.kill()

    @pytest.mark.parametrize(
        ("comes_again", "then_commits", "unsettled"),
        [
            pytest.param(True, True, False, id="came again at once"),
            pytest.param(True, False, True, id="given back"),
            pytest.param(False, True, True, id="others went on"),
        ],
    )
    def test_after_a_failed_bundle(
        self, comes_again: bool, then_commits: bool, unsettled: bool, path: str
    ) -> None:
        people = FileOfPeople(path, DAYS, lambda: NOW)
        people.put({ADA: person("pro")})
        people.roll_back(comes_again=comes_again)
        assert people.may_be_unsettled(None)
        assert people.may_be_unsettled(NOW + DAY_S)
        if then_commits:
            people.put({ADA: person("pro")})
            people.commit()
            assert people.may_be_unsettled(None) is not comes_again
        people.close()
        people = FileOfPeople(path, DAYS, lambda: NOW)
        assert people.may_be_unsettled(NOW - 1) is unsettled
        people.close()


def test_a_bundle_in_other_batches_leaves_nothing_behind_a_newer_time(path: str) -> None:
    """The newer update was taken, the older one was not, and now comes first."""
    policy = MemoryPolicy(settle_ms=600_000, only_changes=True)
    with remembering(path, DAYS):
        fn = _RememberInPlaceDoFn(policy, people_of_process)
        fn.setup()
        fn.start_bundle()
        older, newer = update({"$set": {"seats": 1}}, 100), update({"$set": {"plan": "a"}}, 200)
        for batch in ([newer], [older]):
            list(fn.steps(batch, []))
        finality.roll_back(comes_again=True)
        [sent] = fn.steps([newer, older], [])
        assert all(each.person_unsettled for each in sent)
        assert sent[-1].person_time_ms == (EVENT_S + 200) * 1000
        assert sent[-1].person == {"seats": 1, "plan": "a"}


def test_people_and_ledger_become_final_together(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with remembering(path, DAYS):
        people_of_process().put({ADA: person("pro")})
        finality.commit()
        people_of_process().put({ADA: person("team")})
        finality.roll_back(comes_again=True)
        assert values(people_of_process(), ADA) == ["pro"]
    with remembering(path, DAYS):
        assert values(people_of_process(), ADA) == ["pro"]


def test_nothing_is_final_when_the_file_fails(path: str) -> None:
    with remembering(path, DAYS):
        people = people_of_process()
        people.put({ADA: person("pro")})
        people._connection.execute("DROP TABLE person")  # noqa: SLF001
        with pytest.raises(StateFileError, match="cannot be used"):
            finality.commit()


def test_no_more_is_held_than_there_is_room_for() -> None:
    kept = Kept(100)
    for key in keys(10):
        kept.hold(key, person("pro"), 30)
    assert [key for key in keys(10) if kept.get(key)] == keys(10)[-3:]
    kept.get(keys(10)[-3])
    kept.hold(ADA, person("pro"), 30)
    assert kept.get(keys(10)[-3])
    assert not kept.get(keys(10)[-2])
    kept.change(ADA, person("team"))
    kept.hold(BOB, person("pro"), 100)
    assert kept.get(ADA), "what is to be written stays"
    assert [key for key, _person in kept.take_changed()] == [ADA]
    assert not kept.get(ADA)
