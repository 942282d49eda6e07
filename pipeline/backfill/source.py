"""The files of a backfill as sources of a pipeline: on one machine, and on many."""

import itertools
import logging
from collections.abc import Iterable, Iterator
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
from apache_beam.utils.timestamp import MAX_TIMESTAMP, MIN_TIMESTAMP, Timestamp

from pipeline.backfill.cursor import Cursor, cursor_of
from pipeline.backfill.feed import PULL_MESSAGES, pulls
from pipeline.backfill.find import SourceFile
from pipeline.backfill.manifest import Place
from pipeline.settings import Settings
from pipeline.sources.batches import batches
from pipeline.sources.files import ReadFromFiles
from pipeline.sources.subscription import BUNDLES_A_GENERATION, unpacked
from pipeline.stop import STOP
from transforms.records import Message

_LOG = logging.getLogger(__name__)

MOST_RECORDS_A_PIECE = 20_000
"""Of a bundle, which is what a kill costs at the most. With fewer, the lanes stand still more."""
_PIECE_BYTES = 16 * 1024 * 1024
"""Ten thousand of the usual records: what the sink sends at a time."""
_PIECE_S = 5.0
"""What a piece may take at the request budget, in seconds: at one request a second, 20 000 records
would be minutes of work to lose."""
_MAX_READ_TIME_S = 30.0

_sequence = itertools.count(1)


def piece_records(settings: Settings) -> int:
    """How many records a piece has, about: less where the request budget is small."""
    delivery = settings.delivery
    if not delivery.max_requests_per_second:
        return MOST_RECORDS_A_PIECE
    within = int(_PIECE_S * delivery.max_requests_per_second * delivery.max_batch_items)
    return max(PULL_MESSAGES, min(MOST_RECORDS_A_PIECE, within))


class SettleMark(CheckpointMark):
    """The messages of a bundle; finalised when all of them are settled."""

    def __init__(
        self, sequence: int, cursor: Cursor | None, mark: tuple[Place, int] | None
    ) -> None:
        self.sequence = sequence
        self._cursor = cursor
        self._mark = mark

    def finalize_checkpoint(self) -> None:
        """The bundle is committed: its counts and its place are final."""
        if self._cursor is not None and self._mark is not None:
            self._cursor.settle(self._mark)


class SettleMarkCoder(coders.Coder):
    """Carries a mark's number only: the manifest is what a later process goes by."""

    def encode(self, value: SettleMark) -> bytes:
        return str(value.sequence).encode()

    def decode(self, encoded: bytes) -> SettleMark:
        return SettleMark(int(encoded), None, None)

    def is_deterministic(self) -> bool:
        return True


class CursorReader(UnboundedReader):
    """Takes pulls of the process's cursor, a piece a bundle."""

    def __init__(self, cursor: Cursor, records: int) -> None:
        self._cursor = cursor
        self._records = records
        self._current: list[Message] = []
        self._unmarked = self._unmarked_bytes = 0
        self._bundles = 0
        self._finished = False

    def start(self) -> bool:
        return self.advance()

    def advance(self) -> bool:
        """Takes the next pull; False when the piece is full, and at the end."""
        if self._finished or STOP.is_set() or self._bundles >= BUNDLES_A_GENERATION:
            self._finished = True
            return False
        if self._unmarked >= self._records or self._unmarked_bytes >= _PIECE_BYTES:
            return False
        pull = self._cursor.take()
        if pull is None:
            self._finished = True
            return False
        self._current = pull.messages
        self._unmarked += len(pull.messages)
        self._unmarked_bytes += pull.size
        return True

    def get_current(self) -> list[Message]:
        return self._current

    def get_current_timestamp(self) -> Timestamp:
        return Timestamp.of(0)

    def get_watermark(self) -> Timestamp:
        return MAX_TIMESTAMP if self._finished else MIN_TIMESTAMP

    def get_checkpoint_mark(self) -> SettleMark:
        self._bundles += 1
        taken, self._unmarked, self._unmarked_bytes = self._unmarked, 0, 0
        # A bundle of nothing settles nothing.
        mark = self._cursor.mark() if taken else None
        return SettleMark(next(_sequence), self._cursor, mark)


class CursorSource(UnboundedSource):
    """The cursor of `key`; `records`: of a piece."""

    def __init__(self, key: str, records: int) -> None:
        self._key = key
        self._records = records

    def split(self, desired_num_splits: int, options: Any = None) -> Iterable[UnboundedSource]:
        return [self]

    def create_reader(self, options: Any, checkpoint_mark: CheckpointMark | None) -> CursorReader:
        return CursorReader(cursor_of(self._key), self._records)

    def get_checkpoint_mark_coder(self) -> coders.Coder:
        return SettleMarkCoder()


class ReadAtCursor(beam.PTransform[PBegin, PCollection[list[Message]]]):
    """Messages from this process's cursor on, in batches; a piece that is committed is settled."""

    def __init__(self, key: str, settings: Settings) -> None:
        super().__init__()
        self._source = CursorSource(key, piece_records(settings))

    def expand(self, input_or_inputs: PBegin) -> PCollection[list[Message]]:
        taken: PCollection[list[Message]] = input_or_inputs | "Pull" >> ReadFromUnboundedSource(
            self._source,
            max_records_per_bundle=MOST_RECORDS_A_PIECE,
            max_read_time_seconds=_MAX_READ_TIME_S,
        )
        return unpacked(taken)


def read_shares(files: Iterable[SourceFile]) -> ReadFromFiles:
    """Messages of files, which the workers of a runner share."""
    return ReadFromFiles([file.path for file in files], _messages_of, spread=True)


def _messages_of(path: str) -> Iterator[list[Message]]:
    # Size and time of change matter to a place that is kept; here the runner keeps its own.
    file = SourceFile(path, 0, 0.0)
    for pull in pulls([file], Place(), STOP.is_set, _log_damage):
        yield from batches(pull.messages)


def _log_damage(_name: str, why: str) -> None:
    _LOG.error("%s. What comes before the damage is sent; the other files go on", why)
