"""What other processes may ask the stand-in, under /_standin/, and its activity page at /."""

from typing import Any

import msgspec
from aiohttp import web

from pipeline.local.customerio.faults import Faults, Script
from pipeline.local.customerio.page import Page
from pipeline.local.customerio.wire import encode
from pipeline.local.customerio.workspace import Workspace

_DEFAULT_LIMIT = 100
_MOST_WANTED = 200
"""Characters of a filter."""


class Inspection:
    """Handlers over a workspace and its faults. No credentials: it listens to this machine."""

    def __init__(self, workspace: Workspace, faults: Faults, region: str) -> None:
        self._workspace = workspace
        self._faults = faults
        self._page = Page(region)

    def routes(self) -> list[web.RouteDef]:
        """GET / and the /_standin/ resources."""
        return [
            web.get("/", self._index),
            web.get("/_standin/activity", self._activity),
            web.get("/_standin/summary", self._summary),
            web.get("/_standin/people", self._people),
            web.get("/_standin/events", self._events),
            web.get("/_standin/dump", self._dump),
            web.post("/_standin/faults", self._script),
        ]

    async def _index(self, request: web.Request) -> web.Response:
        return web.Response(
            text=self._page.whole(self._workspace, _wanted(request)),
            content_type="text/html",
            headers=self._page.headers,
        )

    async def _activity(self, request: web.Request) -> web.Response:
        return web.Response(
            text=self._page.activity(self._workspace, _wanted(request)),
            content_type="text/html",
            headers=self._page.headers,
        )

    async def _summary(self, _request: web.Request) -> web.Response:
        return _json(
            {
                **self._workspace.summary(),
                "pending_faults": self._faults.pending(),
                "injected_faults": self._faults.injected(),
            }
        )

    async def _people(self, request: web.Request) -> web.Response:
        return _json(self._workspace.people(_limit(request)))

    async def _events(self, request: web.Request) -> web.Response:
        return _json(self._workspace.events(_limit(request)))

    async def _dump(self, _request: web.Request) -> web.Response:
        return _json(
            {
                "summary": self._workspace.summary(),
                "people": self._workspace.people(),
                "events": self._workspace.events(),
                "objects": self._workspace.objects(),
                "rejections": self._workspace.rejections(),
                "requests": self._workspace.requests(),
            }
        )

    async def _script(self, request: web.Request) -> web.Response:
        try:
            script = msgspec.json.decode(await request.read(), type=Script)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            return _json({"error": f"no fault script: {error}"}, 400)
        self._faults.run(script)
        return _json({"pending_faults": self._faults.pending()})


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=encode(value),
        content_type="application/json",
        headers={"X-Content-Type-Options": "nosniff"},
    )


def _wanted(request: web.Request) -> str:
    """What the activity page is filtered by; empty for nothing."""
    return request.query.get("filter", "").strip()[:_MOST_WANTED]


def _limit(request: web.Request) -> int:
    """The newest how many; 100 unless told. Raises HTTPBadRequest for anything but a count."""
    text = request.query.get("limit", str(_DEFAULT_LIMIT))
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise web.HTTPBadRequest(text=f"limit must be a whole number, not {text[:20]!r}")
    return int(text)
