"""A server that answers every request with the same bytes, whatever they are."""

import socket
import threading
from types import TracebackType
from typing import Self


class RawServer:
    """Answers `a_connection` requests and then closes the connection.

    `requests`: what came, raw. `connections`: how many there were.
    """

    def __init__(self, answer: bytes, a_connection: int = 1) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._answer = answer
        self._a_connection = a_connection
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, name="raw-server", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Only a shutdown wakes a thread that accepts.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                for _ in range(self._a_connection):
                    self.requests.append(_read_request(connection))
                    connection.sendall(self._answer)


def _read_request(connection: socket.socket) -> bytes:
    """One request with a Content-Length."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    [length] = [
        int(line.split(b":")[1])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    while len(body) < length:
        body += _more(connection)
    return head + b"\r\n\r\n" + body


def _more(connection: socket.socket) -> bytes:
    received = connection.recv(65_536)
    if not received:
        raise ConnectionError("the client left in the middle of a request")
    return received
