"""Nothing is sent to a server that does not prove who it is."""

import logging
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.harness import SUBSCRIPTION, pub_sub
from tests.security.canaries import API_KEY, SITE_ID, found_in
from tests.security.certificates import Authority, authority, server_context
from tests.security.quoting_server import QuotingServer
from tests.security.watched import WatchedProgram
from tests.transforms.sink.lane_under_test import TWO, lane_to
from transforms.sink.lane import DeliveryError

PAIR = (SITE_ID.value, API_KEY.value)
QUIET: dict[str, Any] = {"troubles": {}}


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that is trusted."""
    signer = authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(signer.path))
    return signer


@pytest.fixture(autouse=True)
def _end_programs() -> Iterator[None]:
    yield
    WatchedProgram.end_all()


def refused(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Delivery fails, after retries, and the log says what to do."""
    with lane_to(url, PAIR, retry_for_s=5) as lane:
        with pytest.raises(DeliveryError, match="not delivered within 5 s; last answer: no answer"):
            lane.deliver(TWO)
        assert len(lane.time.slept) > 1
    [said] = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "SSLError" in said
    assert "REQUESTS_CA_BUNDLE" in said
    assert found_in(caplog.text.encode()) == []


def test_a_certificate_of_a_known_authority(known: Authority, tmp_path: Path) -> None:
    context = server_context(tmp_path, known, "127.0.0.1", "localhost")
    with QuotingServer(**QUIET, tls=context) as server, lane_to(server.url, PAIR) as lane:
        receipts, _counts = lane.deliver(TWO)
    assert [receipt.refused for receipt in receipts] == [None, None]
    [request] = server.requests
    assert found_in(request.headers["Authorization"].encode()) == [SITE_ID, API_KEY]


@pytest.mark.usefixtures("known")
def test_a_certificate_that_signed_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    context = server_context(tmp_path, None, "127.0.0.1")
    with QuotingServer(**QUIET, tls=context) as server:
        refused(server.url, caplog)
    assert server.requests == []


@pytest.mark.usefixtures("known")
def test_a_certificate_of_an_unknown_authority(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context = server_context(tmp_path, authority(tmp_path, "Another"), "127.0.0.1")
    with QuotingServer(**QUIET, tls=context) as server:
        refused(server.url, caplog)
    assert server.requests == []


@pytest.mark.parametrize(
    ("hosts", "days"),
    [
        pytest.param(("track.example",), 1, id="another host"),
        pytest.param(("*.0.0.1",), 1, id="a pattern for an address"),
        pytest.param(("127.0.0.2",), 1, id="another address"),
        pytest.param(("127.0.0.1",), -1, id="over since yesterday"),
    ],
)
def test_a_certificate_that_does_not_hold(
    hosts: tuple[str, ...],
    days: int,
    known: Authority,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    context = server_context(tmp_path, known, *hosts, days=days)
    with QuotingServer(**QUIET, tls=context) as server:
        refused(server.url, caplog)
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REQUESTS_CA_BUNDLE", ""),
        ("CURL_CA_BUNDLE", ""),
        ("PYTHONHTTPSVERIFY", "0"),
        ("SSL_CERT_FILE", "/dev/null"),
    ],
)
def test_no_variable_switches_the_check_off(
    name: str,
    value: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(name, value)
    context = server_context(tmp_path, None, "127.0.0.1")
    with QuotingServer(**QUIET, tls=context) as server:
        refused(server.url, caplog)
    assert server.requests == []


@pytest.mark.usefixtures("known")
def test_a_server_without_tls_is_told_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with QuotingServer(**QUIET) as server:
        refused(f"https://127.0.0.1:{server.port}", caplog)
    assert server.requests == []


def test_a_server_of_yesterdays_tls(
    known: Authority, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    context = server_context(tmp_path, known, "127.0.0.1")
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with QuotingServer(**QUIET, tls=context) as server:
        refused(server.url, caplog)
    assert server.requests == []


def test_nothing_is_lost_while_a_certificate_is_not_trusted(tmp_path: Path) -> None:
    """The program says what to do, keeps the message, and delivers once it is done."""
    signer = authority(tmp_path)
    context = server_context(tmp_path, signer, "127.0.0.1")
    settings = {"delivery": {"retry_for_s": 1}}
    with pub_sub() as broker, QuotingServer(**QUIET, tls=context) as server:
        broker.publish([b'{"event_type":"Song Played","user_id":"ada","time":1700000000}'])
        flags = (
            f"--input_subscription={SUBSCRIPTION}",
            f"--customerio_endpoint={server.url}",
            f"--dead_letter_files={tmp_path / 'letters' / 'bad'}",
        )
        emulator = {"PUBSUB_EMULATOR_HOST": broker.emulator.address}
        program = WatchedProgram(tmp_path / "first", settings, *flags, environment=emulator)
        program.wait_until_said("REQUESTS_CA_BUNDLE")
        program.terminate()
        assert program.wait() == 0, program.said()
        assert server.requests == []
        assert broker.broker.stats(SUBSCRIPTION).acked == 0

        trusting = emulator | {"REQUESTS_CA_BUNDLE": str(signer.path)}
        again = WatchedProgram(tmp_path / "again", settings, *flags, environment=trusting)
        broker.wait_for_acks(1)
        again.terminate()
        assert again.wait() == 0, again.said()
        assert len(server.requests) == 1
        assert broker.broker.stats(SUBSCRIPTION).acked == 1
    assert not list((tmp_path / "letters").glob("*"))
