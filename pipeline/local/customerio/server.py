"""The stand-in as a server: `CustomerIoStandIn`, on an event loop in a thread of its own."""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from email.utils import formatdate
from types import TracebackType
from typing import NamedTuple, Self

from aiohttp import web
from msgspec import structs

from pipeline.local.customerio.answers import Answer, accepted
from pipeline.local.customerio.api import Call, Region, TrackApi
from pipeline.local.customerio.by_hand import reset_connection, send_cut, send_slowly
from pipeline.local.customerio.faults import (
    Busy,
    Faults,
    Flood,
    Hang,
    ItemErrors,
    Reset,
    Respond,
    Trickle,
    Truncate,
    rate_limited,
    unavailable,
)
from pipeline.local.customerio.inspection import Inspection
from pipeline.local.customerio.records import RequestLine
from pipeline.local.customerio.v2 import AllInvalid
from pipeline.local.customerio.workspace import Workspace

# Far above every documented limit: the API itself has to say what is too large.
_MAX_BODY_BYTES = 64 * 1024 * 1024
_SHUTDOWN_S = 10.0
"""What is being answered when it stops may take so long."""


class CustomerIoStandIn:
    """Customer.io's Track API on this machine, with its rules, for tests and trials.

    ``port`` 0 takes a free one; a second `start` takes the same port again and keeps the
    workspace. ``latency_s`` passes before a request is looked at. ``all_invalid`` is the status
    for a batch without a valid item. ``keep_events`` bounds the events kept (None: all). ``clock``
    gives Unix seconds.
    """

    def __init__(
        self,
        site_id: str,
        api_key: str,
        host: str = "127.0.0.1",
        port: int = 0,
        region: Region = "us",
        latency_s: float = 0.0,
        all_invalid: AllInvalid = 400,
        keep_events: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.workspace = Workspace(clock, keep_events)
        self.faults = Faults()
        self._api = TrackApi(self.workspace, site_id, api_key, region, all_invalid)
        self._inspection = Inspection(self.workspace, self.faults, region)
        self._host = host
        self._port = port
        self._latency_s = latency_s
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    @property
    def url(self) -> str:
        """http://HOST:PORT, known from the first `start` on."""
        return f"http://{self._host}:{self._port}"

    def start(self) -> Self:
        """Listen. Raises OSError when the port is taken, RuntimeError when it runs already."""
        if self._thread is not None:
            raise RuntimeError(f"the Customer.io stand-in runs already at {self.url}")
        started: Future[int] = Future()
        thread = threading.Thread(
            target=self._run, args=(started,), name="customerio-stand-in", daemon=True
        )
        thread.start()
        self._port = started.result()
        self._thread = thread
        return self

    def stop(self) -> None:
        """Stop listening; requests that hang are let go. Does nothing when it does not run."""
        thread, loop = self._thread, self._loop
        if thread is None or loop is None:
            return
        self._thread = None
        self.faults.release()
        loop.call_soon_threadsafe(self._stopping.set)
        thread.join()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _run(self, started: Future[int]) -> None:
        try:
            asyncio.run(self._serve(started))
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    async def _serve(self, started: Future[int]) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        app.add_routes(self._inspection.routes())
        app.router.add_route("*", "/{path:.*}", self._handle)
        # A compressed body is not documented for the Track API: it is taken as it stands.
        runner = web.AppRunner(
            app, access_log=None, auto_decompress=False, shutdown_timeout=_SHUTDOWN_S
        )
        try:
            await runner.setup()
            await web.TCPSite(runner, self._host, self._port).start()
            started.set_result(runner.addresses[0][1])
            await self._stopping.wait()
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        received = time.monotonic()
        path = request.raw_path.partition("?")[0]
        try:
            body = await request.read()
        except ConnectionError:
            self.workspace.log(RequestLine(request.method, path, 0, 0, 0, received))
            return web.Response()
        call = Call(request.method, path, request.headers.get("Authorization", ""), body)
        if self._latency_s > 0:
            await asyncio.sleep(self._latency_s)
        reply = await self._reply(call)
        status = 0 if reply.response is None else reply.response.status
        self.workspace.log(
            RequestLine(call.method, call.path, reply.items, len(call.body), status, received)
        )
        return await _send(request, reply)

    async def _reply(self, call: Call) -> "_Reply":
        action = self.faults.take(call.method, call.path, call.body)
        match action or self.faults.excess(time.monotonic()):
            case Respond() as scripted:
                items = self._api.answer(call).items if scripted.apply else 0
                return _Reply(_scripted(scripted), items)
            case Reset(apply=True):
                return _Reply(None, self._api.answer(call).items)
            case Reset():
                return _Reply(None, 0)
            case Hang(seconds=seconds, apply_first=True):
                answer = self._api.answer(call)
                await self._hang(seconds)
                return _real(answer)
            case Hang(seconds=seconds):
                await self._hang(seconds)
                return _real(self._api.answer(call))
            case Trickle() | Truncate() as manner if manner.apply:
                return _real(self._api.answer(call))._replace(manner=manner)
            case Trickle() as manner:
                return _Reply(_scripted(unavailable()), 0, manner)
            case Truncate() as manner:
                return _real(accepted(0))._replace(manner=manner)
            case Flood(size=size):
                answer = self._api.answer(call)
                return _real(answer._replace(body=answer.body.rjust(size)))
            case Busy(seconds=seconds):
                date = formatdate(time.time() + seconds, usegmt=True)
                busy = structs.replace(rate_limited(None), headers={"Retry-After": date})
                return _Reply(_scripted(busy), 0)
            case ItemErrors() as forced:
                return _real(self._api.answer(call, forced))
            case None:
                return _real(self._api.answer(call))

    async def _hang(self, seconds: float | None) -> None:
        if seconds == 0:
            # Whoever waits until requests hang must not count one that goes on at once.
            return
        held = self.faults.hold()
        try:
            await asyncio.wait_for(asyncio.wrap_future(held), seconds)
        except TimeoutError:
            pass
        finally:
            self.faults.let_go(held)


class _Reply(NamedTuple):
    """What goes back (None: nothing, the connection is reset) and the items it was about.

    ``manner`` is how it is sent, if not as usual.
    """

    response: web.Response | None
    items: int
    manner: Trickle | Truncate | None = None


def _real(answer: Answer) -> _Reply:
    response = web.Response(status=answer.status, body=answer.body, content_type="application/json")
    return _Reply(response, answer.items)


def _scripted(action: Respond) -> web.Response:
    headers = {"Content-Type": action.content_type, **action.headers}
    return web.Response(status=action.status, headers=headers, body=action.body.encode())


async def _send(request: web.Request, reply: _Reply) -> web.StreamResponse:
    response, _, manner = reply
    if response is None:
        return reset_connection(request)
    match manner:
        case Trickle(bytes_per_second=pace, size=size, head=head):
            return await send_slowly(request, response, size=size, bytes_per_second=pace, head=head)
        case Truncate(missing=missing, head=head):
            return send_cut(request, response, missing=missing, head=head)
    return response
