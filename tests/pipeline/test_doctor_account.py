"""Customer.io through the doctor's eyes, over real sockets: each trouble has its own line."""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from pipeline.doctor import check_account, check_clock
from pipeline.doctor.facts import REGION_PATH, Exchange, Facts
from pipeline.doctor.findings import Finding, Level
from pipeline.local.customerio import (
    CustomerIoStandIn,
    Hang,
    Reset,
    Trickle,
    html_page,
    rate_limited,
    redirect,
)
from pipeline.local.customerio.actions import Action
from tests.pipeline.doctor_world import API_KEY, SITE_ID, facts_of
from tests.security.certificates import authority, server_context
from tests.security.connect_proxy import ConnectProxy
from tests.security.quoting_server import QuotingServer
from tests.transforms.sink.raw_server import RawServer
from transforms.sink.answers import Answer


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE_ID)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", API_KEY)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def us() -> Iterator[CustomerIoStandIn]:
    """The American region, which knows the key pair."""
    with CustomerIoStandIn(SITE_ID, API_KEY) as server:
        yield server


@pytest.fixture
def eu() -> Iterator[CustomerIoStandIn]:
    """The European region, which does not."""
    with CustomerIoStandIn("another", "pair", region="eu") as server:
        yield server


def looked_at(facts: Facts) -> Finding:
    """The one finding about the account."""
    [finding] = check_account.check(facts)
    return finding


def at(tmp_path: Path, url: str, **settings: Any) -> Facts:
    return facts_of(tmp_path, settings, customerio_endpoint=url)


def test_a_key_pair_that_is_right(us: CustomerIoStandIn, tmp_path: Path) -> None:
    finding = looked_at(at(tmp_path, us.url + "/"))

    assert finding == Finding(
        Level.GREEN, f"{us.url} takes the key pair: region us, workspace 1", ""
    )
    [line] = us.workspace.requests()
    assert (line.method, line.path) == ("GET", REGION_PATH)


@pytest.mark.parametrize("name", ["CUSTOMERIO_SITE_ID", "CUSTOMERIO_API_KEY"])
def test_a_wrong_one(
    name: str,
    us: CustomerIoStandIn,
    eu: CustomerIoStandIn,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(name, "wrong-and-long")
    finding = looked_at(facts_of(tmp_path, hosts={"us": us.url, "eu": eu.url}))

    assert finding.level is Level.RED
    assert finding.found == f"{us.url} refuses the key pair (401)"
    assert "API credentials" in finding.do
    assert len(eu.workspace.requests()) == 1


def test_a_right_one_that_the_other_region_alone_knows(
    us: CustomerIoStandIn, eu: CustomerIoStandIn, tmp_path: Path
) -> None:
    # The pair belongs to the server that stands where the settings do not point.
    hosts = {"us": us.url, "eu": eu.url}
    finding = looked_at(facts_of(tmp_path, {"customerio": {"region": "eu"}}, hosts))

    assert finding.level is Level.RED
    assert finding.found == f"the key pair is right, but of region us, and {eu.url} is not"
    assert finding.do == "set customerio.region: us"


def test_a_right_one_of_the_other_region_that_both_know(tmp_path: Path) -> None:
    """As Customer.io documents it: the endpoint tells the region on either host."""
    with CustomerIoStandIn(SITE_ID, API_KEY, region="eu") as server:
        hosts = {"us": server.url, "eu": "http://127.0.0.1:9"}
        finding = looked_at(facts_of(tmp_path, hosts=hosts))
        by_endpoint = looked_at(facts_of(tmp_path, hosts=hosts, customerio_endpoint=server.url))
        behind_a_proxy = looked_at(at(tmp_path, server.url))

    assert finding.level is Level.RED
    assert finding.do == "set customerio.region: eu"
    assert by_endpoint.level is Level.RED
    assert "leave customerio.endpoint (--customerio_endpoint) out" in by_endpoint.do
    assert behind_a_proxy.level is Level.YELLOW
    assert behind_a_proxy.do.startswith("set customerio.region: eu")


def test_no_other_host_is_asked_where_an_endpoint_is_given(
    us: CustomerIoStandIn, eu: CustomerIoStandIn, tmp_path: Path
) -> None:
    # The other region would know the pair.
    hosts = {"us": "http://127.0.0.1:9", "eu": us.url}
    finding = looked_at(facts_of(tmp_path, hosts=hosts, customerio_endpoint=eu.url))

    assert finding.found == f"{eu.url} refuses the key pair (401)"
    assert us.workspace.requests() == []


@pytest.mark.parametrize(
    ("action", "level", "found", "do"),
    [
        pytest.param(rate_limited(), Level.YELLOW, "answers 429", "try again later", id="429"),
        pytest.param(html_page(503), Level.YELLOW, "answers 503", "try again later", id="503"),
        pytest.param(html_page(200), Level.RED, "is not Customer.io", "correct", id="a page"),
        pytest.param(html_page(403), Level.RED, "key pair (403)", "site_id", id="403"),
        pytest.param(html_page(404), Level.RED, "API (404)", "customerio.endpoint", id="404"),
        pytest.param(
            redirect("http://127.0.0.1:9/"), Level.RED, "redirects (302)", "correct", id="302"
        ),
        pytest.param(Reset(), Level.RED, "no answer: ProtocolError", "firewall", id="reset"),
        pytest.param(Hang(), Level.RED, "no answer within 0.3 s", "firewall", id="hang"),
        pytest.param(
            Trickle(head=True, bytes_per_second=20),
            Level.RED,
            "no answer within 0.3 s",
            "network",
            id="drip",
        ),
    ],
)
def test_what_an_endpoint_may_do_instead(
    action: Action, level: Level, found: str, do: str, us: CustomerIoStandIn, tmp_path: Path
) -> None:
    us.faults.next(action)
    facts = at(tmp_path, us.url, delivery={"request_timeout_s": 0.3 if "0.3" in found else 10})
    finding = looked_at(facts)

    assert finding.level is level
    assert found in finding.found
    assert do in finding.do


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"{}", id="no region"),
        pytest.param(b'{"region":"mars","environment_id":1}', id="another region"),
        pytest.param(b'{"region":"us","environment_id":"1"}', id="a workspace that is a text"),
        pytest.param(b'["us"]', id="an array"),
        pytest.param(b'{"region":"\xff"}', id="no UTF-8"),
        pytest.param(b"[" * 5_000, id="deep"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_200_that_is_not_the_track_apis(body: bytes, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with RawServer(head + body) as server:
        finding = looked_at(at(tmp_path, server.url))

    assert finding.level is Level.RED
    assert finding.found.endswith(" is not Customer.io's Track API (200)")


def test_nobody_listens(tmp_path: Path) -> None:
    # Bound, so that nobody else gets the port meanwhile.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        finding = looked_at(at(tmp_path, f"http://127.0.0.1:{bound.getsockname()[1]}"))

    assert finding.level is Level.RED
    assert "nothing listens there" in finding.do


def test_a_name_that_nobody_knows(tmp_path: Path) -> None:
    finding = looked_at(at(tmp_path, "https://track.invalid"))

    assert finding.found == "https://track.invalid: no answer: NameResolutionError"
    assert "DNS" in finding.do


@pytest.fixture
def tls(tmp_path: Path) -> Mapping[str, ssl.SSLContext]:
    return {
        "unknown": server_context(tmp_path, authority(tmp_path), "127.0.0.1"),
        "self": server_context(tmp_path, None, "127.0.0.1"),
    }


@pytest.mark.parametrize("signer", ["unknown", "self"])
def test_a_certificate_that_is_not_trusted(
    signer: str, tls: Mapping[str, ssl.SSLContext], tmp_path: Path
) -> None:
    with QuotingServer(tls=tls[signer]) as server:
        finding = looked_at(at(tmp_path, server.url))

    assert finding.found == f"{server.url}: no answer: SSLError"
    assert "REQUESTS_CA_BUNDLE" in finding.do
    assert server.requests == []


def test_a_proxy_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ConnectProxy(b"407 Proxy Authentication Required") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://company:passphrase@{proxy.address}")
        finding = looked_at(at(tmp_path, "https://127.0.0.1:9"))

    assert "ProxyError" in finding.found
    assert finding.do.startswith("check HTTPS_PROXY")
    assert "passphrase" not in str(finding)


@pytest.mark.parametrize("settings", [{"stauts": 1}, {"customerio": {"api_key": "${NOT_THERE}"}}])
def test_without_credentials_nobody_is_asked(
    settings: Mapping[str, Any], us: CustomerIoStandIn, tmp_path: Path
) -> None:
    facts = at(tmp_path, us.url, **settings)

    assert looked_at(facts).level is Level.YELLOW
    assert check_clock.check(facts)[0].level is Level.YELLOW
    assert us.workspace.requests() == []


def test_the_clock_by_the_answers_date(us: CustomerIoStandIn, tmp_path: Path) -> None:
    assert check_clock.check(at(tmp_path, us.url)) == [
        Finding(Level.GREEN, "this machine's clock is right")
    ]
    with RawServer(
        b"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\r\n"
    ) as server:
        [finding] = check_clock.check(at(tmp_path, server.url))
    assert finding.level is Level.RED
    assert "s fast" in finding.found


@pytest.mark.parametrize("date", [b"", b"Date: soon\r\n"], ids=["none", "unreadable"])
def test_no_date(date: bytes, tmp_path: Path) -> None:
    with RawServer(b"HTTP/1.1 200 OK\r\n" + date + b"Content-Length: 0\r\n\r\n") as server:
        [finding] = check_clock.check(at(tmp_path, server.url))

    assert finding.level is Level.YELLOW


TOLD_AT = 784_111_777
"""The date of the test below, Unix seconds."""


@pytest.fixture
def far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose zone is not UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("far_away")
@pytest.mark.parametrize(
    ("asked", "answered", "skew_s"),
    [
        pytest.param(-0.1, 0.9, 0, id="right"),
        pytest.param(0.9, 0.95, 0, id="within the second"),
        pytest.param(-20, 20, 0, id="somewhere in a slow answer"),
        pytest.param(31, 32, 30, id="fast"),
        pytest.param(-62, -60, -60, id="slow"),
    ],
)
@pytest.mark.parametrize("zone", ["GMT", "-0000"])
def test_how_far_off(asked: float, answered: float, skew_s: float, zone: str) -> None:
    answer = Answer(200, date=f"Sun, 06 Nov 1994 08:49:37 {zone}")
    exchange = Exchange(answer, TOLD_AT + asked, TOLD_AT + answered)

    assert check_clock.skew(exchange) == pytest.approx(skew_s)


@pytest.mark.parametrize(
    ("skew_s", "level"),
    [
        (0, Level.GREEN),
        (30, Level.GREEN),
        (-31, Level.YELLOW),
        (31, Level.YELLOW),
        (-301, Level.RED),
        (301, Level.RED),
    ],
)
def test_what_a_wrong_clock_means(skew_s: float, level: Level) -> None:
    assert check_clock.judge(skew_s).level is level
