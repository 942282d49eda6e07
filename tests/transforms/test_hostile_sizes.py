"""Hostile sizes, by name: bombs, floods, damage. Work and memory have bounds, nothing is lost."""

import base64
import gzip
import json
import subprocess
import sys
import zlib
from collections import Counter

import pytest

from tests.transforms.make import (
    GOOD,
    MALFORMED,
    NO_OBJECT,
    NOT_UTF8,
    PASSED,
    TOO_LARGE,
    decoded,
    letter_of,
    message,
)
from transforms import decode
from transforms.decode import MAX_RECORDS, decode_message
from transforms.gunzip import gunzip, gunzip_parts
from transforms.records import DeadLetter

MEBIBYTE = 1 << 20
KEY = b'{"api_key":"SECRET","events":[{"event_type":"A","user_id":"u"}]}'


def bomb(megabytes: int, tail: bytes = b"") -> bytes:
    """Gzip of so many mebibytes of blanks, a thousandth of that in size."""
    return gzip.compress(b" " * (megabytes * MEBIBYTE) + tail, mtime=0)


def letter(data: bytes) -> DeadLetter:
    [result] = decode_message(message(data))
    return letter_of(result)


def raw_of(kept: DeadLetter) -> bytes:
    record = kept.record or ""
    return base64.b64decode(record) if kept.encoding == "base64" else record.encode()


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(bomb(65), [TOO_LARGE], id="a bomb"),
        pytest.param(gzip.compress(bomb(64)), [NOT_UTF8], id="a bomb in gzip"),
        pytest.param(bomb(33) + bomb(33), [TOO_LARGE], id="a bomb of two members"),
        pytest.param(bomb(65) + b"damaged", [TOO_LARGE], id="a bomb, damaged behind the cap"),
        pytest.param(gzip.compress(b"") * 100_000, [MALFORMED], id="100 000 members of nothing"),
        pytest.param(
            gzip.compress(b"") * 100_000 + gzip.compress(GOOD), [PASSED], id="and a record"
        ),
        pytest.param(
            gzip.compress(GOOD) + bytes(1_000_000) + gzip.compress(b"\n" + GOOD),
            [PASSED, PASSED],
            id="a megabyte of zeros between members",
        ),
        pytest.param(gzip.compress(GOOD + b" " * (60 * MEBIBYTE)), [PASSED], id="mostly blanks"),
        pytest.param(GOOD + b"\n" * 5_000_000 + GOOD, [PASSED] * 2, id="5 000 000 empty lines"),
        pytest.param(b"\n" * 5_000_000, [MALFORMED], id="nothing but empty lines"),
        pytest.param(b"[" + b"0," * 5_000_000 + b"0]", [TOO_LARGE], id="5 000 001 noughts"),
        pytest.param(b"[" + b"null," * 2_000_000 + b"null]", [TOO_LARGE], id="2 000 001 nulls"),
        pytest.param(b"[" + b"NaN," * 2_000_000 + b"0]", [TOO_LARGE], id="2 000 000 NaN"),
        pytest.param(b"{}\n" * 600_000, [TOO_LARGE], id="600 000 lines"),
        pytest.param(b'{"events":[' + b"{}," * 600_000 + b"{}]}", [TOO_LARGE], id="a body of them"),
        pytest.param(b"x\n" * 600_000, [MALFORMED], id="600 000 lines that are no records"),
        pytest.param(b"[" * 3_000_000, [MALFORMED], id="open brackets"),
        pytest.param(b'["' * 2_000_000, [MALFORMED], id="open strings"),
        pytest.param(b'{"a":"' + b'\\"' * 3_000_000, [MALFORMED], id="escaped quotes"),
        pytest.param(b"\\" * 5_000_000, [MALFORMED], id="backslashes"),
        pytest.param(b'{"a":"' + b"x" * 10_000_000 + b'"}', [PASSED], id="a record of 10 MB"),
    ],
)
def test_what_is_large_ends_and_is_settled(data: bytes, expected: list[str]) -> None:
    assert decoded(data) == expected


def test_of_too_many_records_all_are_kept_in_one_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decode, "MAX_RECORDS", 10)
    for data in (
        b"[" + b",".join([GOOD] * 11) + b"]",
        b"\n".join([GOOD] * 11),
        b"\n".join([b"[]"] * 10 + [GOOD]),
        b"[" + b",".join([b'{"events":[]}'] * 11) + b"]",
        b"[NaN," + b",".join([GOOD] * 10) + b"]",
        b'{"events":[' + b",".join([GOOD] * 11) + b"]}",
        b"[" + b",".join([b'{"events":[%s,%s]}' % (GOOD, GOOD)] * 6) + b"]",
    ):
        assert decoded(data) == [TOO_LARGE]
        assert raw_of(letter(data)) == data
    assert decoded(b"[" + b",".join([GOOD] * 10) + b"]") == [PASSED] * 10
    assert decoded(b"\n".join([GOOD] * 10)) == [PASSED] * 10
    assert decoded(b"[NaN," + b",".join([GOOD] * 9) + b"]") == [MALFORMED] + [PASSED] * 9


def test_as_many_records_as_are_allowed() -> None:
    found = Counter(decoded(b"[" + b"0," * (MAX_RECORDS - 1) + b"0]"))
    assert found == {NO_OBJECT: MAX_RECORDS}


def test_inflating_stops_at_the_cap() -> None:
    """Behind the cap there is damage, which nobody would get past."""
    inflated = gunzip(bomb(3) + b"damaged", 2 * MEBIBYTE)
    assert len(inflated) == 2 * MEBIBYTE + 1
    endless = bomb(1) * 500
    read = 0
    for part in gunzip_parts(endless):
        read = part.read
        if read > len(bomb(1)):
            break
    assert read < 3 * len(bomb(1))


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:-9], id="cut off"),
        pytest.param(lambda data: data[:-1] + b"\xff", id="wrong size"),
        pytest.param(lambda data: data[:-6] + b"\xff\xff" + data[-4:], id="wrong checksum"),
        pytest.param(lambda data: data + b"tail", id="a tail"),
        pytest.param(lambda data: data + data[:-5], id="the second member cut off"),
        pytest.param(lambda data: gzip.compress(data, 0), id="twice"),
        pytest.param(lambda data: gzip.compress(gzip.compress(data)), id="three times"),
        pytest.param(lambda data: gzip.compress(data)[:-5], id="twice, cut off"),
    ],
)
def test_a_key_is_never_kept_in_compressed_data(level: int, damage: object) -> None:
    assert callable(damage)
    for secret in (KEY, b"x" * 300_000 + KEY, KEY[:40].replace(b'"', b"\\u0022")):
        kept = letter(damage(gzip.compress(secret, level, mtime=0)))
        assert kept.reason == "not_utf8"
        assert "kept inflated" in kept.detail
        assert b"api_key" in raw_of(kept)
        assert b"SECRET" not in raw_of(kept)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(GOOD)[:-9], id="cut off"),
        pytest.param(gzip.compress(GOOD) + b"tail", id="a tail"),
        pytest.param(gzip.compress(gzip.compress(GOOD)), id="twice"),
        pytest.param(bomb(65), id="too large"),
        pytest.param(b"\x1f\x8b", id="nothing but its magic"),
    ],
)
def test_compressed_data_without_a_key_is_kept_as_it_came(data: bytes) -> None:
    kept = letter(data)
    inner = zlib.decompress(data, 31) if kept.detail.startswith("invalid") else data
    assert raw_of(kept) == inner


def test_a_key_far_behind_is_found_in_a_message_that_is_too_large() -> None:
    kept = letter(bomb(100, b'"api_key":"SECRET"'))
    assert kept.reason == "too_large"
    assert kept.detail.endswith("kept inflated, the first 10000000 bytes of it")


def test_of_what_is_never_looked_through_nothing_is_kept() -> None:
    data = bomb(100) * 3 + gzip.compress(KEY)
    kept = letter(data)
    assert kept.detail.endswith("bytes, compressed, are kept")
    assert data.startswith(raw_of(kept))
    assert 2 * len(bomb(100)) < len(raw_of(kept)) < 3 * len(bomb(100))


_PEAK = """
import gzip, resource, sys
from pathlib import Path
from transforms.decode import decode_message
from transforms.records import Message

def peak_bytes():
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux a process begins with its parent's ru_maxrss, which pytest has made large.
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

data = eval(sys.argv[1])
before = peak_bytes()
decode_message(Message(data, "m", None, {}))
print(peak_bytes() - before)
"""


@pytest.mark.parametrize(
    ("data", "megabytes"),
    [
        pytest.param("(gzip.compress(bytes(1 << 20)) * 10_000)[:10_000_000]", 250, id="bomb"),
        pytest.param("gzip.compress(b'') * 400_000", 250, id="members"),
        pytest.param("b'[' + b'0,' * 5_000_000 + b'0]'", 250, id="noughts"),
        pytest.param("b'[' + b'0,' * 499_998 + b'0]'", 500, id="as many as are allowed"),
        pytest.param("b'[' + b'{},' * 3_333_333 + b'0]'", 500, id="objects"),
        pytest.param("b'{}' + b'\\n' * 10_000_000 + b'{}'", 100, id="empty lines"),
        pytest.param("b'[' * 10_000_000", 250, id="brackets"),
    ],
)
def test_the_memory_of_a_message_is_bounded(data: str, megabytes: int) -> None:
    command = [sys.executable, "-c", _PEAK, data]
    peak = int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert peak < megabytes * 1_000_000


def test_a_large_record_is_one_dead_letter() -> None:
    record = {"event_type": "A", "user_id": "u", "event_properties": {"a": "x" * 1000}}
    data = json.dumps([record, "x" * 9_000_000]).encode()
    assert decoded(data) == [PASSED, NO_OBJECT]
