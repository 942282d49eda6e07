"""Hashing: which text of a value is hashed, with which key."""

import hashlib
import hmac
import itertools
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from apache_beam.internal import pickler
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import json_values, many
from transforms.hashing import (
    UnhashableError,
    hashed,
    normalise,
    plain_sha256,
    salted_sha256,
)


def marked(text: str) -> str:
    """Shows what was hashed, in the place of a hash."""
    return f"#{text}"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("+1 555 0100", "#+1 555 0100", id="a text as it is"),
        pytest.param("  Ada Lovelace\n", "#Ada Lovelace", id="no white space around it"),
        pytest.param(" Ada@Example.COM ", "#ada@example.com", id="an e-mail address in lower case"),
        pytest.param("Ada@Example", "#Ada@Example", id="no e-mail address"),
        pytest.param("É@Example.com", "#é@example.com", id="letters beyond ASCII"),
        pytest.param(" \t", "", id="nothing to hide"),
        pytest.param("EMPTY", "#EMPTY", id="EMPTY is a text like any other"),
        pytest.param(7, "#7", id="an integer"),
        pytest.param(7.0, "#7", id="a number without a fraction"),
        pytest.param(1e21, "#1000000000000000000000", id="no exponent"),
        pytest.param(-0.5, "#-0.5", id="a fraction"),
        pytest.param(True, "#true", id="true"),
        pytest.param(False, "#false", id="false"),
        pytest.param(None, None, id="null"),
        pytest.param(["a ", 1, None, ["b"]], ["#a", "#1", None, ["#b"]], id="a list, by item"),
        pytest.param([], [], id="an empty list"),
    ],
)
def test_the_text_that_is_hashed(value: Any, expected: Any) -> None:
    assert hashed(value, marked) == expected


@pytest.mark.parametrize("value", [{}, {"a": "b"}, ["a", {"b": 1}], [[{}]]])
def test_an_object_is_refused(value: Any) -> None:
    with pytest.raises(UnhashableError):
        hashed(value, marked)


@pytest.mark.parametrize(
    ("text", "digest"),
    [
        # FIPS 180-4's own examples.
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ],
)
def test_without_a_salt_it_is_sha_256(text: str, digest: str) -> None:
    assert plain_sha256(text) == digest


def test_with_a_salt_it_is_hmac_sha_256() -> None:
    # RFC 4231, test case 2.
    digest = salted_sha256(lambda: "Jefe")("what do ya want for nothing?")
    assert digest == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


@many
@given(st.text(min_size=1, max_size=200), st.text(st.characters(codec="utf-8"), max_size=50))
def test_every_salt_and_text_is_read_as_utf_8(salt: str, text: str) -> None:
    salt = salt.encode(errors="replace").decode()
    wanted = hmac.new(salt.encode(), text.encode(), hashlib.sha256).hexdigest()
    digest = salted_sha256(lambda: salt)
    assert digest(text) == digest(text) == wanted


class Counting:
    """A salt that counts how often it is read."""

    def __init__(self) -> None:
        self.reads = itertools.count()

    def __call__(self) -> str:
        return f"salt {next(self.reads)}"


def test_a_process_reads_a_salt_once() -> None:
    salt = Counting()
    assert salted_sha256(salt)("a") == salted_sha256(salt)("a")
    assert next(salt.reads) == 1


def test_a_salt_that_cannot_be_had_is_asked_for_again() -> None:
    answers: list[Callable[[], str]] = [lambda: "late"]

    def salt() -> str:
        if len(answers) == 1:
            answers.append(answers[0])
            raise LookupError("not yet")
        return answers[0]()

    with pytest.raises(LookupError, match="not yet"):
        salted_sha256(salt)
    assert salted_sha256(salt)("a") == salted_sha256(lambda: "late")("a")


@pytest.mark.parametrize("dumps", [pickle.dumps, pickler.dumps])
def test_what_holds_a_salt_does_not_pickle(dumps: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="cannot pickle"):
        dumps(salted_sha256(lambda: "secret"))


@many
@given(st.text())
def test_white_space_and_letters_of_an_address_make_no_difference(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text) == normalise(f" {text}\n")
    for address in (f"{name}@example.com" for name in text.split()[:1] if "@" not in name):
        assert normalise(address) == address.lower()


@many
@given(json_values())
def test_nothing_of_a_value_is_left_but_its_nulls_and_its_lists(value: Any) -> None:
    try:
        found = hashed(value, plain_sha256)
    except UnhashableError:
        assert _has_object(value)
        return
    assert not _has_object(value)
    assert _is_hashed(value, found)


def _has_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_object, value)))


def _is_hashed(value: Any, found: Any) -> bool:
    if value is None:
        return found is None
    if isinstance(value, list):
        return len(value) == len(found) and all(map(_is_hashed, value, found))
    if isinstance(value, str) and not value.strip():
        return bool(found == "")
    return len(found) == 64 and set(found) <= set("0123456789abcdef")
