"""The files of a run: all records, each once, in files that differ."""

import gzip
from pathlib import Path

from benchmarks.records import Shape, export_records
from engines.waiting import in_files, write_files
from pipeline.sources.files import find_files, read_messages

RECORDS = 1_003


def test_the_files_hold_every_record_once_and_nothing_else(tmp_path: Path) -> None:
    paths = write_files(RECORDS, tmp_path / "records")
    found = [
        message.data.rstrip(b"\n")
        for path in paths
        for message in read_messages(str(path), lambda: False)
    ]
    assert found == list(export_records(RECORDS, Shape(updates=0.0)))


def test_the_files_are_many_unequal_and_some_of_them_compressed(tmp_path: Path) -> None:
    paths = write_files(RECORDS, tmp_path / "records")
    compressed = [path for path in paths if path.suffix == ".gz"]
    lengths = sorted(
        len(gzip.decompress(path.read_bytes()) if path in compressed else path.read_bytes())
        for path in paths
    )
    assert len(paths) == 40
    assert len(compressed) == 14
    assert lengths[-1] > 10 * lengths[0] > 0


def test_the_job_is_told_of_all_of_them_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    waiting = in_files(RECORDS, tmp_path / "records")
    pattern = waiting.flag.removeprefix("--input_files=")
    assert len(find_files(pattern)) == 40
    assert waiting.acknowledged() is None
