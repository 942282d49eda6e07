"""Answers that aiohttp would not send: cut, slow, incomplete. Written straight to the transport."""

import asyncio
import socket
import struct
from http import HTTPStatus

from aiohttp import web

# SO_LINGER on with 0 seconds: close sends RST, not FIN.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def reset_connection(request: web.Request) -> web.Response:
    """Cut the connection with a RST; the response is for aiohttp only and reaches nobody."""
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response()


async def send_slowly(
    request: web.Request, answer: web.Response, *, size: int, bytes_per_second: float, head: bool
) -> web.Response:
    """Send a body of at least ``size`` bytes, byte after byte, and with ``head`` the head too.

    The connection is closed after it. It ends early when the sender leaves.
    """
    transport = request.transport
    body = _body(answer).rjust(size)
    announced = _head(answer, len(body))
    whole = announced + body
    sent = 0 if head else len(announced)
    if transport is not None:
        transport.write(whole[:sent])
    while transport is not None and sent < len(whole) and not transport.is_closing():
        await asyncio.sleep(1 / bytes_per_second)
        transport.write(whole[sent : sent + 1])
        sent += 1
    return _closed(request)


def send_cut(
    request: web.Request, answer: web.Response, *, missing: int, head: bool
) -> web.Response:
    """Send the answer with a length that is ``missing`` bytes too high, then close.

    With ``head`` only the status line and a part of the next one are sent.
    """
    body = _body(answer)
    announced = _head(answer, len(body) + missing)
    part = announced[: announced.index(b"\r\n") + 10] if head else announced + body
    if request.transport is not None:
        request.transport.write(part)
    return _closed(request)


def _closed(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.close()
    return web.Response()


def _body(answer: web.Response) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b""


def _head(answer: web.Response, length: int) -> bytes:
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        f"Content-Type: {answer.content_type}",
        f"Content-Length: {length}",
        "Connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode()
