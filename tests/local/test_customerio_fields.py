"""The stand-in's rules of single values: ULIDs, timestamps, sizes, and what JSON is."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.local.customerio.fields import attribute_size, is_ulid, seconds_or_none
from pipeline.local.customerio.wire import NotJsonError, decode

ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(ULID, True, id="upper"),
        pytest.param(ULID.lower(), True, id="lower"),
        pytest.param("7" + "Z" * 25, True, id="largest"),
        pytest.param("8" + "0" * 25, False, id="129-bits"),
        pytest.param("0" * 25, False, id="25-characters"),
        pytest.param("0" * 27, False, id="27-characters"),
        pytest.param("0" * 25 + "\n", False, id="newline"),
        pytest.param("0" * 26 + "\n", False, id="newline-behind"),
        pytest.param("0" * 25 + "ı", False, id="not-ascii"),
        *[pytest.param("0" * 25 + letter, False, id=letter) for letter in "ILOU-"],
    ],
)
def test_ulid(value: str, expected: bool) -> None:
    assert is_ulid(value) is expected


@settings(deadline=None)
@given(st.sampled_from("01234567"), st.text(CROCKFORD, min_size=25, max_size=25))
def test_every_crockford_text_of_128_bits_is_a_ulid(first: str, rest: str) -> None:
    assert is_ulid(first + rest)
    assert is_ulid((first + rest).lower())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(1_700_000_000, 1_700_000_000, id="seconds"),
        pytest.param(1_700_000_000_000, 1_700_000_000_000, id="milliseconds-read-as-seconds"),
        pytest.param(1.5, None, id="decimal"),
        pytest.param("1700000000", None, id="digits"),
        pytest.param(True, None, id="true"),
        pytest.param(None, None, id="null"),
        pytest.param([], None, id="list"),
    ],
)
def test_timestamps(value: object, expected: int | None) -> None:
    assert seconds_or_none(value) == expected


@pytest.mark.parametrize(
    ("value", "size"),
    [
        pytest.param("aé", 3, id="text-without-quotes"),
        pytest.param('"\n', 2, id="text-without-escapes"),
        pytest.param(12, 2, id="number"),
        pytest.param(None, 4, id="null"),
        pytest.param({"a": [1, 2]}, 11, id="compact-json"),
        pytest.param(10**40, 41, id="more-than-64-bits"),
    ],
)
def test_attribute_sizes(value: object, size: int) -> None:
    assert attribute_size(value) == size


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut"),
        pytest.param(b"NaN", id="nan"),
        pytest.param(b"[1e999]", id="infinite"),
        pytest.param(b'"\xff"', id="not-utf8"),
        pytest.param(b'"\\ud800x"', id="lone-surrogate"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b"{} {}", id="two-values"),
    ],
)
def test_not_json(raw: bytes) -> None:
    with pytest.raises(NotJsonError):
        decode(raw)
