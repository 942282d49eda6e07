"""The emulator as a gRPC server on a local port."""

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

import grpc

from pipeline.local.pubsub.broker import Broker, Traffic
from pipeline.local.pubsub.faults import PubSubFaults
from pipeline.local.pubsub.faulty import FaultyTraffic
from pipeline.local.pubsub.service import PublisherService, SubscriberService

DEFAULT_HOLD_S = 5.0
DEFAULT_THREADS = 32

_SERVER_OPTIONS = [
    # Size is judged by the service, which answers as Pub/Sub does; gRPC's own limit is 4 MB.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # Two emulators on one port would share its connections at random.
    ("grpc.so_reuseport", 0),
    # google-cloud-pubsub pings every 30 s, also while a pull is held; gRPC's default calls that
    # abuse after a few minutes and closes the connection.
    ("grpc.http2.min_ping_interval_without_data_ms", 1_000),
    ("grpc.http2.max_ping_strikes", 0),
]


class PubSubEmulator:
    """Serves a broker on ``host:port``; port 0 takes a free one.

    Args:
        host: the address to listen on; there is no authentication, so keep it a local one.
        port: the port, or 0 for any free one.
        broker: the broker to serve; a new, empty one by default.
        hold_s: seconds for which a pull without messages is held before it is answered empty.
        threads: size of the thread pool. Every held pull and every open streaming pull keeps one
            thread, so this must be larger than the number of clients that pull at the same time:
            otherwise their acknowledgements wait in line behind held pulls.
        faults: what goes wrong between the broker and the clients; nothing by default. The
            ``broker`` itself stays as it is: whoever asks it directly sees the truth.

    Stopping keeps the broker and the port: a later ``start`` listens there again, with all
    messages, as a server that was away for a while.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        broker: Broker | None = None,
        hold_s: float = DEFAULT_HOLD_S,
        threads: int = DEFAULT_THREADS,
        faults: PubSubFaults | None = None,
    ) -> None:
        self.broker = Broker() if broker is None else broker
        self._traffic: Traffic = (
            self.broker if faults is None else FaultyTraffic(self.broker, faults)
        )
        self._host = host
        self._port = port
        self._hold_s = hold_s
        self._threads = threads
        self._server: Any = None
        self._pool: ThreadPoolExecutor | None = None

    @property
    def address(self) -> str:
        """``HOST:PORT``, the value for PUBSUB_EMULATOR_HOST; the port is known after ``start``."""
        return f"{self._host}:{self._port}"

    def start(self) -> None:
        """Listen and serve in threads of its own.

        Raises:
            RuntimeError: it runs already, or nothing can listen on this address.
        """
        if self._server is not None:
            raise RuntimeError(f"The Pub/Sub emulator already listens on {self.address}.")
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="pubsub-emulator")
        handlers = (
            PublisherService(self.broker, self._traffic).handlers(),
            SubscriberService(self.broker, self._hold_s, self._traffic).handlers(),
        )
        server = grpc.server(pool, handlers=handlers, options=_SERVER_OPTIONS)
        try:
            self._port = server.add_insecure_port(self.address)
        except RuntimeError as error:
            pool.shutdown()
            raise RuntimeError(
                f"The Pub/Sub emulator cannot listen on {self.address}: is the port taken? "
                "Choose another one, or 0 for any free one."
            ) from error
        server.start()
        self._server, self._pool = server, pool

    def stop(self) -> None:
        """End every call at once, also held pulls, and wait until the threads are gone."""
        if self._server is None or self._pool is None:
            return
        self._server.stop(grace=None).wait()
        self._pool.shutdown()
        self._server = self._pool = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()
