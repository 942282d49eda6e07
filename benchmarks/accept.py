"""A server that accepts whatever is sent to it, in a process of its own: `Acceptor`.

It costs little, so that it is not what is measured, but it believes nobody: it reads each request
to its end and keeps the id of every event, so that a row can say how many arrived, and how many
twice.
"""

import asyncio
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import msgspec

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_BODY = b"{}"


def _answer(status: str, extra: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}"
    return f"{head}{extra}\r\n\r\n".encode() + _BODY


_OK = _answer("200 OK")
_TOO_MANY = _answer("429 Too Many Requests", "\r\nRetry-After: 1")


class _Item(msgspec.Struct):
    action: str = "event"
    id: str | None = None


class _Batch(msgspec.Struct):
    batch: list[_Item]


class Seen(msgspec.Struct):
    """What arrived. Times are Unix seconds."""

    requests: int
    items: int
    events: int
    """Different ones, by their ids."""
    twice: int
    first_at: float
    last_at: float
    a_second: dict[int, int]
    """Second -> requests in it, those answered 429 included."""
    refused: int
    full: int
    """Requests with the most items that any request had."""
    arrivals: dict[str, float]
    """Event id -> when its request was answered; empty unless asked for."""


class _Server:
    def __init__(self, delay_s: float, *, arrivals: bool) -> None:
        self.delay_s = delay_s
        self.keep_arrivals = arrivals
        self.refuse_until = 0.0
        self.reset()

    def reset(self) -> None:
        self.requests = self.items = self.twice = self.refused = 0
        self.sizes: Counter[int] = Counter()
        self.ids: set[str] = set()
        self.arrivals: dict[str, float] = {}
        self.first_at = self.last_at = 0.0
        self.a_second: defaultdict[int, int] = defaultdict(int)
        self.decode = msgspec.json.Decoder(_Batch).decode
        self.decode_one = msgspec.json.Decoder(_Item).decode

    def take(self, head: bytes, body: bytes) -> bytes:
        now = time.time()
        self.a_second[int(now)] += 1
        if now < self.refuse_until:
            self.refused += 1
            return _TOO_MANY
        batched = b" /api/v2/batch " in head[: head.index(b"\r\n") + 1]
        items = self.decode(body).batch if batched else [self.decode_one(body)]
        self.first_at = self.first_at or now
        self.last_at = now
        self.requests += 1
        self.items += len(items)
        self.sizes[len(items)] += 1
        before = len(self.ids)
        ids = [item.id for item in items if item.id is not None]
        self.ids.update(ids)
        self.twice += before + len(ids) - len(self.ids)
        if self.keep_arrivals:
            for each in ids:
                self.arrivals.setdefault(each, now)
        return _OK

    def seen(self) -> Seen:
        return Seen(
            self.requests,
            self.items,
            len(self.ids),
            self.twice,
            self.first_at,
            self.last_at,
            dict(self.a_second),
            self.refused,
            self.sizes[max(self.sizes, default=0)],
            self.arrivals,
        )


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
        name, value = pipe.recv()
        if name == "seen":
            pipe.send(server.seen())
        elif name == "reset":
            server.reset()
            pipe.send(None)
        elif name == "refuse":
            server.refuse_until = time.time() + value
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

    def reset(self) -> None:
        """Forgets what arrived."""
        self._ask("reset")

    def refuse(self, seconds: float) -> None:
        """Answers 429 for so long."""
        self._ask("refuse", seconds)

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
