"""How large a remembered value may be, and that no hash depends on it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import many
from transforms.hashing import plain_sha256
from transforms.memory.values import MAX_VALUE_BYTES, bounded, fits
from transforms.shape import hash_values
from transforms.tally import Tally

texts = st.builds(
    lambda text, times: text * times, st.text(min_size=1, max_size=9), st.integers(0, 4_000)
)
values = texts | st.lists(texts, max_size=3) | st.dictionaries(st.just("k"), texts)


@many
@given(values)
def test_a_cut_value_is_told_from_a_whole_one(value: Any) -> None:
    kept = bounded(value)
    assert bounded(kept) == kept
    assert fits(kept) == fits(value) == (len(msgspec.json.encode(value)) <= MAX_VALUE_BYTES)
    if fits(value):
        assert kept is value
    else:
        assert MAX_VALUE_BYTES < len(msgspec.json.encode(kept)) <= MAX_VALUE_BYTES + 6
        whole = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        assert whole.startswith(kept)


@many
@given(values)
def test_a_value_has_one_hash_whether_it_is_remembered_or_not(value: Any) -> None:
    def hashes(of: Any) -> Any:
        tally = Tally()
        return hash_values({"p": of, "q": 1}, tally, ("p",), plain_sha256), tally.counts

    assert hashes(bounded(value)) == hashes(value)


@pytest.mark.parametrize("value", [None, True, 10**20_000, -1.5], ids=["null", "true", "int", "fl"])
def test_what_is_neither_text_nor_holds_any_is_never_cut(value: Any) -> None:
    assert bounded(value) is value
