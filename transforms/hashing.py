"""Hashing: a property's value -> SHA-256 in hexadecimal; with a salt, HMAC-SHA256 keyed with it."""

import hashlib
import hmac
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from transforms.properties import decimal_text
from transforms.resolve import identifiers_of

Salt = Callable[[], str]
"""Gives the salt. Called on the worker, so that no salt travels in the job. Two that are equal give
the same one, so compare by what they refer to."""
Digest = Callable[[str], str]
"""A text -> 64 hexadecimal digits."""


class UnhashableError(ValueError):
    """An object, or a list with an object in it, has no one text that could be hashed."""


def plain_sha256(text: str) -> str:
    """SHA-256 of the text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def salted_sha256(salt: Salt) -> Digest:
    """HMAC-SHA256 (RFC 2104) of a text's UTF-8 bytes, keyed with those of the salt.

    Raises what `salt` raises. A process reads a salt once: another one would give every person
    other hashes in the middle of a stream.
    """
    return partial(_salted, _keyed(salt))


@lru_cache
def _keyed(salt: Salt) -> hmac.HMAC:
    # The salt itself is not kept; and what is kept cannot be pickled.
    return hmac.new(salt().encode(), digestmod="sha256")


def _salted(keyed: hmac.HMAC, text: str) -> str:
    digest = keyed.copy()
    digest.update(text.encode())
    return digest.hexdigest()


def normalise(text: str) -> str:
    """What is hashed of a text: no white space around it, and e-mail addresses in lower case.

    So one address has one hash however it is written, and it is the one that ad platforms match
    (https://support.google.com/google-ads/answer/7476159). Any other text keeps its letters.
    """
    text = text.strip()
    return text.lower() if "@" in text and "email" in identifiers_of(text) else text


def hashed(value: Any, digest: Digest) -> Any:
    """A JSON value with every text, number and boolean in it hashed: a list item by item.

    Numbers are hashed as their decimal text, booleans as `true` and `false`. Null stays null, and a
    text of nothing but white space becomes the empty one: there is nothing to hide. Raises
    UnhashableError.
    """
    if type(value) is str:
        text = normalise(value)
        return digest(text) if text else ""
    if value is None:
        return None
    if type(value) is bool:
        return digest("true" if value else "false")
    if type(value) is list:
        return [hashed(item, digest) for item in value]
    if type(value) is dict:
        raise UnhashableError
    return digest(decimal_text(value))
