"""The Track API as a function from a request to an answer; no sockets here."""

import base64
import binascii
import hmac
import re
from typing import Literal, NamedTuple

from pipeline.local.customerio import v1, v2
from pipeline.local.customerio.answers import Answer, plain_error
from pipeline.local.customerio.faults import ItemErrors
from pipeline.local.customerio.workspace import Workspace

Region = Literal["us", "eu"]

_CUSTOMER = re.compile(r"/api/v1/customers/([^/]+)(/events)?")
_FIXED = {
    "/api/v2/batch": "POST",
    "/api/v2/entity": "POST",
    "/api/v1/events": "POST",
    "/api/v1/accounts/region": "GET",
}


class Call(NamedTuple):
    """One request; ``path`` as it was sent: percent-encoded, without the query."""

    method: str
    path: str
    authorization: str
    body: bytes


class TrackApi:
    """Customer.io's Track API over one workspace.

    Served: POST /api/v2/batch, /api/v2/entity, /api/v1/events, /api/v1/customers/{id}/events,
    PUT /api/v1/customers/{id}, GET /api/v1/accounts/region. Credentials are looked at first, then
    the path, then the body.
    """

    def __init__(
        self,
        workspace: Workspace,
        site_id: str,
        api_key: str,
        region: Region = "us",
        all_invalid: v2.AllInvalid = 400,
    ) -> None:
        self._workspace = workspace
        self._credentials = f"{site_id}:{api_key}".encode()
        self._region = region
        self._all_invalid = all_invalid

    def answer(self, call: Call, forced: ItemErrors | None = None) -> Answer:
        """Judge a request and carry out what is valid in it."""
        if not self._authorized(call.authorization):
            return plain_error(401, "unauthorized")
        customer = _CUSTOMER.fullmatch(call.path)
        if customer:
            segment, events = customer.groups()
            return self._customer(call, segment, bool(events))
        if call.path not in _FIXED:
            return plain_error(404, "not found")
        if call.method != _FIXED[call.path]:
            return plain_error(405, f"method not allowed, use {_FIXED[call.path]}")
        match call.path:
            case "/api/v2/batch":
                return v2.batch(self._workspace, call.body, self._all_invalid, forced)
            case "/api/v2/entity":
                return v2.entity(self._workspace, call.body, forced)
            case "/api/v1/events":
                return v1.anonymous_event(self._workspace, call.body)
            case _:
                return v1.region(self._region)

    def _customer(self, call: Call, segment: str, events: bool) -> Answer:
        if events and call.method == "POST":
            return v1.customer_event(self._workspace, segment, call.body)
        if not events and call.method == "PUT":
            return v1.customer_identify(self._workspace, segment, call.body)
        return plain_error(405, f"method not allowed, use {'POST' if events else 'PUT'}")

    def _authorized(self, authorization: str) -> bool:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            sent = base64.b64decode(token, validate=True)
        except (binascii.Error, ValueError):
            return False
        return hmac.compare_digest(sent, self._credentials)
