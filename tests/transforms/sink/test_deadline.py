"""A whole exchange has one deadline, however its bytes come, and an answer has a largest size."""

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.transforms.sink.lane_under_test import PATIENT_S, credentials
from tests.transforms.sink.raw_server import RawServer
from transforms.sink.answers import Answer, Meaning, read_answer
from transforms.sink.client import MAX_ANSWER_BYTES, TrackClient
from transforms.sink.keyring import Keyring

PATH, BODY = "/api/v2/batch", b'{"batch":[]}'
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
CLOSES = HEAD.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
TIMEOUT_S = 0.3
DRIP_S = TIMEOUT_S / 10
"""Well within the socket's own time-out, which starts again with every byte."""


class Dripper:
    """Says `first` at once, and then a byte now and then until its peer has gone."""

    def __init__(self, first: bytes, drop: bytes) -> None:
        self._first, self._drop = first, drop
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self.peer_left = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Dripper":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection:
            try:
                connection.sendall(self._first)
                while not self._ended.wait(DRIP_S):
                    connection.sendall(self._drop)
            except OSError:
                self.peer_left.set()


@contextmanager
def client_of(url: str, timeout_s: float = TIMEOUT_S) -> Iterator[TrackClient]:
    client = TrackClient(url, Keyring(credentials), timeout_s)
    try:
        yield client
    finally:
        client.close()


@pytest.mark.parametrize(
    ("scheme", "first", "drop"),
    [
        pytest.param("http", HEAD, b" ", id="the body"),
        pytest.param(
            "http",
            CLOSES,
            b" ",
            id="the last body",
        ),
        pytest.param("http", HEAD.replace(b"1.1", b"1.0"), b" ", id="a body of HTTP/1.0"),
        pytest.param("http", b"HTTP/1.1 200 OK\r\n\r\n", b" ", id="a body without an end"),
        pytest.param("http", b"HTTP/1.1 200 OK\r\nX: ", b"x", id="a header"),
        pytest.param("http", b"", b"H", id="the first line"),
        pytest.param("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="100 Continue for ever"),
        pytest.param("https", b"\x16\x03\x03\x40\x00", b"\x02", id="the TLS handshake"),
    ],
)
def test_a_server_that_drips_holds_a_request_no_longer_than_the_deadline(
    scheme: str, first: bytes, drop: bytes
) -> None:
    with Dripper(first, drop) as server:
        host, port = server.address
        with client_of(f"{scheme}://{host}:{port}") as client:
            answer = client.post(PATH, BODY)

        assert answer == Answer(0, b"no answer within 0.3 s")
        assert read_answer(answer, 1).meaning is Meaning.RETRY
        # The connection is gone, not forgotten.
        assert server.peer_left.wait(120)


def test_the_next_request_has_a_deadline_and_a_connection_of_its_own() -> None:
    with Dripper(HEAD, b" ") as server, RawServer(OK, a_connection=3) as good:
        host, port = server.address
        with client_of(f"http://{host}:{port}") as client:
            assert client.post(PATH, BODY).status == 0
        with client_of(good.url, timeout_s=PATIENT_S) as client:
            for _ in range(3):
                assert client.post(PATH, BODY).status == 200


def test_connections_that_end_leave_nothing_open() -> None:
    closes = OK.replace(b"OK\r\n", b"OK\r\nConnection: close\r\n")
    with RawServer(closes) as server, client_of(server.url, timeout_s=PATIENT_S) as client:
        client.post(PATH, BODY)
        before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
        for _ in range(20):
            assert client.post(PATH, BODY).status == 200
        after = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0

    assert server.connections == 21
    assert after <= before + 1


def with_length(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", *headers, b"Content-Length: %d" % len(body)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(with_length(b" " * (MAX_ANSWER_BYTES + 1)), id="said"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (MAX_ANSWER_BYTES + 100_000), id="not said"
        ),
        pytest.param(
            with_length(gzip.compress(b" " * 50_000_000), b"Content-Encoding: gzip"),
            id="a gzip bomb",
        ),
    ],
)
def test_an_answer_that_is_too_large_is_none(raw: bytes) -> None:
    with RawServer(raw) as server, client_of(server.url, timeout_s=PATIENT_S) as client:
        answer = client.post(PATH, BODY)

    assert answer == Answer(0, f"no answer: over {MAX_ANSWER_BYTES} bytes".encode())


def test_the_largest_answer() -> None:
    body = b"{}" + b" " * (MAX_ANSWER_BYTES - 2)
    with (
        RawServer(with_length(body)) as server,
        client_of(server.url, timeout_s=PATIENT_S) as client,
    ):
        assert client.post(PATH, BODY) == Answer(200, body)


@pytest.mark.parametrize(
    ("coding", "body", "expected"),
    [
        pytest.param(b"gzip", gzip.compress(b'{"a":1}'), Answer(200, b'{"a":1}'), id="gzip"),
        pytest.param(b"deflate", zlib.compress(b'{"a":1}'), Answer(200, b'{"a":1}'), id="deflate"),
        pytest.param(b"identity", b'{"a":1}', Answer(200, b'{"a":1}'), id="identity"),
        pytest.param(
            b"gzip",
            gzip.compress(b'{"a":1}')[:-9],
            Answer(0, b"no answer: error"),
            id="gzip that ends early",
        ),
        pytest.param(
            b"br",
            b"\x0b\x02",
            Answer(0, b"no answer: it is compressed in a way that was not asked for"),
            id="another way",
        ),
    ],
)
def test_an_answer_that_somebody_compressed(coding: bytes, body: bytes, expected: Answer) -> None:
    raw = with_length(body, b"Content-Encoding: " + coding)
    with RawServer(raw) as server, client_of(server.url, timeout_s=PATIENT_S) as client:
        assert client.post(PATH, BODY) == expected

    assert b"Accept-Encoding: identity" in server.requests[0]


def test_no_cookie_is_kept() -> None:
    raw = with_length(b"{}", b"Set-Cookie: session=1; Path=/")
    with (
        RawServer(raw, a_connection=2) as server,
        client_of(server.url, timeout_s=PATIENT_S) as client,
    ):
        for _ in range(2):
            assert client.post(PATH, BODY).status == 200

    assert not any(b"cookie" in request.lower() for request in server.requests)
