"""History in Cloud Storage: found by a prefix, and read where it lies, archives too."""

import gzip
import io
import zipfile
from collections.abc import Iterator

import pytest
from apache_beam.internal.gcp import auth
from google.oauth2.credentials import Credentials
from msgspec.structs import replace

from pipeline.backfill.feed import pulls
from pipeline.backfill.find import find
from pipeline.backfill.manifest import Place
from pipeline.sources.files import FileReadError
from tests.rehearsal.fake_storage import BUCKET, FakeStorage, fake_storage
from tests.rehearsal.http_edge import ACCESS_TOKEN

A, B, C = (b'{"event_type":"%s"}\n' % name for name in (b"a", b"b", b"c"))


class Login:
    """Credentials in the form that Beam passes on."""

    def __init__(self, _options: object) -> None:
        """Whatever the options are."""

    def get_google_auth_credentials(self) -> Credentials:
        return Credentials(ACCESS_TOKEN.value)


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStorage]:
    with fake_storage() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setattr(auth, "get_service_credentials", Login)
        yield server


@pytest.fixture
def history(storage: FakeStorage) -> FakeStorage:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as written:
        written.writestr("1.json.gz", gzip.compress(A * 3_000))
        written.writestr("2.json.gz", gzip.compress(B))
    storage.put("history/a.zip", archive.getvalue())
    # The emulator does not find an object by a name with a "#".
    storage.put("history/deep/7_2026-07-01_3.json.gz", gzip.compress(C))
    storage.put("history/-7_2026-07-01_3.json.gz", B)
    storage.put("history/notes.csv", B)
    storage.put("historyless.json", C)
    return storage


def names(source: str) -> list[str]:
    return [file.path.removeprefix(f"gs://{BUCKET}/") for file in find(source, None).files]


@pytest.mark.usefixtures("history")
def test_a_prefix_a_glob_and_a_name() -> None:
    everything = ["history/a.zip", "history/deep/7_2026-07-01_3.json.gz"]
    assert names(f"gs://{BUCKET}/history/") == everything
    assert names(f"gs://{BUCKET}/history") == everything
    assert names(f"gs://{BUCKET}/history/*.csv") == ["history/notes.csv"]
    assert names(f"gs://{BUCKET}/historyless.json") == ["historyless.json"]
    found = find(f"gs://{BUCKET}/history/", None)
    assert (found.merged_ids, found.other) == (1, 1)
    assert all(file.modified > 0 for file in found.files)
    with pytest.raises(FileReadError, match="no such file: gs://"):
        names(f"gs://{BUCKET}/nothing/")


@pytest.mark.usefixtures("history")
def test_archives_are_read_where_they_lie() -> None:
    files = find(f"gs://{BUCKET}/history/", None).files
    damaged: dict[str, str] = {}
    read = list(pulls(files, Place(0, 0, 2_999), lambda: False, damaged.__setitem__))
    assert [message.data for pull in read for message in pull.messages] == [A, B, C]
    assert damaged == {}


def test_an_object_that_went_away_is_told(history: FakeStorage) -> None:
    [*files] = find(f"gs://{BUCKET}/history/", None).files
    damaged: dict[str, str] = {}
    gone = replace(files[0], path=f"gs://{BUCKET}/history/gone.json")
    read = list(pulls([gone, files[1]], Place(), lambda: False, damaged.__setitem__))
    assert [message.data for pull in read for message in pull.messages] == [C]
    assert list(damaged) == [gone.path]
    assert history.calls


def test_a_connection_that_breaks_is_no_damage(
    history: FakeStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = find(f"gs://{BUCKET}/history/", None).files
    with monkeypatch.context() as cut:
        cut.setattr("pipeline.sources.streams.Counted.readinto", _broken)
        with pytest.raises(FileReadError, match=r"a\.zip cannot be read: connection"):
            list(pulls(files, Place(), lambda: False, lambda *_: pytest.fail("no damage")))
    assert history.calls


def _broken(*_arguments: object) -> int:
    raise ConnectionResetError("connection reset")
