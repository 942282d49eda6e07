"""A peer: Beam's RequestResponseIO with BatchElements, around one HTTP request of a batch.

Without ULIDs, limits, retries of single items, order, dead letters or acknowledgements.
"""

import time
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import msgspec
import requests
from apache_beam.io.requestresponse import Caller, RequestResponseIO
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner

from benchmarks.child import Pause
from benchmarks.inputs import Portion
from benchmarks.operation import ITEMS, Operation, operation
from benchmarks.settings import API_KEY, SITE_ID


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


def batches(pause: Pause, warm: Portion, portion: Portion, url: str) -> float:
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
