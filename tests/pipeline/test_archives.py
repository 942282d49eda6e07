"""Archives as files: which texts they hold, and what a hostile or a damaged one does."""

import gzip
import io
import struct
import zipfile
from pathlib import Path

import pytest

from pipeline.sources import archives, streams
from pipeline.sources.archives import contents_bytes
from pipeline.sources.files import FileReadError, find_files, read_messages
from pipeline.sources.streams import Counted

A, B, C = (b'{"event_type":"%s"}\n' % name for name in (b"a", b"b", b"c"))
STORED = zipfile.ZIP_STORED


def archive(path: Path, *members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> str:
    with zipfile.ZipFile(path, "w", method) as written:
        for name, data in members:
            written.writestr(name, data)
    return str(path)


def read(path: str) -> list[tuple[str, bytes]]:
    """Ids, without the archive's folder, and texts."""
    return [
        (message.message_id.removeprefix(f"{Path(path).parent}/"), message.data)
        for message in read_messages(path, lambda: False)
    ]


def refusal(path: str) -> str:
    with pytest.raises(FileReadError) as refused:
        read(path)
    return str(refused.value).removeprefix(f"{Path(path).parent}/")


@pytest.mark.parametrize("method", [STORED, zipfile.ZIP_DEFLATED], ids=["stored", "deflated"])
def test_members_are_read_in_their_order_gzip_or_not(tmp_path: Path, method: int) -> None:
    path = archive(
        tmp_path / "Export.ZIP",
        ("1/1_2026-05-04_9#1.json.gz", gzip.compress(B + C)),
        ("empty.json.gz", gzip.compress(b"")),
        ("a.json", A),
        method=method,
    )
    assert find_files(path) == [path]
    assert read(path) == [
        ("Export.ZIP!1/1_2026-05-04_9#1.json.gz:1", B),
        ("Export.ZIP!1/1_2026-05-04_9#1.json.gz:2", C),
        ("Export.ZIP!a.json:1", A),
    ]


def test_what_an_operating_system_adds_is_no_data(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "e.zip",
        ("day/", b""),
        ("day/.DS_Store", b"\0"),
        ("__MACOSX/day/a.json", b"\0"),
        ("day/a.json", A),
    )
    assert read(path) == [("e.zip!day/a.json:1", A)]


def test_names_are_shown_and_lead_nowhere(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "e.zip", ("../../out.json", A), ("/abs\x1b[2J.json", B), ("n" * 500, C)
    )
    assert read(path) == [
        ("e.zip!../../out.json:1", A),
        ("e.zip!/abs\\u001b[2J.json:1", B),
        (f"e.zip!{'n' * 200}…:1", C),
    ]
    assert [file.name for file in tmp_path.iterdir()] == ["e.zip"]


def test_an_archive_without_a_file(tmp_path: Path) -> None:
    assert refusal(archive(tmp_path / "e.zip")) == "e.zip is an archive without a file in it"
    assert refusal(archive(tmp_path / "f.zip", ("day/", b""))).endswith("without a file in it")


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"no archive at all", A * 10_000], ids=["", "head", "text", "l"]
)
def test_what_is_no_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e.zip").write_bytes(content)
    assert refusal(str(tmp_path / "e.zip")) == "e.zip cannot be read: File is not a zip file"


def test_an_archive_that_is_cut_off(tmp_path: Path) -> None:
    path = Path(archive(tmp_path / "e.zip", ("a.json", A * 1_000)))
    path.write_bytes(path.read_bytes()[:-30])
    assert refusal(str(path)).startswith("e.zip cannot be read: ")


def test_an_archive_that_is_missing(tmp_path: Path) -> None:
    assert "no such file: " in refusal(str(tmp_path / "e.zip"))


def test_a_member_that_is_encrypted(tmp_path: Path) -> None:
    path = Path(archive(tmp_path / "e.zip", ("a.json", A), method=STORED))
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(bytes(data))
    assert refusal(str(path)) == "e.zip!a.json is encrypted; decrypt the archive, then name it"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=["bzip2", "lzma"])
def test_a_member_of_another_method(tmp_path: Path, method: int) -> None:
    path = archive(tmp_path / "e.zip", ("a.json", A), method=method)
    assert f"e.zip!a.json is compressed by a method (number {method})" in refusal(path)


def test_an_archive_within_an_archive(tmp_path: Path) -> None:
    inner = Path(archive(tmp_path / "in.zip", ("a.json", A))).read_bytes()
    for data in (inner, gzip.compress(inner)):
        assert "e.zip!x.zip is a .zip itself" in refusal(
            archive(tmp_path / "e.zip", ("x.zip", data))
        )


def test_an_archive_under_another_name(tmp_path: Path) -> None:
    path = Path(archive(tmp_path / "in.zip", ("a.json", A))).rename(tmp_path / "export.json")
    assert "export.json is a .zip itself" in refusal(str(path))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(lambda data: data[:-100], "ended before the end-of-stream marker", id="cut"),
        pytest.param(lambda data: data[:-8] + b"\0" * 8, "CRC check failed", id="checksum"),
    ],
)
def test_what_comes_before_a_damage_is_read(tmp_path: Path, damage: object, words: str) -> None:
    assert callable(damage)
    lines = [b'{"event_type":"%d"}\n' % number for number in range(20_000)]
    whole = gzip.compress(b"".join(lines))
    path = archive(tmp_path / "e.zip", ("a.json.gz", damage(whole)))
    found: list[bytes] = []
    with pytest.raises(FileReadError, match=rf"e\.zip!a\.json\.gz cannot be read: .*{words}"):
        # What it gave before it raised stays in the list.
        found.extend(message.data for message in read_messages(path, lambda: False))
    assert found == lines[: len(found)]
    assert len(found) > len(lines) * 0.9


def test_a_wrong_checksum_of_the_archive_itself(tmp_path: Path) -> None:
    path = Path(archive(tmp_path / "e.zip", ("a.json", A), method=STORED))
    path.write_bytes(path.read_bytes().replace(b'"a"', b'"b"', 1))
    assert refusal(str(path)).startswith("e.zip!a.json cannot be read: Bad CRC-32")


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"], ids=["in the zip", "in the gzip"])
def test_a_bomb_ends_early(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HARMLESS_BYTES", 1 << 20)
    monkeypatch.setattr(streams, "_BUFFER_BYTES", 1 << 10)
    blanks = b" " * (1 << 26)
    data = gzip.compress(blanks) if name.endswith(".gz") else blanks
    path = archive(tmp_path / "e.zip", (name, data))
    assert f"e.zip!{name} inflates to over 500 times its size" in refusal(path)


def test_usual_records_are_no_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "HARMLESS_BYTES", 1)
    path = archive(tmp_path / "e.zip", ("a.json.gz", gzip.compress((A + B + C) * 10_000)))
    assert len(read(path)) == 30_000


def test_members_that_overlap_are_a_bomb(tmp_path: Path) -> None:
    path = Path(archive(tmp_path / "e.zip", ("a.json", b"%064x" % 7), ("b.json", A), method=STORED))
    data = bytearray(path.read_bytes())
    for at in (data.index(b"PK\x01\x02"), data.rindex(b"PK\x01\x02")):
        data[at + 20 : at + 24] = struct.pack("<L", 300)
    path.write_bytes(bytes(data))
    assert "its members overlap" in refusal(str(path))


def test_a_large_table_of_contents_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path / "e.zip", *((f"{number}.json", A) for number in range(100)))
    monkeypatch.setattr(archives, "MAX_CONTENTS_BYTES", 2_000)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    assert "its table of contents has over" in refusal(path)


@pytest.mark.parametrize(
    ("members", "comment"),
    [
        pytest.param(0, b"", id="none"),
        pytest.param(3, b"", id="few"),
        pytest.param(3, b"said beside it", id="a comment"),
        pytest.param(3, b"PK\x05\x06", id="a comment like an end"),
        pytest.param(3, b"\0" * 65_000, id="a long comment"),
        pytest.param(66_000, b"x", id="zip64"),
    ],
)
def test_the_table_of_contents_is_measured_as_zipfile_finds_it(
    members: int, comment: bytes
) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for number in range(members):
            written.writestr(f"{number}", b"")
        written.comment = comment
    end = file.getvalue()
    first = end.find(b"PK\x01\x02")
    last = end.rfind(b"PK\x06\x06") if members > 0xFFFF else end.find(b"PK\x05\x06")
    claimed = contents_bytes(file)
    if comment == b"PK\x05\x06":
        # zipfile takes it for the end, and refuses the archive: the claim does not matter.
        assert claimed == 0
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(file)
    else:
        assert claimed == (last - first if members else 0)


def test_stored_bytes_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(A * 50_000)
    stored = Counted(str(path))
    with stored.buffered() as buffered:
        assert buffered.read(10) == A[:10]
        assert 10 <= stored.count < path.stat().st_size
        buffered.read()
        assert stored.count == path.stat().st_size
    assert stored.closed
