"""The fuzz target: bytes -> what the product makes of them -> the judge."""

import gzip
import logging
from functools import cache

from pipeline import plan
from pipeline.deadletters import encode
from pipeline.preview.walk import Walker
from pipeline.settings.model import Settings
from tests.fuzz import promises
from tests.fuzz.pages import PAGES
from tests.fuzz.promises import Ended, Sent
from tests.packing import pack
from transforms.decode import decode_message
from transforms.pushdown import ReadObject, object_reader
from transforms.records import DeadLetter, Delivery, Message, Record, Settled
from transforms.sink.batch import Pending
from transforms.stage import internal_error

PUBLISHED = 1_777_888_999.5
FAILED_AT = "2026-05-04T10:03:19.500Z"
PAGE_BITS = 0x07
FROM_A_FILE = 0x08
"""The message has no publish time."""
COMPRESSED = 0x30
"""Both bits: the message is gzipped on its way to the product."""


class _Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@cache
def _logged() -> _Lines:
    lines = _Lines()
    logging.getLogger().addHandler(lines)
    return lines


@cache
def _walker(page: int) -> tuple[Walker, Settings, ReadObject]:
    settings = Settings.model_validate(PAGES[page])
    return Walker(settings), settings, object_reader(plan.projection(settings))


def target(data: bytes) -> None:
    """Runs one input. Its first byte chooses the settings, the rest is the message.

    Raises AssertionError when a promise is broken, and whatever the product raises.
    """
    head, message = data[0] if data else 0, data[1:]
    if head & COMPRESSED == COMPRESSED:
        message = gzip.compress(message, 1, mtime=0)
    run(message, head & PAGE_BITS, from_a_file=bool(head & FROM_A_FILE))


def run(data: bytes, page: int, *, from_a_file: bool = False) -> list[Ended]:
    """Takes a message all the way under one settings page, and has it judged."""
    return through(data, page, from_a_file=from_a_file)[0]


def through(data: bytes, page: int, *, from_a_file: bool = False) -> tuple[list[Ended], list[Sent]]:
    """What `run` does; gives the requests too."""
    walker, settings, read_object = _walker(page)
    logged = _logged()
    logged.lines.clear()
    message = Message(data, "m1", None if from_a_file else PUBLISHED, {"source": "fuzz"})
    results = decode_message(message)
    quickly = read_object(message)
    if quickly is not None:
        results = [_as_quickly(quickly, results, walker)]
    ended: list[Ended] = []
    pendings: list[Pending] = []
    for owner, found in enumerate(results):
        end = walker.walk(found).end if isinstance(found, Record) else found
        ended.append(_plain(end))
        if isinstance(end, Delivery):
            pendings += [Pending(item, owner, end.time_ms) for item in end.items]
    requests = pack(
        pendings,
        max_items=settings.delivery.max_batch_items,
        max_bytes=settings.delivery.max_batch_bytes,
    )
    sent = [Sent(request.path, request.body()) for request in requests]
    promises.check(
        PAGES[page],
        data,
        ended,
        sent,
        of_bug=lambda: _plain(internal_error(ValueError(), message, stage="decode")).letters[0],
        logged=logged.lines,
    )
    return ended, sent


def _as_quickly(
    quickly: Record, results: list[Record | Settled], walker: Walker
) -> Record | Settled:
    """What the job makes of a message that it reads quickly; the same as with a closer look, but
    for a number that nothing reads and that cannot be held.
    """
    [result] = results
    if isinstance(result, Settled):
        assert result.letter is not None
        assert "out of range" in result.letter.detail, result.letter.detail
    else:
        assert _plain(walker.walk(quickly).end) == _plain(walker.walk(result).end)
    return quickly


def _plain(end: Delivery | Settled) -> Ended:
    if isinstance(end, Settled):
        letters = [_letter(end.letter)] if end.letter else []
        return Ended([end.outcome], letters, [])
    return Ended(
        list(end.fallen),
        [_letter(letter) for letter in end.letters],
        [(item.body, item.alone) for item in end.items],
    )


def _letter(letter: DeadLetter) -> bytes:
    return encode(letter, FAILED_AT)
