"""One HTTP connection to the Track API."""

from collections.abc import Callable

import requests

from transforms.sink.answers import Answer

Credentials = Callable[[], tuple[str, str]]
"""Gives (site id, API key). Called on the worker, so that no key travels in the job."""

_HEADERS = {"Content-Type": "application/json", "User-Agent": "amplitude-customerio-stream"}


class TrackClient:
    """A kept-alive session. Not for two threads at once."""

    def __init__(self, endpoint: str, credentials: Credentials, timeout_s: float) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._credentials = credentials
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.headers.update(_HEADERS)
        self._session.auth = credentials()

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
        self._session.auth = self._credentials()

    def close(self) -> None:
        """Closes the connection."""
        self._session.close()
