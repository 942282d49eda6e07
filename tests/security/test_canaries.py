"""The search itself: whatever form a marked value takes, it is found."""

import base64
import bz2
import gzip
import html
import io
import json
import pickle
import zipfile
import zlib
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from apache_beam.internal import pickler

from tests.security.canaries import API_KEY, CANARIES, SITE_ID, Canary, found_in

Hide = Callable[[str], bytes]


def _zipped(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", text)
    return buffer.getvalue()


FORMS: dict[str, Hide] = {
    "as it is": str.encode,
    "in other letters": lambda text: text.upper().encode(),
    "half of it": lambda text: text[: len(text) // 2].encode(),
    "the other half": lambda text: text[len(text) // 2 :].encode(),
    "in a URL": lambda text: quote(text, safe="").encode(),
    "in a form": lambda text: quote_plus(text).encode(),
    "every byte with a percent sign": lambda text: "".join(
        f"%{b:02X}" for b in text.encode()
    ).encode(),
    "in JSON": lambda text: json.dumps({"x": text}).encode(),
    "in JSON in JSON": lambda text: json.dumps(json.dumps({"x": text})).encode(),
    "in HTML": lambda text: html.escape(text).encode(),
    "in base64": lambda text: base64.b64encode(text.encode()),
    "in base64 of a URL": lambda text: base64.urlsafe_b64encode(text.encode()).rstrip(b"="),
    "in base64, one byte further": lambda text: base64.b64encode(b"." + text.encode() + b"."),
    "in base64, two bytes further": lambda text: base64.b64encode(b".." + text.encode() + b".."),
    "in base64 behind a word": lambda text: b"Basic" + base64.b64encode(text.encode()),
    "in base64 of many lines": lambda text: base64.encodebytes(b"-" * 41 + text.encode()),
    "in base64 of many lines in JSON": lambda text: json.dumps(
        base64.encodebytes(b"-" * 41 + text.encode()).decode()
    ).encode(),
    "in base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())),
    "in hexadecimal": lambda text: text.encode().hex().encode(),
    "in gzip": lambda text: b"--" + gzip.compress(text.encode()),
    "in gzip that is cut off": lambda text: gzip.compress((text + " " * 999).encode())[:-10],
    "in zlib": lambda text: b"--" + zlib.compress(text.encode()),
    "in bzip2": lambda text: bz2.compress(text.encode()),
    "in a zip": _zipped,
    "in UTF-16": lambda text: text.encode("utf-16"),
    "in UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "in a pickle": lambda text: pickle.dumps({"x": [text]}),
    "in a pickle of Beam": lambda text: pickler.dumps(_keeper(text)),
    "in a pickle of Beam in JSON": lambda text: json.dumps(
        {"fn": pickler.dumps(_keeper(text)).decode()}
    ).encode(),
}


def _keeper(text: str) -> Callable[[], str]:
    return lambda: text


@pytest.mark.parametrize("canary", CANARIES, ids=lambda canary: canary.name)
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_canary_is_found_in_every_form(form: Hide, canary: Canary) -> None:
    packed = form(canary.value)
    assert found_in(b'before "' + packed + b'" after' if packed[:2] != b"PK" else packed) == [
        canary
    ]


def test_the_pair_of_credentials_is_found_as_it_stands_in_a_header() -> None:
    token = base64.b64encode(f"{SITE_ID.value}:{API_KEY.value}".encode())
    assert found_in(b"authorization: Basic " + token) == [SITE_ID, API_KEY]


def test_nothing_is_found_where_there_is_nothing() -> None:
    words = " ".join(canary.name for canary in CANARIES)
    assert found_in(gzip.compress(words.encode()) + words.encode()) == []
