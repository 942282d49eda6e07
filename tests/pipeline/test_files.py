"""Files as a source: which texts they hold, under which ids, and what is wrong with a bad one."""

import gzip
import json
import os
import threading
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from hypothesis import given
from hypothesis import strategies as st

from pipeline.generations import run_once
from pipeline.sources import files
from pipeline.sources.files import (
    FileReadError,
    ReadFromFiles,
    find_files,
    read_messages,
    read_until_stopped,
)
from pipeline.sources.streams import RECORD_FILE
from pipeline.stop import STOP
from tests.one_by_one import one_by_one
from transforms.decode import decode_message
from transforms.records import Message, Record

BOM = b"\xef\xbb\xbf"


def texts(path: Path) -> list[tuple[int, bytes]]:
    """The numbers and texts of a file's messages."""
    found = []
    for message in read_messages(str(path), lambda: False):
        name, _, number = message.message_id.rpartition(":")
        assert name == str(path)
        assert (message.publish_time, message.attributes) == (None, {})
        found.append((int(number), message.data))
    return found


def event_types(path: Path) -> list[str]:
    """What the records of a file are called; the reason of one that is none."""
    return [
        str(result.fields["event_type"])
        if isinstance(result, Record)
        else result.outcome.removeprefix("dead_lettered.")
        for message in read_messages(str(path), lambda: False)
        for result in decode_message(message)
    ]


A, B, C = ({"event_type": name, "event_properties": {"list": [1, [2]]}} for name in "abc")


def lines(*records: object) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def indented(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


@pytest.mark.parametrize(
    ("content", "expected", "messages"),
    [
        pytest.param(b"", [], 0, id="empty"),
        pytest.param(b"\n \r\n\n", [], 0, id="nothing but blank lines"),
        pytest.param(lines(A, B), ["a", "b"], 2, id="a record a line"),
        pytest.param(lines(A, B).rstrip(), ["a", "b"], 2, id="no line break at the end"),
        pytest.param(b"\n\n" + lines(A) + b"\n \n" + lines(B), ["a", "b"], 2, id="blank lines"),
        pytest.param(lines(A, B).replace(b"\n", b"\r\n"), ["a", "b"], 2, id="CRLF"),
        pytest.param(BOM + lines(A, B), ["a", "b"], 2, id="a byte order mark"),
        pytest.param(lines(A).rstrip(), ["a"], 1, id="one object on one line"),
        pytest.param(indented(A), ["a"], 1, id="one object over lines"),
        pytest.param(lines([A, B]), ["a", "b"], 1, id="an array on one line"),
        pytest.param(lines([A, B], C), ["a", "b", "c"], 2, id="an array and an object"),
        pytest.param(indented([A, B]), ["a", "b"], 1, id="an array over lines"),
        pytest.param(indented([A]), ["a"], 1, id="an array of one over lines"),
        pytest.param(b"[\n" + lines(A) + b"]\n", ["a"], 1, id="an array of one on three lines"),
        pytest.param(
            b"[\n" + lines(A).rstrip() + b",\n" + lines(B) + b"]\n",
            ["a", "b"],
            1,
            id="an array, a record a line",
        ),
        pytest.param(
            BOM + indented([A, B]).replace(b"\n", b"\r\n"),
            ["a", "b"],
            1,
            id="an array over lines, with all that Windows adds",
        ),
        pytest.param(b"\n\n" + indented([A]), ["a"], 1, id="an array after blank lines"),
        pytest.param(indented({"events": [A, B]}), ["a", "b"], 1, id="a request body over lines"),
        pytest.param(
            b"[\n" + lines(A).rstrip() + b",\n{bad},\n" + lines(B) + b"]",
            ["a", "malformed_json", "b"],
            1,
            id="an array over lines with a bad record in it",
        ),
        pytest.param(
            b'{"event_type"\n' + lines(A, B), ["malformed_json", "a", "b"], 3, id="a bad first line"
        ),
        pytest.param(
            b"[1\n{2\n" + lines(A),
            ["malformed_json", "malformed_json", "a"],
            3,
            id="two bad lines first",
        ),
        pytest.param(lines(A) + b"{bad\n" + lines(B), ["a", "malformed_json", "b"], 3, id="later"),
        pytest.param(lines(A) + b"[1,\n2]\n", ["a"] + ["malformed_json"] * 2, 3, id="a bad end"),
        pytest.param(b"no JSON\nat all\n", ["malformed_json"], 1, id="no JSON at all"),
        pytest.param(indented([A, B])[:-2], ["malformed_json"], 1, id="an array that is cut off"),
        pytest.param(lines(A, 3, B), ["a", "not_an_object", "b"], 3, id="a number among them"),
        pytest.param(b"\xff\xfe\n" + lines(A), ["not_utf8", "a"], 2, id="bytes that are no text"),
    ],
)
@pytest.mark.parametrize("compressed", [False, True], ids=["plain", "gzip"])
def test_the_records_of_a_file(
    tmp_path: Path, content: bytes, expected: list[str], messages: int, compressed: bool
) -> None:
    path = tmp_path / "in.json"
    path.write_bytes(gzip.compress(content) if compressed else content)
    assert event_types(path) == expected
    assert len(texts(path)) == messages


def test_an_id_is_the_path_and_the_line(tmp_path: Path) -> None:
    path = tmp_path / "in: put.ndjson"
    path.write_bytes(b"\n{bad\n\r\n" + lines(A) + b"\n" + lines(B))
    assert [number for number, _ in texts(path)] == [2, 4, 6]
    path.write_bytes(b"\n\n" + indented([A, B]))
    assert [number for number, _ in texts(path)] == [3]


@pytest.mark.parametrize("name", ["in.gz", "in.json", "in.ndjson.gz", "in"])
def test_gzip_is_seen_whatever_the_name_says(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(lines(A)) + gzip.compress(lines(B)))
    assert texts(path) == [(1, lines(A)), (2, lines(B))]
    path.write_bytes(lines(A))
    assert texts(path) == [(1, lines(A))]


@given(st.lists(st.sampled_from([b"\n", b" \r\n", b"{bad\n", lines(A), lines(B)]), max_size=8))
def test_lines_keep_their_numbers(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines.ndjson"
    path.write_bytes(lines(C) + b"".join(pieces))
    expected = [(n, piece) for n, piece in enumerate([lines(C), *pieces], 1) if piece.strip()]
    assert texts(path) == expected


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    """A file that cannot be read twice: `... | python -m pipeline preview -`, for one."""
    path = tmp_path / "pipe"
    for content, expected in (
        (indented([A, B]), ["a", "b"]),
        (b"{bad\n" + lines(A, B), ["malformed_json", "a", "b"]),
        (gzip.compress(b"{bad\n" + lines(A)), ["malformed_json", "a"]),
    ):
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=(content,))
        writer.start()
        assert event_types(path) == expected
        writer.join()
        path.unlink()


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> int:
    """Messages of 100 bytes at the most, instead of 64 MiB."""
    monkeypatch.setattr(files, "MAX_MESSAGE_BYTES", 100)
    return 100


def test_a_line_that_is_too_large_is_one_message(tmp_path: Path, small_limit: int) -> None:
    path = tmp_path / "in.ndjson"
    long = b'{"x":"' + b"y" * 1_000 + b'"}\n'
    path.write_bytes(lines(A) + long + lines(B))
    assert texts(path) == [(1, lines(A)), (2, long[: small_limit + 1]), (3, lines(B))]


def test_a_first_line_that_is_too_large_is_one_message(tmp_path: Path, small_limit: int) -> None:
    path = tmp_path / "in.ndjson"
    long = b'{"x":"' + b"y" * 1_000 + b'"}\n'
    path.write_bytes(long + lines(A, B))
    assert texts(path) == [(1, long[: small_limit + 1]), (2, lines(A)), (3, lines(B))]


def test_a_bad_first_line_of_a_large_file_costs_no_other(tmp_path: Path, small_limit: int) -> None:
    path = tmp_path / "in.ndjson"
    path.write_bytes(b"{bad\n" + lines(*[A] * 20))
    assert texts(path) == [(1, b"{bad\n"), *((n, lines(A)) for n in range(2, 22))]


def test_an_array_over_lines_that_is_too_large_is_one_message(
    tmp_path: Path, small_limit: int
) -> None:
    path = tmp_path / "in.json"
    path.write_bytes(indented([A | {"empty": [{}, []]}] * 20))
    [(number, text)] = texts(path)
    assert number == 1
    assert len(text) > small_limit


def test_a_stop_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "in.ndjson"
    path.write_bytes(lines(*[A] * 5))
    wishes = iter([False, False, True])
    assert len(list(read_messages(str(path), lambda: next(wishes)))) == 2


@pytest.mark.usefixtures("fresh_process")
def test_the_wish_to_stop_is_that_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "in.ndjson"
    path.write_bytes(lines(A, B))
    assert [len(batch) for batch in read_until_stopped(str(path))] == [2]
    STOP.set()
    assert list(read_until_stopped(str(path))) == []


WHOLE = gzip.compress(lines(*[A] * 1_000), mtime=0)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (WHOLE[:-9], "Compressed file ended before the end-of-stream marker was reached"),
        (WHOLE[:3], "Compressed file ended before the end-of-stream marker was reached"),
        (WHOLE[:-8] + b"\0" * 8, "CRC check failed"),
        (WHOLE[:10] + b"\xff" * 20 + WHOLE[30:], "Error -3 while decompressing data"),
        (WHOLE + b"more", "Not a gzipped file"),
    ],
    ids=["cut off", "a head alone", "checksum", "damaged", "something behind it"],
)
def test_a_damaged_gzip_says_which_file_it_is(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "damaged.gz"
    path.write_bytes(content)
    with pytest.raises(FileReadError) as refused:
        texts(path)
    assert str(refused.value).startswith(f"{path} cannot be read: {problem}")


def test_a_file_that_went_away_says_which_it_is(tmp_path: Path) -> None:
    path = tmp_path / "gone.json"
    with pytest.raises(FileReadError, match=r"^no such file: .*gone\.json; expected is a .json, "):
        texts(path)


def test_a_glob_names_files_in_their_order(tmp_path: Path) -> None:
    for name in ("b.json", "a.ndjson", "c.txt"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "d.json").mkdir()
    found = find_files(f"{tmp_path}/*json")
    assert found == [str(tmp_path / "a.ndjson"), str(tmp_path / "b.json")]
    assert find_files(str(tmp_path / "c.txt")) == [str(tmp_path / "c.txt")]


@pytest.mark.parametrize("pattern", ["none*.json", "missing/directory/*.json", "none.json"])
def test_no_file_at_all_is_an_error(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(FileReadError) as refused:
        find_files(f"{tmp_path}/{pattern}")
    assert (
        str(refused.value)
        == f"no such file: {tmp_path}/{pattern}; expected is the path or the glob of {RECORD_FILE}"
    )


def test_a_place_that_beam_does_not_know_is_an_error() -> None:
    with pytest.raises(FileReadError, match=r"^ftp://host/x cannot be looked up: Unable to get"):
        find_files("ftp://host/x")


class Collect(beam.DoFn):
    """Collects messages for the test that runs."""

    found: list[Message] = []  # noqa: RUF012 - of the class, for instances are pickled

    def __init__(self) -> None:
        """Keeps nothing itself."""

    def process(self, element: Message, *_args: Any, **_kwargs: Any) -> None:
        Collect.found.append(element)


@pytest.mark.usefixtures("fresh_process")
@pytest.mark.parametrize("spread", [False, True], ids=["one worker", "shared out"])
def test_files_as_a_source(tmp_path: Path, spread: bool) -> None:
    (tmp_path / "1.json").write_bytes(indented([A, B]))
    (tmp_path / "2.ndjson").write_bytes(lines(B, C))
    Collect.found.clear()

    def build(pipeline: beam.Pipeline) -> None:
        read = ReadFromFiles(find_files(f"{tmp_path}/*"), spread=spread)
        _ = pipeline | "Read" >> read | one_by_one() | beam.ParDo(Collect())

    run_once(build, PipelineOptions([]))
    found = [Path(message.message_id).name for message in Collect.found]
    # Who shares names out has no order for them; within a file there always is one.
    assert (sorted(found) if spread else found) == ["1.json:1", "2.ndjson:1", "2.ndjson:2"]
    assert found.index("2.ndjson:1") < found.index("2.ndjson:2")
