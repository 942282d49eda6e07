"""A proxy as companies have them: CONNECT, and then bytes in both directions."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class ConnectProxy:
    """`heads`: the requests to the proxy itself. `carried`: what went through it to servers.

    `refusal`: answers this status line to every CONNECT, for example b"407 Proxy Authentication".
    """

    def __init__(self, refusal: bytes | None = None) -> None:
        self.heads: list[bytes] = []
        self.carried = b""
        self._refusal = refusal
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client:
            head = b""
            while b"\r\n\r\n" not in head and (more := client.recv(65_536)):
                head += more
            self.heads.append(head)
            if self._refusal is not None:
                client.sendall(b"HTTP/1.1 " + self._refusal + b"\r\nContent-Length: 0\r\n\r\n")
                return
            host, _, port = head.split(b" ")[1].decode().rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=_pump, args=(server, client), daemon=True)
                back.start()
                _pump(client, server, self._note)
                with suppress(OSError):
                    server.shutdown(socket.SHUT_WR)
                back.join()

    def _note(self, data: bytes) -> None:
        self.carried += data


def _pump(
    source: socket.socket, target: socket.socket, note: Callable[[bytes], None] = lambda _: None
) -> None:
    """Carries bytes until one of the two has left."""
    with suppress(OSError):
        while data := source.recv(65_536):
            note(data)
            target.sendall(data)
