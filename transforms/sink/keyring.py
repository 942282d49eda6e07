"""The credentials of a process's lanes, read again when Customer.io refuses them."""

import math
import threading
import time
from base64 import b64encode
from collections.abc import Callable

Credentials = Callable[[], tuple[str, str]]
"""Gives (site id, API key). Called on the worker, so that no key travels in the job. Of two that
are equal one may take the other's place, so compare by what they refer to. What it raises when they
cannot be had is named in a log, so its text must not hold them."""

_AGAIN_AFTER_S = 1.0
_SHORTEST_SECRET = 6
"""Characters. What is shorter is no key, and would be found in texts by chance."""


class Keyring:
    """Holds what `credentials` gave. Raises what that raises, when it is made.

    All lanes share one, so that a refused key is not looked up by each of them.
    """

    def __init__(
        self, credentials: Credentials, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._credentials = credentials
        self._clock = clock
        self._lock = threading.Lock()
        self._renewed_at = -math.inf
        self.pair = credentials()
        """Site id and API key."""

    def renew(self, refused: tuple[str, str]) -> str | None:
        """Reads the credentials again unless somebody did just now, or other ones are here already.

        Returns why they could not be read, None otherwise; the ones at hand stay in use then.
        """
        with self._lock:
            now = self._clock()
            if self.pair != refused or now - self._renewed_at < _AGAIN_AFTER_S:
                return None
            self._renewed_at = now
            try:
                self.pair = self._credentials()
            except Exception as error:
                return str(error)
            return None


def without_credentials(text: str, pair: tuple[str, str]) -> str:
    """The text with the credentials in it, as they stand or as they are sent, made unreadable."""
    site_id, api_key = pair
    token = b64encode(f"{site_id}:{api_key}".encode()).decode()
    for secret in (token, api_key, site_id):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text
