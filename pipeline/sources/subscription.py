"""Pub/Sub as an unbounded source of our own, for every runner but Dataflow.

It acknowledges when the runner finalises the checkpoint, that is after the bundle's records were
delivered, dead-lettered, filtered or skipped. Beam's own read acknowledges on DirectRunner straight
after the pull, and reads nothing on FnApiRunner.
"""

import itertools
import time
from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam import coders
from apache_beam.io.unbounded_source import (
    CheckpointMark,
    ReadFromUnboundedSource,
    UnboundedReader,
    UnboundedSource,
)
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.typehints import List
from apache_beam.utils.timestamp import MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp

from pipeline import finality
from pipeline.sources.batches import batches
from pipeline.sources.session import PullSession
from pipeline.sources.sessions import session_of
from pipeline.stop import STOP
from transforms.records import Message

PULLS_A_BUNDLE = 40
"""Of up to 1 000 messages each. The more, the less often the lanes stand still between two bundles;
and the more is sent again after a crash."""
_BUNDLE_BYTES = 64 * 1024 * 1024
"""Of the messages of a bundle."""
BUNDLES_A_GENERATION = 200
"""FnApiRunner keeps about 100 kB for every bundle that it has run: a generation of the pipeline
ends after so many, and the next one begins in the same process. That takes half a second, in which
records wait, so it must not come too often either."""
FILL_S = 0.1
"""A bundle that has begun waits so long for more: fewer bundles, and fuller requests."""
_IDLE_WAIT_S = 1.0
"""FnApiRunner asks an idle source again at once, so the source itself waits."""
_MAX_READ_TIME_S = 5.0

_sequence = itertools.count(1)


class AckMark(CheckpointMark):
    """The messages of a bundle. Only the process that pulled them can acknowledge them."""

    def __init__(self, sequence: int, session: PullSession | None, ack_ids: list[str]) -> None:
        self.sequence = sequence
        self._session = session
        self._ack_ids = ack_ids

    def finalize_checkpoint(self) -> None:
        """The bundle is committed: its counts are final, its messages acknowledged."""
        finality.commit()
        if self._session is not None and self._ack_ids:
            self._session.acknowledge_soon(self._ack_ids)


class AckMarkCoder(coders.Coder):
    """Carries a mark's number only: what was pulled and not acknowledged, Pub/Sub gives again."""

    def encode(self, value: AckMark) -> bytes:
        return str(value.sequence).encode()

    def decode(self, encoded: bytes) -> AckMark:
        return AckMark(int(encoded), None, [])

    def is_deterministic(self) -> bool:
        return True


class SubscriptionReader(UnboundedReader):
    """Takes whole pull responses from the process's session.

    `endless`: one of several readers on an engine that polls an idle reader at its own pace; it
    neither waits for messages nor ends with a generation.
    """

    def __init__(
        self, session: PullSession, stop_when_idle_s: float | None, *, endless: bool = False
    ) -> None:
        self._session = session
        self._stop_when_idle_s = stop_when_idle_s
        self._endless = endless
        self._current: list[Message] = []
        self._unmarked: list[str] = []
        self._unmarked_bytes = 0
        self._again = False
        self._full_at = 0.0
        self._bundles = 0
        self._finished = False

    def start(self) -> bool:
        return self.advance()

    def advance(self) -> bool:
        """Takes the next pull response. Waits for the first one of a bundle, and to fill it."""
        if self._is_over():
            self._finished = True
            return False
        if self._is_full():
            return False
        pulled = self._session.take(self._wait_s())
        if pulled is None:
            return False
        if not self._unmarked:
            self._full_at = time.monotonic() + FILL_S
            self._again = pulled.again
        self._current = pulled.messages
        self._unmarked += pulled.ack_ids
        self._unmarked_bytes += pulled.size
        return True

    def _wait_s(self) -> float:
        if self._unmarked:
            return max(0.0, self._full_at - time.monotonic())
        return 0.0 if self._endless else _IDLE_WAIT_S

    def _is_full(self) -> bool:
        if self._unmarked and self._again and not self._session.has_again():
            # A bundle that failed is tried again as it was: else it would grow through an outage.
            return True
        return self._unmarked_bytes >= _BUNDLE_BYTES

    def _is_over(self) -> bool:
        if self._finished or STOP.is_set():
            return True
        if not self._endless and self._bundles >= BUNDLES_A_GENERATION:
            return True
        return self._stop_when_idle_s is not None and is_idle(self._session, self._stop_when_idle_s)

    def get_current(self) -> list[Message]:
        return self._current

    def get_current_timestamp(self) -> Timestamp:
        return Timestamp.of(self._current[0].publish_time or 0)

    def get_watermark(self) -> Timestamp:
        if self._finished:
            return MAX_TIMESTAMP
        return self.get_current_timestamp() if self._current else MIN_TIMESTAMP

    def get_checkpoint_mark(self) -> AckMark:
        self._bundles += 1
        ack_ids, self._unmarked = self._unmarked, []
        self._unmarked_bytes = 0
        return AckMark(next(_sequence), self._session, ack_ids)


def is_idle(session: PullSession, stop_when_idle_s: float) -> bool:
    """True when no message has come for so long; False where none can come any more."""
    return session.error is None and session.idle_s() >= stop_when_idle_s


class SubscriptionSource(UnboundedSource):
    """`subscription`: projects/P/subscriptions/S.

    `number`: of one among several readers, which go on for ever; None: the only one, which ends
    with its generation.
    """

    def __init__(
        self, subscription: str, stop_when_idle_s: float | None = None, number: int | None = None
    ) -> None:
        self._subscription = subscription
        self._stop_when_idle_s = stop_when_idle_s
        self._number = number

    def split(self, desired_num_splits: int, options: Any = None) -> Iterable[UnboundedSource]:
        return [self]

    def create_reader(
        self, options: Any, checkpoint_mark: CheckpointMark | None
    ) -> SubscriptionReader:
        session = session_of(self._subscription)
        endless = self._number is not None
        return SubscriptionReader(session, self._stop_when_idle_s, endless=endless)

    def get_checkpoint_mark_coder(self) -> coders.Coder:
        return AckMarkCoder()


class ReadFromSubscription(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """Messages of a subscription in batches, acknowledged once their bundle is committed.

    `stop_when_idle_s`: end when no message has come for so long; None: never.
    """

    def __init__(self, subscription: str, stop_when_idle_s: float | None = None) -> None:
        super().__init__()
        self._source = SubscriptionSource(subscription, stop_when_idle_s)

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        pulls: PCollection[list[Message]] = input_or_inputs | "Pull" >> ReadFromUnboundedSource(
            self._source,
            max_records_per_bundle=PULLS_A_BUNDLE,
            max_read_time_seconds=_MAX_READ_TIME_S,
        )
        return unpacked(pulls)


def unpacked(pulls: PCollection[list[Message]]) -> PCollection[list[Message]]:
    """Pull responses as batches of the pipeline."""
    # Else Beam pickles a pull now and then to estimate its size.
    pulls.element_type = List[Message]
    batched: PCollection[list[Message]] = pulls | "Unpack" >> beam.FlatMap(
        batches
    ).with_output_types(list[Message])
    return batched
