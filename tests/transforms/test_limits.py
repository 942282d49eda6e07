"""Sizes: measured as Customer.io counts them, and no character cut in two."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import many
from transforms import limits
from transforms.limits import cut_to_bytes, value_bytes


def test_the_limits_are_those_of_the_track_api() -> None:
    assert limits.MAX_EVENT_NAME_BYTES == 100
    assert limits.MAX_EVENT_DATA_BYTES == 100_000
    assert limits.MAX_ATTRIBUTES == 300
    assert limits.MAX_ATTRIBUTE_NAME_BYTES == 150
    assert limits.MAX_ATTRIBUTE_VALUE_BYTES == 1_000
    assert limits.MAX_ITEM_BYTES == 32_000


@pytest.mark.parametrize(
    ("value", "size"),
    [
        pytest.param("", 0, id="empty"),
        pytest.param("abc", 3, id="text without its quotes"),
        pytest.param('"\n', 2, id="text without its escapes"),
        pytest.param("é", 2, id="two bytes"),
        pytest.param("€", 3, id="three bytes"),
        pytest.param("😀", 4, id="four bytes"),
        pytest.param(None, 4, id="null"),
        pytest.param(False, 5, id="false"),
        pytest.param(-12, 3, id="integer"),
        pytest.param(1.0, 3, id="float"),
        pytest.param([], 2, id="empty list"),
        pytest.param(["é", 1], 8, id="list"),
        pytest.param({"a": "\n"}, 10, id="object with its escapes"),
    ],
)
def test_value_bytes(value: Any, size: int) -> None:
    assert value_bytes(value) == size


_any_text = st.text(st.characters(codec="utf-8") | st.sampled_from('é€😀"\\\n\t\b\f\x7f\u2028/'))


@many
@given(st.lists(_any_text, max_size=4))
def test_what_is_measured_is_what_other_encoders_make_of_it(items: list[str]) -> None:
    encoded = json.dumps(items, ensure_ascii=False, separators=(",", ":")).encode()
    assert value_bytes(items) == len(encoded)


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        pytest.param("abc", 3, "abc", id="fits"),
        pytest.param("abcd", 3, "abc", id="one more"),
        pytest.param("éé", 3, "é", id="inside a character"),
        pytest.param("a😀", 4, "a", id="inside a character of four bytes"),
        pytest.param("a😀", 5, "a😀", id="behind it"),
        pytest.param("😀", 3, "", id="not even one"),
        pytest.param("", 3, "", id="empty"),
    ],
)
def test_cut_to_bytes(text: str, limit: int, cut: str) -> None:
    assert cut_to_bytes(text, limit) == cut


@many
@given(_any_text, st.integers(0, 20))
def test_a_cut_is_the_longest_beginning_that_fits(text: str, limit: int) -> None:
    cut = cut_to_bytes(text, limit)
    assert text.startswith(cut)
    assert len(cut.encode()) <= limit
    assert cut == text or len(text[: len(cut) + 1].encode()) > limit
