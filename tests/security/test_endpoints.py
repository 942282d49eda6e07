"""Without TLS nothing leaves this machine, however the address is spelled.

The plain cases are in tests/pipeline/test_settings_model.py.
"""

import ipaddress
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from requests import Request

from pipeline.settings.model import CustomerIo


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://localhost@evil.example",
        "http://localhost:80@evil.example",
        "http://user:pass@localhost",
        "http://evil.example\\@localhost",
        "http://localhost%00.evil.example",
        "http://localhost%2eevil.example",
        "http://127.0.0.1%2eevil.example",
        "http://localhost,evil.example",
        "http://localhost。evil.example",
        "http://[::1]evil.example",
        "http://[::1].evil.example",
        "http://evil.example[::1]",
        "http://localhost\t.evil.example",
        "http://localhost\u200b.evil.example",
        # Spellings that some programs take for this machine and others for another one.
        "http://127.1",
        "http://2130706433",
        "http://0x7f000001",
        "http://0177.0.0.1",
        "http://0x7f.0.0.1",
        "http://127.0.0.1.",
        "http://localhost.",
        "http://[::ffff:127.0.0.1]",
        "http://[::127.0.0.1]",
        "http://[::1%25lo]",
        "http://0.0.0.0",
        "http://[::]",
        "http://１２７.0.0.1",
        "http://ⓛocalhost",
        "http:localhost",
        "http:///localhost",
        "//localhost",
        "HTTP://TRACK.CUSTOMER.IO",
        # No host that could be asked.
        "https://*.example.com",
        "https://a..example.com",
        "https://a%zz.example.com",
        "https://[v1.x]",
        "https://[::1]evil.example",
        f"https://{'a' * 64}.example.com",
    ],
)
def test_refused(url: str) -> None:
    with pytest.raises(ValidationError):
        CustomerIo(endpoint=url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("HTTP://LOCALHOST:1", "localhost"),
        ("http://127.255.255.254", "127.255.255.254"),
        ("http://[0:0:0:0:0:0:0:1]:9", "0:0:0:0:0:0:0:1"),
        ("HTTPS://Track.Customer.IO", "track.customer.io"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("https://10.0.0.1", "10.0.0.1"),
        ("https://[fe80::1]", "fe80::1"),
    ],
)
def test_accepted(url: str, host: str) -> None:
    endpoint = CustomerIo(endpoint=url).endpoint
    assert urlsplit(str(Request("POST", endpoint).prepare().url)).hostname == host


pieces = st.sampled_from(
    [
        *("http://", "HTTP://", "http:/", "localhost", "LOCALHOST", "127.0.0.1", "127.1", "[::1]"),
        *("[", "]", "::1", ".", "@", ":", "/", "\\", "%", "%40", "%2e", "#", "?", ";", ",", "。"),
        *("evil.example", "80", "0x7f.1", "\t", "\u200b", "℀", "⑩", "[::ffff:7f00:1]", "%25lo"),
    ]
)


@given(st.lists(pieces, min_size=1, max_size=6).map("".join))
@settings(max_examples=500, deadline=None)
def test_what_is_accepted_without_tls_goes_to_this_machine(rest: str) -> None:
    try:
        endpoint = CustomerIo(endpoint=f"http://{rest}").endpoint
    except ValidationError:
        return
    # The client that sends reads the address in its own way: that way counts.
    host = urlsplit(str(Request("POST", f"{endpoint}/api/v2/batch").prepare().url)).hostname or ""
    assert host == "localhost" or ipaddress.ip_address(host).is_loopback
