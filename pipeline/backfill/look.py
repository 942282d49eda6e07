"""The look before a backfill: what is there, and what sending it would mean; bounded, not exact.

Records are sampled: the first ones of files that are spread over all of them. What must not be
missed, events that are young enough to trigger a campaign, is looked for in every file whose name
does not rule them out, up to SCAN_BYTES; beyond that they have to be expected.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from pipeline.backfill.export_names import holds_merged_ids, last_event_ms
from pipeline.backfill.find import SourceFile
from pipeline.backfill.manifest import Place
from pipeline.backfill.stock import Stock
from pipeline.preview.walk import Walker
from pipeline.settings import Settings
from pipeline.sources.files import FileReadError, Text, open_texts, read_text
from transforms import event_time
from transforms.decode import decoded
from transforms.event_time import InvalidTimeError, event_time_ms
from transforms.filter import TimeRange
from transforms.known import Known
from transforms.pushdown import Projection, object_reader
from transforms.reasons import DELIVERED
from transforms.records import Message, Record, Settled

TRIGGERS_FOR_MS: Final = 72 * 3600 * 1000
"""An event older than that triggers no campaign:
https://docs.customer.io/journeys/importing-old-data/"""
SAMPLED_TEXTS: Final = 20
"""Files, and files in archives, about."""
SAMPLED_MESSAGES: Final = 20_000
"""Of all of them together, about; but of each so many that what is read ahead counts little:"""
_OF_A_TEXT: Final = 1_000
SCAN_BYTES: Final = 2 * 1024**3
"""Of text, inflated, that is looked through for young events: seconds, not minutes."""
_BEGINNING: Final = Place()
_TIMES: Final = Projection(
    fields=frozenset(event_time.FIELDS),
    needed=frozenset(event_time.USUAL_FIELDS),
    event_properties=frozenset(),
    user_properties=frozenset(),
)


class Sample(Struct):
    """What a few records became."""

    records: int = 0
    stored_bytes: int = 0
    outcomes: Counter[str] = msgspec.field(default_factory=Counter)
    """Name in the ledger -> records; those that would be sent are `delivered`."""
    operations: int = 0
    identifies: int = 0
    alone: int = 0
    """Operations that take a request of their own."""
    body_bytes: int = 0
    """Of the operations."""
    earliest_ms: int | None = None
    latest_ms: int | None = None

    def note_time(self, time_ms: int) -> None:
        """Widens the range of times."""
        self.earliest_ms = min(time_ms, self.earliest_ms or time_ms)
        self.latest_ms = max(time_ms, self.latest_ms or time_ms)


class Young(Struct):
    """Events that could trigger a campaign."""

    seen: int = 0
    files: int = 0
    """Files that hold them."""
    unread: int = 0
    """Files that may hold them, and were not looked through."""


class Look(Struct, frozen=True):
    """What was seen. Amounts of records and operations are estimates, scaled from the sample."""

    stock: Stock
    """What there is to read."""
    stored_bytes: int
    records: int
    sample: Sample
    young: Young

    def scaled(self, amount: int) -> int:
        """An amount of the sample, for all records."""
        return round(amount * self.records / self.sample.records) if self.sample.records else 0

    @property
    def operations(self) -> int:
        """Operations that would be sent."""
        return self.scaled(self.sample.operations)

    @property
    def identifies(self) -> int:
        """Those of them that update a person."""
        return self.scaled(self.sample.identifies)

    def requests(self, settings: Settings) -> int:
        """Requests that they take, about."""
        sample, delivery = self.sample, settings.delivery
        batched = sample.operations - sample.alone
        by_items = -(-batched // delivery.max_batch_items)
        by_bytes = -(-sample.body_bytes // delivery.max_batch_bytes)
        if not sample.operations:
            return 0
        return max(1, self.scaled(max(by_items, by_bytes) + sample.alone))


def look(
    stock: Stock,
    settings: Settings,
    within: TimeRange | None,
    now_ms: int,
    start: Place = _BEGINNING,
) -> Look:
    """Looks at what is behind `start`; a text that was begun is looked at whole.

    What cannot be read is passed over, and told when it is sent.
    """
    left = stock.behind(start)
    files = [
        _File(holding.file, start.text if number == 0 else 0)
        for number, holding in enumerate(left.holdings)
    ]
    sample = Sample()
    sampler = _Sampler(Walker(settings, Known()), within, sample, len(files))
    for file in _spread(files, SAMPLED_TEXTS):
        with suppress(FileReadError):
            sampler.file(file)
    young = _young(files, within, now_ms - TRIGGERS_FOR_MS, sample)
    total = sum(sum(holding.texts) for holding in left.holdings)
    share = total / sample.stored_bytes if sample.stored_bytes else 0.0
    # Never less than was seen: an archive has bytes besides those of its members.
    records = max(sample.records, round(sample.records * share))
    return Look(left, total, records, sample, young)


class _File(NamedTuple):
    """A file, and the number of the first text in it that is looked at."""

    source: SourceFile
    first: int


_Item = TypeVar("_Item")


def _spread(items: Sequence[_Item], most: int) -> Iterator[_Item]:
    """At most so many of the items, from the first to the last."""
    count = min(len(items), most)
    for number in range(count):
        yield items[number * (len(items) - 1) // max(1, count - 1)]


def _never() -> bool:
    return False


class _Sampler:
    """Takes the first records of a file's texts through the pipeline's own steps."""

    def __init__(
        self, walker: Walker, within: TimeRange | None, sample: Sample, files: int
    ) -> None:
        self._walker = walker
        self._within = within
        self._sample = sample
        files = max(1, min(files, SAMPLED_TEXTS))
        self._texts_of_a_file = SAMPLED_TEXTS // files
        self._messages_of_a_file = SAMPLED_MESSAGES // files

    def file(self, file: _File) -> None:
        """Raises FileReadError when the file cannot be opened."""
        with open_texts(file.source.path) as opened:
            texts = [text for text in opened.texts[file.first :] if not holds_merged_ids(text.name)]
            few = list(_spread(texts, self._texts_of_a_file))
            messages = max(_OF_A_TEXT, self._messages_of_a_file // max(1, len(few)))
            for text in few:
                before = opened.stored.count
                # Of a damaged text, what comes before the damage.
                with suppress(FileReadError):
                    for message in islice(read_text(text, _never), messages):
                        self._message(message)
                self._sample.stored_bytes += opened.stored.count - before

    def _message(self, message: Message) -> None:
        sample = self._sample
        for record in decoded(message):
            sample.records += 1
            outcome = record.outcome if isinstance(record, Settled) else self._record(record)
            sample.outcomes[outcome] += 1

    def _record(self, record: Record) -> str:
        """What becomes of a record, as far as that is known before sending it."""
        sample = self._sample
        with suppress(InvalidTimeError):
            time_ms = event_time_ms(record)
            if self._within is not None and not self._within.holds(time_ms):
                return "filtered.time"
            sample.note_time(time_ms)
        end = self._walker.walk(record).end
        if isinstance(end, Settled):
            return end.outcome
        for item in end.items:
            sample.operations += 1
            sample.identifies += item.identify
            sample.alone += item.alone
            sample.body_bytes += 0 if item.alone else len(item.body) + 1
        return DELIVERED


def _young(
    files: Sequence[_File], within: TimeRange | None, since_ms: int, sample: Sample
) -> Young:
    """Looks for events of `since_ms` or later, in the latest files first."""
    young = Young()
    if within is not None and within.until_ms is not None and within.until_ms <= since_ms:
        return young
    scan = _Scan(within, since_ms, sample)
    for file in reversed(files):
        last = last_event_ms(file.source.path)
        if last is not None and last <= since_ms:
            continue
        seen = scan.seen
        with suppress(FileReadError):
            scan.file(file, since_ms)
        young.files += scan.seen > seen
        young.unread += scan.left_bytes <= 0
    young.seen = scan.seen
    return young


class _Scan:
    """Counts young events, and notes all times, until a number of bytes is used up."""

    def __init__(self, within: TimeRange | None, since_ms: int, sample: Sample) -> None:
        self._read_object = object_reader(_TIMES)
        self._within = within or TimeRange()
        self._since_ms = since_ms
        self._sample = sample
        self.left_bytes = SCAN_BYTES
        self.seen = 0

    def file(self, file: _File, since_ms: int) -> None:
        if self.left_bytes <= 0:
            return
        with open_texts(file.source.path) as opened:
            for text in opened.texts[file.first :]:
                last = last_event_ms(text.name)
                if last is not None and last <= since_ms:
                    continue
                with suppress(FileReadError):
                    self._text(text)

    def _text(self, text: Text) -> None:
        for message in read_text(text, lambda: self.left_bytes <= 0):
            self.left_bytes -= len(message.data)
            record = self._read_object(message)
            found = [record] if record is not None else decoded(message)
            for each in found:
                if isinstance(each, Record):
                    self._record(each)

    def _record(self, record: Record) -> None:
        try:
            time_ms = event_time_ms(record)
        except InvalidTimeError:
            return
        if self._within.holds(time_ms):
            self._sample.note_time(time_ms)
            self.seen += time_ms >= self._since_ms
