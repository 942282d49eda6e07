"""A deadline for a whole exchange: connection cut when the answer is not complete in time.

A socket's own time-out starts again with every byte, so a server that sends a byte now and then
would hold its lane for ever.
"""

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool


class Wire:
    """The socket of a client, which a thread that watches may cut at the deadline."""

    def __init__(self) -> None:
        self.cut_at = math.inf
        """On the monotonic clock, seconds."""
        self.was_cut = False
        self._handle: socket.socket | None = None
        self._closed = False

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Cuts the connection when the block takes longer; `was_cut` says whether it did."""
        self.was_cut = False
        _WATCH.begin(self, time.monotonic() + seconds)
        try:
            yield
        finally:
            _WATCH.end(self)
            if self._closed:
                self._close()

    def attach(self, connected: socket.socket) -> None:
        """Takes note of a new connection.

        A duplicate of the socket: TLS takes the original away, and may be dripped at, too.
        """
        with _WATCH.lock:
            self._close()
            self._closed = False
            self._handle = connected.dup()
            if self.was_cut:
                self.cut()

    def close(self) -> None:
        """Takes note that the connection is closed.

        An answer may be read from it nevertheless: where no other one is to follow, the connection
        is closed with the answer's head, and its socket lives on until the body has come.
        """
        with _WATCH.lock:
            self._closed = True
            if self.cut_at == math.inf:
                self._close()

    def cut(self) -> None:
        """Ends the connection under whoever reads from it. Call it with the watch's lock."""
        self.was_cut = True
        if self._handle is not None:
            with suppress(OSError):
                self._handle.shutdown(socket.SHUT_RDWR)

    def _close(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None


class _Watch:
    """One thread a process, which sleeps until the next deadline."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._limited: set[Wire] = set()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def begin(self, wire: Wire, cut_at: float) -> None:
        with self.lock:
            wire.cut_at = cut_at
            self._limited.add(wire)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif cut_at < self._wakes_at:
                self._changed.notify()

    def end(self, wire: Wire) -> None:
        with self.lock:
            wire.cut_at = math.inf
            self._limited.discard(wire)

    def _run(self) -> None:
        with self.lock:
            while True:
                now = time.monotonic()
                for wire in [wire for wire in self._limited if wire.cut_at <= now]:
                    self._limited.discard(wire)
                    wire.cut()
                self._wakes_at = min((wire.cut_at for wire in self._limited), default=math.inf)
                self._changed.wait(None if self._wakes_at == math.inf else self._wakes_at - now)


_WATCH = _Watch()


class _Http(HTTPConnection):
    wire: Wire

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self.wire.attach(connected)
        return connected

    def close(self) -> None:
        super().close()
        self.wire.close()


class _Https(HTTPSConnection):
    wire: Wire

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self.wire.attach(connected)
        return connected

    def close(self) -> None:
        super().close()
        self.wire.close()


class WireAdapter(HTTPAdapter):
    """Opens the connections of one session, one at a time, on a wire."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._classes = {
            kind: type(kind.__name__, (kind,), {"wire": wire}) for kind in (_Http, _Https)
        }
        self._pool: HTTPConnectionPool | None = None

    def pool(
        self, request: PreparedRequest, *, verify: bool | str, cert: Any, proxies: Any
    ) -> HTTPConnectionPool:
        """The connections to the one host of all requests, as requests sets them up.

        Raises what requests raises, OSError for certificates that cannot be read among it.
        """
        if self._pool is None:
            pool: Any = self.get_connection_with_tls_context(request, verify, proxies, cert)
            read_certificates: Any = self.cert_verify
            read_certificates(pool, request.url or "", verify, cert)
            # An HTTPS pool is an HTTP pool, with another class of connections.
            pool.ConnectionCls = self._classes[_Https if pool.scheme == "https" else _Http]
            self._pool = pool
        return self._pool

    def close(self) -> None:
        super().close()
        self._pool = None
