"""One HTTP connection to the Track API."""

import logging
from collections.abc import Callable

import requests
from requests.auth import HTTPBasicAuth

from transforms.sink.answers import Answer

Credentials = Callable[[], tuple[str, str]]
"""Gives (site id, API key). Called on the worker, so that no key travels in the job. Of two that
are equal one may take the other's place, so compare by what they refer to."""

# Its warnings name the URL, and a v1 path holds the person.
logging.getLogger("urllib3").setLevel(logging.CRITICAL)

_HEADERS = {"Content-Type": "application/json", "User-Agent": "amplitude-customerio-stream"}


class _Session(requests.Session):
    """Also when told not to follow a redirect, requests parses its target, which may raise."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class TrackClient:
    """A kept-alive session. Not for two threads at once.

    `resolved`: what `credentials` gave already, so that clients made together ask for it once.
    """

    def __init__(
        self,
        endpoint: str,
        credentials: Credentials,
        timeout_s: float,
        resolved: tuple[str, str] | None = None,
    ) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._session = _Session()
        self._session.headers.update(_HEADERS)
        self._use(resolved or credentials())

    def post(self, path: str, body: bytes) -> Answer:
        """Sends one request. `path` is percent-encoded. Whatever goes wrong is an answer too."""
        session = self._session
        prepared = session.prepare_request(requests.Request("POST", self._endpoint, data=body))
        # Set whole: preparing a URL decodes %2E, and a person called ".." is then another path.
        prepared.url = self._endpoint + path
        options = session.merge_environment_settings(prepared.url, {}, None, None, None)
        try:
            response = session.send(
                prepared, timeout=self._timeout_s, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            return Answer(0, f"no answer: {type(error).__name__}".encode())
        return Answer(
            response.status_code,
            response.content,
            response.headers.get("Retry-After"),
            response.headers.get("Date"),
        )

    def renew_credentials(self) -> None:
        """Reads the credentials again, for a key that was changed while the job runs."""
        self._use(self._credentials())

    def _use(self, resolved: tuple[str, str]) -> None:
        site_id, api_key = resolved
        # As bytes: requests encodes text as Latin-1 and raises for all other characters.
        self._session.auth = HTTPBasicAuth(site_id.encode(), api_key.encode())

    def close(self) -> None:
        """Closes the connection."""
        self._session.close()
