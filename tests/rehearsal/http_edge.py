"""What both fakes have in common: every request is kept, and none is answered without a token."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import NamedTuple

from tests.security.canaries import Canary, Kind

ACCESS_TOKEN = Canary(
    "access token",
    Kind.CREDENTIAL,
    "qz7AccessTokenx4w.middle.w5AccessTokeny8kj",
    ("qz7AccessTokenx4w", "w5AccessTokeny8kj"),
)
"""What the fake of Google's sign-in gives out; it may stand in an Authorization header alone."""


class Call(NamedTuple):
    """A request as it came, without its headers."""

    method: str
    path: str
    body: bytes


def take_body(handler: BaseHTTPRequestHandler) -> Call:
    """Reads the request's body, and leaves it to be read once more by whoever answers it."""
    # A body in chunks would be lost here without a word.
    assert "Transfer-Encoding" not in handler.headers, "a body in chunks is not expected"
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    handler.rfile = io.BytesIO(body)
    return Call(handler.command, handler.path, body)


def may_come_in(handler: BaseHTTPRequestHandler) -> bool:
    """Whether the request carries the token, as every request to a Google API has to."""
    return handler.headers.get("Authorization") == f"Bearer {ACCESS_TOKEN.value}"


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """Serves in a thread of its own; gives the base URL.

    The host is spelled localhost: by that word Beam takes REST, and no TLS, to reach Dataflow.
    """
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
