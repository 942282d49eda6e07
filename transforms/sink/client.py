"""One HTTP connection to the Track API."""

import zlib
from contextlib import closing
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth
from urllib3.exceptions import HTTPError, NewConnectionError
from urllib3.exceptions import TimeoutError as TimedOut
from urllib3.response import BaseHTTPResponse

from transforms.silence import silence
from transforms.sink.answers import Answer
from transforms.sink.deadline import Wire, WireAdapter
from transforms.sink.keyring import Keyring, without_credentials

MAX_ANSWER_BYTES = 4 * 1024 * 1024
"""A thousand refusals with their reasons take a tenth of it; what is larger is no answer."""

# They name the URL, in which a v1 path has the person, and quote what a server sends.
silence(
    "urllib3.connection",
    "urllib3.connectionpool",
    "urllib3.poolmanager",
    "urllib3.response",
    "urllib3.util.retry",
)

_HEADERS = {
    "Content-Type": "application/json",
    "User-Agent": "amplitude-customerio-stream",
    # Compressed answers save nothing here and can be bombs.
    "Accept-Encoding": "identity",
}


_HINTS = {
    "SSLError": "the certificate is not trusted or is for another host; a company's own CA goes "
    "into REQUESTS_CA_BUNDLE",
    "OSError": "a file that TLS needs cannot be read; see REQUESTS_CA_BUNDLE",
    "ProxyError": "the proxy does not take the connection; see HTTPS_PROXY and NO_PROXY",
}


class TrackClient:
    """A kept-alive connection. Not for two threads at once.

    `timeout_s`: after so many seconds a request is given up, its whole answer included. Proxies and
    certificate authorities are read off the environment once, here: that takes as long as sending.
    """

    def __init__(self, endpoint: str, keyring: Keyring, timeout_s: float) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._keyring = keyring
        self._timeout_s = timeout_s
        self._used = keyring.pair
        self._wire = Wire()
        self._adapter = WireAdapter(self._wire)
        with requests.Session() as session:
            session.headers.update(_HEADERS)
            # Without credentials of its own, requests would look for some in a .netrc file.
            request = requests.Request("POST", self._endpoint, auth=HTTPBasicAuth(b"", b""))
            self._request = session.prepare_request(request)
            options: Any = session.merge_environment_settings(self._endpoint, {}, True, None, None)
        self._options = {name: options[name] for name in ("verify", "cert", "proxies")}
        if not self._endpoint.lower().startswith("https:"):
            # Without TLS it goes to this machine alone: a proxy is another one, and would read it.
            self._options["proxies"] = {}
        self._root = urlsplit(self._endpoint).path

    def post(self, path: str, body: bytes) -> Answer:
        """Sends one request. `path` is percent-encoded. Whatever goes wrong is an answer too."""
        return self._exchange("POST", path, body)

    def get(self, path: str) -> Answer:
        """Asks for something that changes nothing; like `post` otherwise."""
        return self._exchange("GET", path, b"")

    def _exchange(self, method: str, path: str, body: bytes) -> Answer:
        self._used = site_id, api_key = self._keyring.pair
        request = self._request
        headers: Any = request.headers
        headers["Content-Length"] = str(len(body))
        # As bytes: requests encodes text as Latin-1 and raises for all other characters.
        HTTPBasicAuth(site_id.encode(), api_key.encode())(request)
        try:
            with self._wire.within(self._timeout_s):
                # By what requests sets up, not by requests: a session prepares all of it anew for
                # each request, and cookies, redirects and hooks are not wanted.
                response = self._adapter.pool(request, **self._options).urlopen(
                    method,
                    # As it is: preparing a URL decodes %2E, and a person called ".." is then
                    # another path.
                    self._root + path,
                    body,
                    headers,
                    retries=False,
                    redirect=False,
                    timeout=self._timeout_s,
                    preload_content=False,
                    decode_content=False,
                )
                with closing(response):
                    answer = _read(response)
        except (OSError, HTTPError, ValueError, zlib.error) as error:
            # ValueError: http.client's, of a chunk with a negative size for one.
            late = self._wire.was_cut or _timed_out(error)
            return self._late() if late else _no_answer(_explained(error))
        # A connection that is cut within the head looks like an answer without a body.
        return self._late() if self._wire.was_cut else answer

    def _late(self) -> Answer:
        return Answer(0, f"no answer within {self._timeout_s:g} s".encode())

    def redact(self, text: str) -> str:
        """A text of an answer, without the credentials that its request carried."""
        return without_credentials(text, self._used)

    def renew_credentials(self) -> str | None:
        """Reads the credentials again, for a key that was changed while the job runs.

        Returns why they could not be read, None otherwise.
        """
        return self._keyring.renew(self._used)

    def close(self) -> None:
        """Closes the connection."""
        self._adapter.close()


def _timed_out(error: Exception) -> bool:
    # urllib3 counts a refused connection among the time-outs.
    return isinstance(error, TimedOut) and not isinstance(error, NewConnectionError)


def _read(response: BaseHTTPResponse) -> Answer:
    """The answer, read up to its limit. Raises what requests, urllib3 and zlib raise."""
    body = b""
    # Up to an empty read: only that one finds out that an answer was cut off.
    while len(body) <= MAX_ANSWER_BYTES and (
        more := response.read(MAX_ANSWER_BYTES + 1 - len(body), decode_content=False)
    ):
        body += more
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding in ("gzip", "x-gzip", "deflate"):
        body = _inflate(body)
    elif coding not in ("identity", ""):
        return _no_answer("it is compressed in a way that was not asked for")
    if len(body) > MAX_ANSWER_BYTES:
        return _no_answer(f"over {MAX_ANSWER_BYTES} bytes")
    if response.status == HTTPStatus.OK and not body and not _has_length(response):
        return _no_answer("it ends within its head, or says nothing")
    return Answer(
        response.status,
        body,
        response.headers.get("Retry-After"),
        response.headers.get("Date"),
    )


def _has_length(response: BaseHTTPResponse) -> bool:
    """Whether the head says where the body ends. One that was cut off most likely does not."""
    return "Content-Length" in response.headers or "Transfer-Encoding" in response.headers


def _explained(error: Exception) -> str:
    """The kind of failure; never the exception's text, which names the person's path."""
    kind = type(error).__name__
    return f"{kind}: {_HINTS[kind]}" if kind in _HINTS else kind


def _no_answer(why: str) -> Answer:
    return Answer(0, f"no answer: {why}".encode())


def _inflate(body: bytes) -> bytes:
    """An answer that somebody on the way compressed nevertheless. Raises zlib.error."""
    # 32: whether it is gzip or zlib is read off its head.
    decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    inflated = decoder.decompress(body, MAX_ANSWER_BYTES + 1)
    if not decoder.eof and len(inflated) <= MAX_ANSWER_BYTES:
        raise zlib.error("the data ends early")
    return inflated
