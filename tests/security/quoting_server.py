"""A server that takes everything in the end, and before that quotes requests in all it says."""

import base64
import html
import json
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self

REFUSED, REFUSED_BY_INDEX, HELD = "refuse this", "refuse this one of the batch", "hold this"
"""Names of events that the server refuses, or does not answer until it is told to."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Seen(NamedTuple):
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    quoting: "QuotingServer"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.quoting.answer(self, body)

    def quote(self, body: bytes) -> str:
        """The request with its credentials, as a careless program writes it down."""
        token = self.headers["Authorization"]
        pair = base64.b64decode(token.removeprefix("Basic ")).decode()
        return f"Authorization: {token} ({pair}) POST {self.path} {body.decode()[:300]}"

    def say(
        self, status: int, body: str = "", kind: str = "application/json", **headers: str
    ) -> None:
        """Answers; header names with _ for -."""
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def raw(self, head: str, body: str = "") -> None:
        """Sends bytes as they are, and closes the connection."""
        self.wfile.write(head.encode() + b"\r\n\r\n" + body.encode())
        self.close_connection = True

    def reset(self) -> None:
        """Cuts the connection."""
        linger = socket.SO_LINGER
        self.connection.setsockopt(socket.SOL_SOCKET, linger, _RESET_ON_CLOSE)
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
        pass


def _error(quote: str, index: int | None = None) -> str:
    error = {"reason": quote, "field": quote, "message": quote}
    return json.dumps({"errors": [error if index is None else {"batch_index": index, **error}]})


Trouble = Callable[[_Handler, str, str], object]
"""Takes the handler, the request as quoted, and the URL of another host."""
_HEAD = "HTTP/1.1 200 OK"
TROUBLES: dict[str, Trouble] = {
    "401": lambda it, quote, _: it.say(401, f"<p>{html.escape(quote)}", "text/html"),
    "403": lambda it, quote, _: it.say(403, json.dumps({"meta": {"error": quote}})),
    "404": lambda it, quote, _: it.say(404, json.dumps({"meta": {"errors": [quote, quote]}})),
    "302": lambda it, quote, other: it.say(302, quote, Location=f"{other}/?{quote}"),
    "307": lambda it, quote, other: it.say(307, Location=other, Set_Cookie=f"who={quote}; Path=/"),
    "308 without Location": lambda it, quote, _: it.say(308, quote),
    "429": lambda it, quote, _: it.say(429, _error(quote), Retry_After=quote),
    "500": lambda it, quote, _: it.say(500, _error(quote), Date=quote),
    "503": lambda it, quote, _: it.say(503, f"<pre>{quote}</pre>", "text/html"),
    "200 with a page": lambda it, quote, _: it.say(200, f"<pre>{quote}</pre>", "text/html"),
    "200 with another coding": lambda it, quote, _: it.say(200, quote, Content_Encoding=quote),
    "200 with what is no gzip": lambda it, quote, _: it.say(200, quote, Content_Encoding="gzip"),
    "a reset": lambda it, _quote, _: it.reset(),
    "half an answer": lambda it, quote, _: it.raw(f"{_HEAD}\r\nContent-Length: 9999", quote),
    "no chunk": lambda it, quote, _: it.raw(f"{_HEAD}\r\nTransfer-Encoding: chunked", quote),
    "no header": lambda it, quote, _: it.raw(f"{_HEAD}\r\n{quote.replace(':', '')}", "{}"),
    "no status": lambda it, quote, _: it.raw(f"HTTP/1.1 {quote}"),
    "no HTTP": lambda it, quote, _: it.raw(quote),
}


class QuotingServer:
    """Gives each trouble in turn, one a request, and then takes everything that is not marked.

    `other`: the URL of another host, for redirects. `tls`: with a certificate, over TLS.
    `requests`: what came. `release`: what is held goes on.
    """

    def __init__(
        self,
        troubles: Mapping[str, Trouble] = TROUBLES,
        other: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.requests: list[Seen] = []
        self.held = threading.Event()
        self.release = threading.Event()
        self._troubles = deque(troubles.values())
        self._other = other
        handler = type("Handler", (_Handler,), {"quoting": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def troubles_left(self) -> int:
        """How many are still to come."""
        return len(self._troubles)

    def answer(self, handler: _Handler, body: bytes) -> None:
        """The answer to one request."""
        self.requests.append(Seen(handler.path, dict(handler.headers), body))
        quote = handler.quote(body).replace("\r", "").replace("\n", "")
        try:
            trouble = self._troubles.popleft()
        except IndexError:
            self._judge(handler, body, quote)
        else:
            trouble(handler, quote, self._other)

    def _judge(self, handler: _Handler, body: bytes, quote: str) -> None:
        content = json.loads(body)
        names = [item.get("name") for item in content.get("batch", [content])]
        if REFUSED in names:
            handler.say(400, _error(quote))
        elif REFUSED_BY_INDEX in names:
            handler.say(207, _error(quote, names.index(REFUSED_BY_INDEX)))
        else:
            if HELD in names:
                self.held.set()
                self.release.wait()
            handler.say(200, "{}")
