"""A server that accepts whatever is sent to it, in a process of its own: `Acceptor`.

It costs little, so that it is not what is measured, but it believes nobody: it reads each request
to its end and keeps the id of every event and the identifier of every person that was updated, so
that a row can say how many arrived, and how many twice.

It knows three requests of the Track API: a batch (v2), an event, and an identify (both v1).
"""

import asyncio
import math
import re
import time
from base64 import b64decode
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_AUTHORIZATION = re.compile(rb"(?i)\r\nauthorization: *basic *([^\r]+)")
_REQUEST_LINE = re.compile(rb"(\w+) (?:/api/v1/customers/([^/ ]+))?")
_BODY = b"{}"


def _answer(status: str, extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}"
    return f"{head}{extra}\r\n\r\n".encode() + _BODY


_OK = _answer("200 OK")
_TOO_MANY = _answer("429 Too Many Requests", "\r\nRetry-After: 1")


class _Item(msgspec.Struct):
    action: str = "event"
    id: str | None = None
    identifiers: dict[str, str] = {}


class _Batch(msgspec.Struct):
    batch: list[_Item]


class Seen(msgspec.Struct):
    """What arrived. Times are Unix seconds."""

    items: int
    """Operations in the requests that were accepted."""
    events: int
    """Different ones, by their ids."""
    people: int
    """Different ones of whom an identify came."""
    twice: int
    """Events that came once more."""
    accepted_at: list[float]
    """Of each request, in order."""
    refused_at: list[float]
    """Of each request that was answered 429."""
    arrivals: dict[str, float]
    """Event id -> when its request was answered; empty unless asked for."""
    senders: dict[str, int]
    """Site id -> operations that came with it; empty unless arrivals were asked for."""

    @property
    def requests(self) -> int:
        """Those accepted."""
        return len(self.accepted_at)


class Progress(NamedTuple):
    """How far it is."""

    events: int
    people: int
    requests: int


class _Server:
    def __init__(self, delay_s: float, *, arrivals: bool) -> None:
        self.delay_s = delay_s
        self.keep_arrivals = arrivals
        self.refuse_until = 0.0
        self.hold_from = math.inf
        self.reset()

    def reset(self) -> None:
        self.items = self.twice = 0
        self.ids: set[str] = set()
        self.people: set[str] = set()
        self.arrivals: dict[str, float] = {}
        self.senders: Counter[str] = Counter()
        self.accepted_at: list[float] = []
        self.refused_at: list[float] = []
        self.decode = msgspec.json.Decoder(_Batch).decode
        self.decode_one = msgspec.json.Decoder(_Item).decode

    def take(self, head: bytes, body: bytes) -> bytes:
        now = time.time()
        if now < self.refuse_until:
            self.refused_at.append(now)
            return _TOO_MANY
        items = self.operations(head, body)
        self.accepted_at.append(now)
        self.items += len(items)
        ids = []
        for item in items:
            if item.id is not None:
                ids.append(item.id)
            elif item.action == "identify":
                self.people.update(item.identifiers.values())
        before = len(self.ids)
        self.ids.update(ids)
        self.twice += before + len(ids) - len(self.ids)
        if self.keep_arrivals:
            for each in ids:
                self.arrivals.setdefault(each, now)
            self.senders[_site_id(head)] += len(items)
        return _OK

    def operations(self, head: bytes, body: bytes) -> list[_Item]:
        line = _REQUEST_LINE.match(head)
        assert line is not None
        method, person = line.groups()
        if person is None:
            return self.decode(body).batch
        if method == b"PUT":
            return [_Item("identify", None, {"id": unquote(person.decode())})]
        return [self.decode_one(body)]

    def seen(self) -> Seen:
        return Seen(
            self.items,
            len(self.ids),
            len(self.people),
            self.twice,
            self.accepted_at,
            self.refused_at,
            self.arrivals,
            dict(self.senders),
        )

    def progress(self) -> Progress:
        return Progress(len(self.ids), len(self.people), len(self.accepted_at))


def _site_id(head: bytes) -> str:
    """The user of a request's Basic authorization; empty where there is none."""
    found = _AUTHORIZATION.search(head)
    return b64decode(found[1]).decode().partition(":")[0] if found else ""


class _Connection(asyncio.Protocol):
    def __init__(self, server: _Server) -> None:
        self._server = server
        self._buffer = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(_HEAD_END)) >= 0:
            head = bytes(self._buffer[: end + 2])
            length = _LENGTH.search(head)
            assert length is not None
            start = end + len(_HEAD_END)
            size = int(length[1])
            if len(self._buffer) < start + size:
                return
            body = bytes(self._buffer[start : start + size])
            del self._buffer[: start + size]
            answer = self._server.take(head, body)
            if len(self._server.ids) >= self._server.hold_from:
                continue
            if self._server.delay_s:
                asyncio.get_running_loop().call_later(
                    self._server.delay_s, self._transport.write, answer
                )
            else:
                self._transport.write(answer)


async def _serve(pipe: Connection, server: _Server) -> None:
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: _Connection(server), "127.0.0.1", 0)
    pipe.send(listening.sockets[0].getsockname()[1])
    ended = asyncio.Event()

    def command() -> None:
        try:
            name, value = pipe.recv()
        except EOFError:
            # Whoever measured is gone.
            ended.set()
            return
        if name == "seen":
            pipe.send(server.seen())
        elif name == "progress":
            pipe.send(server.progress())
        elif name == "reset":
            server.reset()
            pipe.send(None)
        elif name == "refuse":
            server.refuse_until = time.time() + value
            pipe.send(None)
        elif name == "hold":
            server.hold_from = value
            pipe.send(None)
        else:
            ended.set()

    loop.add_reader(pipe.fileno(), command)
    await ended.wait()


def _main(pipe: Connection, delay_s: float, arrivals: bool) -> None:
    asyncio.run(_serve(pipe, _Server(delay_s, arrivals=arrivals)))


class Acceptor:
    """The server as seen from a row."""

    def __init__(self, pipe: Connection, pid: int) -> None:
        self._pipe = pipe
        self.pid = pid
        self.url = f"http://127.0.0.1:{pipe.recv()}"

    def seen(self) -> Seen:
        """What arrived since the start or the last `reset`."""
        seen: Seen = self._ask("seen")
        return seen

    def progress(self) -> Progress:
        """How far it is; cheaper than `seen`."""
        progress: Progress = self._ask("progress")
        return progress

    def reset(self) -> None:
        """Forgets what arrived."""
        self._ask("reset")

    def refuse(self, seconds: float) -> None:
        """Answers 429 for so long."""
        self._ask("refuse", seconds)

    def hold(self, events: float) -> None:
        """Takes, and never answers, the request that brings so many different events, and all that
        come behind it; infinity: none.
        """
        self._ask("hold", events)

    def _ask(self, name: str, value: float = 0.0) -> Any:
        self._pipe.send((name, value))
        return self._pipe.recv()


@contextmanager
def accepting(delay_s: float = 0.0, *, arrivals: bool = False) -> Iterator[Acceptor]:
    """Runs an acceptor; `delay_s`: how long it takes to answer."""
    ours, theirs = get_context("spawn").Pipe()
    process = get_context("spawn").Process(
        target=_main, args=(theirs, delay_s, arrivals), daemon=True
    )
    process.start()
    theirs.close()
    try:
        yield Acceptor(ours, process.pid or 0)
    finally:
        ours.send(("end", 0.0))
        process.join()
