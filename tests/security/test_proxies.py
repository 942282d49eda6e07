"""What may stand between us and Customer.io, or on our disk, and never gets the credentials."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.security.canaries import API_KEY, SITE_ID, found_in
from tests.security.certificates import authority, server_context
from tests.security.connect_proxy import ConnectProxy
from tests.security.quoting_server import TROUBLES, QuotingServer
from tests.transforms.sink.lane_under_test import TWO, LaneUnderTest, lane_to
from transforms.sink.lane import DeliveryError

PAIR = (SITE_ID.value, API_KEY.value)
QUIET: dict[str, Any] = {"troubles": {}}


@pytest.fixture(autouse=True)
def _no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server's certificate for this machine that is trusted."""
    signer = authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(signer.path))
    return server_context(tmp_path, signer, "127.0.0.1", "localhost")


def delivered(lane: LaneUnderTest) -> bool:
    receipts, _counts = lane.deliver(TWO)
    return [receipt.refused for receipt in receipts] == [None, None]


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_https_goes_through_a_companys_proxy(
    name: str, tls: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ConnectProxy() as proxy, QuotingServer(**QUIET, tls=tls) as server:
        monkeypatch.setenv(name, f"http://company:password@{proxy.address}")
        with lane_to(server.url, PAIR) as lane:
            assert delivered(lane)
    [head] = proxy.heads
    assert head.startswith(f"CONNECT 127.0.0.1:{server.port} HTTP/1.".encode())
    token = base64.b64encode(b"company:password").decode()
    assert f"Proxy-Authorization: Basic {token}".lower() in head.decode().lower()
    assert b"\r\nauthorization:" not in head.lower()
    assert proxy.carried
    assert found_in(head + proxy.carried) == []
    [request] = server.requests
    assert "Proxy-Authorization" not in request.headers
    assert found_in(request.headers["Authorization"].encode()) == [SITE_ID, API_KEY]


def test_no_proxy_is_honoured(tls: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with ConnectProxy() as proxy, QuotingServer(**QUIET, tls=tls) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with lane_to(server.url, PAIR) as lane:
            assert delivered(lane)
    assert proxy.heads == []


@pytest.mark.parametrize("refusal", [b"407 Proxy Authentication Required", b"403 Forbidden"])
def test_a_proxy_that_refuses_is_told_nothing(
    refusal: bytes, tls: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with ConnectProxy(refusal) as proxy, QuotingServer(**QUIET, tls=tls) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://company:password@{proxy.address}")
        with lane_to(server.url, PAIR, retry_for_s=2) as lane, pytest.raises(DeliveryError):
            lane.deliver(TWO)
    assert found_in(b"".join(proxy.heads)) == []
    assert server.requests == []
    assert "ProxyError" in caplog.text
    assert "password" not in caplog.text


def test_a_proxy_that_pretends_to_be_customerio_is_not_believed(
    tls: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A proxy that opens TLS needs its authority in REQUESTS_CA_BUNDLE, or gets nothing."""
    pretending = server_context(tmp_path, None, "127.0.0.1")
    with ConnectProxy() as proxy, QuotingServer(**QUIET, tls=pretending) as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{proxy.address}")
        with lane_to(server.url, PAIR, retry_for_s=2) as lane, pytest.raises(DeliveryError):
            lane.deliver(TWO)
    assert server.requests == []
    assert "SSLError" in caplog.text


@pytest.mark.parametrize("where", ["in the home directory", "by a variable"])
def test_netrc_never_takes_the_place_of_our_credentials(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login other password secret\ndefault login x password y\n")
    netrc.chmod(0o600)
    if where == "by a variable":
        monkeypatch.setenv("NETRC", str(netrc))
    else:
        monkeypatch.setenv("HOME", str(tmp_path))
    with QuotingServer(**QUIET) as server, lane_to(server.url, PAIR) as lane:
        assert delivered(lane)
    [request] = server.requests
    assert found_in(request.headers["Authorization"].encode()) == [SITE_ID, API_KEY]


def test_no_cookie_is_kept() -> None:
    setting = {"once": TROUBLES["307"], "twice": TROUBLES["307"]}
    with QuotingServer(setting) as server, lane_to(server.url, PAIR) as lane:
        assert delivered(lane)
    assert len(server.requests) == 3
    assert not any("Cookie" in request.headers for request in server.requests)
