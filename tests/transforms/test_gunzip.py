"""Inflating in parts: what gzip itself inflates, and of damaged data all that is before it."""

import gzip
import zlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz.plain_reading import inflate
from tests.transforms.make import many
from transforms.gunzip import gunzip, gunzip_parts

_ROOM = 1 << 30
_texts = st.binary(max_size=400) | st.integers(0, 5_000).map(lambda size: b'{"a":1}' * size)


@many
@given(
    st.lists(st.tuples(_texts, st.sampled_from([0, 1, 9]), st.integers(0, 600)), max_size=4),
    st.integers(0, 40_000),
)
@example([(b"x" * 3_000_000, 9, 0)], 1 << 20)
@example([(bytes(5_000_000), 0, 0)] * 2, 5_000_000)
def test_members_are_inflated_up_to_the_limit(
    members: list[tuple[bytes, int, int]], limit: int
) -> None:
    data = b"".join(gzip.compress(text, level) + bytes(pad) for text, level, pad in members)
    whole = b"".join(text for text, _level, _pad in members)
    assert gunzip(data, _ROOM) == whole
    assert gunzip(data, limit) == whole[: limit + 1]
    assert b"".join(part.data for part in gunzip_parts(data)) == whole
    reads = [part.read for part in gunzip_parts(data)]
    assert reads == sorted(reads)
    assert not reads or 0 < reads[-1] <= len(data)


@many
@given(_texts, st.sampled_from([0, 1, 9]), st.data())
def test_all_that_is_before_the_damage_inflates(
    text: bytes, level: int, draw: st.DataObject
) -> None:
    data = bytearray(gzip.compress(text, level, mtime=0) * 2)
    for _ in range(draw.draw(st.integers(0, 2))):
        data[draw.draw(st.integers(2, len(data) - 1))] = draw.draw(st.integers(0, 255))
    damaged = bytes(data[: draw.draw(st.integers(2, len(data)))])
    expected, is_damaged = inflate(damaged)
    found = b"".join(part.data for part in gunzip_parts(damaged, up_to_damage=True))
    assert found == expected
    if is_damaged:
        with pytest.raises(zlib.error):
            gunzip(damaged, _ROOM)
    else:
        assert gunzip(damaged, _ROOM) == expected
