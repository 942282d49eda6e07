"""Other ways to the same place: each takes the same file to the same acceptor, in a process of its
own on one core, with the same decoding and picking.

What they leave out: ULIDs, limits, retries of single items, order, dead letters, acknowledgement.
"""

import importlib
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import apache_beam as beam
import msgspec
import requests
from apache_beam.io.requestresponse import Caller, RequestResponseIO
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from requests.adapters import HTTPAdapter

from benchmarks.child import Pause
from benchmarks.inputs import Portion
from benchmarks.records import USER_UPDATE
from benchmarks.settings import (
    API_KEY,
    EVENT_PROPERTIES,
    PERSON_PROPERTIES,
    PLAIN_PROPERTIES,
    SITE_ID,
)

ITEMS = 100
"""Operations a batch."""
Operation = dict[str, Any]


def operation(line: bytes) -> Operation:
    """What a record becomes, as a plain dictionary in the v2 shape."""
    fields = msgspec.json.decode(line)
    person = fields["user_properties"]
    at = datetime.fromisoformat(fields["event_time"]).replace(tzinfo=UTC)
    common = {
        "type": "person",
        "identifiers": {"id": fields["user_id"]},
        "timestamp": int(at.timestamp()),
    }
    if fields["event_type"] == USER_UPDATE:
        attributes = {name: person[name] for name in PERSON_PROPERTIES if name in person}
        return common | {"action": "identify", "attributes": attributes}
    properties = fields["event_properties"]
    attributes = {name: person[name] for name in PLAIN_PROPERTIES if name in person}
    attributes |= {name: properties[name] for name in EVENT_PROPERTIES if name in properties}
    return common | {
        "action": "event",
        "name": fields["event_type"],
        "id": fields["$insert_id"],
        "attributes": attributes,
    }


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


class _Batch(Caller[list[Operation], list[int]]):
    """One HTTP request of a batch, for RequestResponseIO."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api/v2/batch"

    def __enter__(self) -> "_Batch":
        """Opens a session."""
        self._session = requests.Session()
        self._session.auth = (SITE_ID, API_KEY)
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self._session.close()

    def __call__(self, request: list[Operation], *_args: Any, **_kwargs: Any) -> list[int]:
        """Sends a batch; the answer's status."""
        answer = self._session.post(self._url, data=msgspec.json.encode({"batch": request}))
        answer.raise_for_status()
        return [answer.status_code]

    def batch_elements_kwargs(self) -> dict[str, int]:
        """For BatchElements: a hundred at a time."""
        return {"min_batch_size": ITEMS, "max_batch_size": ITEMS}


_began: list[float] = []


def _lines(_impulse: bytes, portion: Portion) -> Iterator[bytes]:
    _began.append(time.perf_counter())
    return portion.lines()


def request_response_io(pause: Pause, warm: Portion, portion: Portion, url: str) -> float:
    """Beam's RequestResponseIO with BatchElements, on the same runner as the product; seconds."""

    def deliver(some: Portion) -> None:
        pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
        operations: Any = (
            pipeline | beam.Impulse() | beam.FlatMap(_lines, some) | beam.Map(operation)
        )
        _ = operations | RequestResponseIO(_Batch(url))
        pipeline.run().wait_until_finish()

    deliver(warm)
    pause()
    deliver(portion)
    return time.perf_counter() - _began[-1]
