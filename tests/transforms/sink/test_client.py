"""One request over a real connection: what leaves, and what comes back when things go wrong."""

import base64
import socket

import msgspec
import pytest

from pipeline.local.customerio import CustomerIoStandIn, Hang, Reset
from tests.transforms.sink.lane_under_test import API_KEY, PATIENT_S, SITE_ID, credentials
from tests.transforms.sink.raw_server import RawServer
from transforms.sink.answers import Answer, Meaning, read_answer
from transforms.sink.client import TrackClient
from transforms.sink.keyring import Keyring

OK = b"HTTP/1.1 200 OK\r\n"
BODY = b'{"batch":[]}'


def test_a_request_as_it_leaves() -> None:
    with RawServer(OK + b"Content-Length: 2\r\n\r\n{}") as server:
        client = TrackClient(server.url + "/", Keyring(credentials), PATIENT_S)
        answer = client.post("/api/v1/customers/%2E%2E/a%2Fb%25/events", BODY)
        client.close()

    assert (answer.status, answer.body) == (200, b"{}")
    [request] = server.requests
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert first == "POST /api/v1/customers/%2E%2E/a%2Fb%25/events HTTP/1.1"
    assert body == BODY
    token = base64.b64encode(f"{SITE_ID}:{API_KEY}".encode()).decode()
    assert f"Authorization: Basic {token}" in lines
    assert headers["content-type"] == "application/json"
    assert headers["connection"] == "keep-alive"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x00\xff\r\n\r\n", id="no HTTP"),
        pytest.param(b"HTTP/1.1 9 x\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="only 100 Continue"),
        pytest.param(OK, id="a head without an end"),
        pytest.param(OK + b"Content-Type: application/json\r\nConte", id="half a head"),
        pytest.param(OK + b"Content-Length: 10\r\n\r\n{}", id="cut off"),
        pytest.param(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", id="two lengths"),
        pytest.param(OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", id="no gzip"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", id="no chunk"),
        pytest.param(
            OK + b"Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n", id="a chunk of -2 bytes"
        ),
        pytest.param(OK + b"A: b\r\n" * 200 + b"\r\n", id="too many headers"),
        pytest.param(OK + b"A: " + b"a" * 70_000 + b"\r\n\r\n", id="a header without an end"),
    ],
)
def test_what_is_no_answer_is_one_of_status_0(raw: bytes) -> None:
    with RawServer(raw) as server:
        client = TrackClient(server.url, Keyring(credentials), PATIENT_S)
        answer = client.post("/api/v2/batch", BODY)
        client.close()

    assert answer.status == 0
    assert answer.body.startswith(b"no answer: ")
    assert read_answer(answer, 1).meaning is Meaning.RETRY


@pytest.mark.parametrize(
    "location",
    [
        pytest.param(b"http://127.0.0.1:1/", id="an address"),
        pytest.param(b"/elsewhere", id="a path"),
        pytest.param(b"http://", id="no host"),
        pytest.param(b"http://[x", id="no such address"),
        pytest.param(b"http://a:99999999/", id="no such port"),
        pytest.param(b"http://\xff\xfe/", id="not UTF-8"),
        pytest.param(b"", id="nothing"),
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_wherever_it_leads(status: int, location: bytes) -> None:
    raw = b"HTTP/1.1 %d x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, location)
    with RawServer(raw) as server:
        client = TrackClient(server.url, Keyring(credentials), PATIENT_S)
        answer = client.post("/api/v2/batch", BODY)
        client.close()

    assert answer == Answer(status)
    assert len(server.requests) == 1


def test_the_headers_that_say_how_long_to_wait() -> None:
    with RawServer(
        b"HTTP/1.1 429 x\r\nretry-after: 7\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        b"Content-Length: 0\r\n\r\n"
    ) as server:
        client = TrackClient(server.url, Keyring(credentials), PATIENT_S)
        answer = client.post("/api/v2/batch", BODY)
        client.close()

    assert answer == Answer(429, b"", "7", "Sun, 06 Nov 1994 08:49:37 GMT")


def test_nobody_listens() -> None:
    # Bound, so that nobody else gets the port meanwhile.
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        client = TrackClient(
            f"http://127.0.0.1:{bound.getsockname()[1]}", Keyring(credentials), PATIENT_S
        )

        assert client.post("/api/v2/batch", BODY) == Answer(0, b"no answer: NewConnectionError")


def test_an_answer_that_does_not_come_in_time(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Hang())
    client = TrackClient(stand_in.url, Keyring(credentials), 0.05)

    assert client.post("/api/v2/batch", BODY) == Answer(0, b"no answer within 0.05 s")
    client.close()


def test_a_reset(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Reset())
    client = TrackClient(stand_in.url, Keyring(credentials), PATIENT_S)

    assert client.post("/api/v2/batch", BODY) == Answer(0, b"no answer: ProtocolError")
    client.close()


def test_one_connection_serves_many_requests() -> None:
    with RawServer(OK + b"Content-Length: 2\r\n\r\n{}", a_connection=3) as server:
        client = TrackClient(server.url, Keyring(credentials), PATIENT_S)
        for _ in range(3):
            assert client.post("/api/v2/batch", BODY).status == 200
        client.close()

    assert server.connections == 1


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(("site", "key:with:colons"), id="colons"),
        pytest.param(("site", "clé"), id="within Latin-1"),
        pytest.param(("site", "“key”"), id="outside Latin-1"),
    ],
)
def test_any_credentials_can_be_sent(pair: tuple[str, str]) -> None:
    with CustomerIoStandIn(*pair) as stand_in:
        client = TrackClient(stand_in.url, Keyring(lambda: pair), PATIENT_S)
        answer = client.post("/api/v2/batch", BODY)
        client.close()

    # Not 401: the server looked at the body.
    assert answer.status == 400


def test_credentials_are_read_once_and_again_when_asked_to(stand_in: CustomerIoStandIn) -> None:
    pairs = iter([("old", "old"), (SITE_ID, API_KEY)])
    client = TrackClient(stand_in.url, Keyring(lambda: next(pairs)), PATIENT_S)

    assert client.post("/api/v2/batch", BODY).status == 401
    assert client.post("/api/v2/batch", BODY).status == 401
    client.renew_credentials()
    assert client.post("/api/v2/batch", BODY).status == 400
    client.close()


def test_credentials_are_taken_out_of_what_a_server_says() -> None:
    pair = ("site-0123456789", "key-0123456789")
    token = base64.b64encode(":".join(pair).encode()).decode()
    client = TrackClient("http://127.0.0.1:1", Keyring(lambda: pair), PATIENT_S)
    quoted = f"you sent Authorization: Basic {token}, that is {pair[0]} and {pair[1]}"

    assert client.redact(quoted) == "you sent Authorization: Basic ***, that is *** and ***"
    raw = msgspec.json.encode({"errors": [{"batch_index": 0, "message": quoted}]})
    verdict = read_answer(Answer(207, raw), 1, client.redact)
    assert verdict.refused == {0: "you sent Authorization: Basic ***, that is *** and ***"}
    raw = msgspec.json.encode({"meta": {"error": "x" * 490 + pair[1]}})
    assert pair[1][:4] not in read_answer(Answer(400, raw), 1, client.redact).detail
    client.close()


def test_what_is_too_short_for_a_key_is_left_in_a_text() -> None:
    client = TrackClient("http://127.0.0.1:1", Keyring(lambda: ("a", "b")), PATIENT_S)

    assert client.redact("a bad one") == "a bad one"
    client.close()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_what_goes_without_tls_goes_through_no_proxy(
    name: str, stand_in: CustomerIoStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(OK + b"Content-Length: 2\r\n\r\n{}") as proxy:
        for other in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(other, raising=False)
        monkeypatch.setenv(name, proxy.url)
        client = TrackClient(stand_in.url, Keyring(credentials), PATIENT_S)
        answer = client.post("/api/v2/batch", BODY)
        client.close()

    assert proxy.requests == []
    assert answer.status == 400


def test_a_bundle_of_certificates_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/company.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = TrackClient(
            f"https://127.0.0.1:{listener.getsockname()[1]}", Keyring(credentials), PATIENT_S
        )
        answer = client.post("/api/v2/batch", BODY)
        client.close()

    assert answer.status == 0
    assert answer.body == (
        b"no answer: OSError: a file that TLS needs cannot be read; see REQUESTS_CA_BUNDLE"
    )
