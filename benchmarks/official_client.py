"""Peers: the official `customerio` client in a loop, by v1 calls and by v2 batches.

Without ULIDs, limits, retries of single items, order, dead letters or acknowledgements.
"""

import importlib
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from benchmarks.child import Pause
from benchmarks.inputs import Portion
from benchmarks.operation import ITEMS, operation
from benchmarks.settings import API_KEY, SITE_ID


class _WithoutTls(HTTPAdapter):
    """The official client speaks https only; the acceptor has no TLS, which spares the client."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        """Sends what was meant for https over http."""
        assert request.url is not None
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


def official_client(url: str) -> Any:
    """The `customerio` package's client, its connection kept alive, in front of a local server."""
    parts = urlsplit(url)
    package = importlib.import_module("customerio")
    client = package.CustomerIO(SITE_ID, API_KEY, host=parts.hostname, port=parts.port)
    client.http.mount("https://", _WithoutTls())
    return client


def one_by_one(pause: Pause, warm: Portion, portion: Portion, url: str) -> float:
    """The official client, a v1 call for each operation; seconds."""
    client = official_client(url)

    def deliver(lines: Iterable[bytes]) -> None:
        for line in lines:
            each = operation(line)
            person, attributes = each["identifiers"]["id"], each["attributes"]
            if each["action"] == "identify":
                client.identify(person, **attributes)
            else:
                client.track(person, each["name"], attributes, each["id"], each["timestamp"])

    return _timed(pause, lambda: deliver(warm.lines()), lambda: deliver(portion.lines()))


def in_batches(pause: Pause, warm: Portion, portion: Portion, url: str) -> float:
    """The official client, a v2 batch of a hundred operations at a time; seconds."""
    client = official_client(url)

    def deliver(lines: Iterator[bytes]) -> None:
        while some := [operation(line) for line in islice(lines, ITEMS)]:
            client.batch(some)

    return _timed(pause, lambda: deliver(warm.lines()), lambda: deliver(portion.lines()))


def _timed(pause: Pause, warm_up: Any, work: Any) -> float:
    warm_up()
    pause()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
