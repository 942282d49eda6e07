"""Opening a stored dead letter: bytes -> what can be sent again."""

import base64
import binascii
import zlib
from datetime import UTC, datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct

from transforms.gunzip import gunzip
from transforms.pushdown import MAX_MESSAGE_BYTES
from transforms.reasons import DEAD_LETTER_REASONS, dead_lettered
from transforms.records import (
    DeadLetter,
    Delivery,
    EventOperation,
    History,
    IdentifyOperation,
    Message,
    Operation,
    Origin,
    time_of,
)
from transforms.resolve import ANONYMOUS_ID
from transforms.split_json import is_json
from transforms.tally import Tally
from transforms.validate import LimitError, validate_item

MAX_LETTER_BYTES: Final = 2 * MAX_MESSAGE_BYTES
"""Of a letter, inflated: it holds a message as JSON text or as base64."""

_NO_LETTER: Final = "it is JSON, but no dead letter"
_IDENTIFIERS: Final = (["id"], ["email"], ["cio_id"])
_OBJECT_IDENTIFIERS: Final = ["object_type_id", "object_id"]


class Letter(Struct, frozen=True):
    """A dead letter that was stored, and what becomes of it when it is replayed."""

    reason: str
    failed_at: datetime
    """When it failed last; in UTC."""
    attempts: int
    """How often it has failed, 1 or more."""
    content: Message | Delivery
    """A record, for the whole pipeline; or an operation, ready to be sent."""


class NotALetterError(ValueError):
    """These bytes are no dead letter. The text says why, without a word of them."""


class _Stored(Struct, frozen=True, kw_only=True):
    """A letter as `pipeline.deadletters.encode` writes it; old ones lack the history."""

    reason: str
    kind: Literal["input", "record", "operation"]
    message_id: str
    publish_time: float | None
    failed_at: datetime
    attributes: dict[str, str]
    record: str | None = None
    encoding: Literal["text", "base64"] = "text"
    operation: Operation | None = None
    attempts: Annotated[int, Meta(ge=1)] = 1
    first_failed_at: datetime | None = None
    first_reason: str | None = None

    def history(self) -> History:
        """What a letter that it becomes again is to carry on."""
        return History(
            attempts=self.attempts,
            first_failed_at=_utc(self.first_failed_at or self.failed_at).isoformat(
                timespec="milliseconds"
            ),
            first_reason=self.first_reason or self.reason,
        )


_DECODER: Final = msgspec.json.Decoder(_Stored)


def open_letter(stored: Message) -> Letter:
    """The letter in a message of its topic, or in a line of its files. Raises NotALetterError."""
    letter = _decoded(_inflated(stored))
    operation = letter.operation
    reasons = {letter.reason, letter.first_reason or letter.reason}
    if not reasons <= DEAD_LETTER_REASONS.keys() or (letter.record is None) == (operation is None):
        raise NotALetterError(_NO_LETTER)
    content = _message(letter) if operation is None else _delivery(letter, operation)
    return Letter(letter.reason, _utc(letter.failed_at), letter.attempts, content)


def _decoded(data: bytes) -> _Stored:
    try:
        return _DECODER.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        # Not chained, here and below: these errors quote what they found.
        raise NotALetterError(_NO_LETTER if is_json(data) else "it is not JSON") from None


def _inflated(stored: Message) -> bytes:
    data = stored.data
    if stored.attributes.get("content_encoding") == "gzip":
        try:
            data = gunzip(data, MAX_LETTER_BYTES)
        except zlib.error:
            raise NotALetterError("it says that it is gzip, but does not inflate") from None
    if len(data) > MAX_LETTER_BYTES:
        raise NotALetterError(f"it has over {MAX_LETTER_BYTES} bytes")
    return data


def _utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except OverflowError:
        raise NotALetterError(_NO_LETTER) from None


def _message(letter: _Stored) -> Message:
    """The record as a source gave it: its time and its ULID come out as they were."""
    data = (letter.record or "").encode()
    if letter.encoding == "base64":
        try:
            data = base64.b64decode(data, validate=True)
        except binascii.Error:
            raise NotALetterError("its record is not base64") from None
    if letter.kind == "record" and is_json(data):
        # It was told apart already: a list of its own called `events` makes it no request body.
        data = b'{"events":[' + data + b"]}"
    return Message(
        data=data,
        message_id=letter.message_id,
        publish_time=letter.publish_time,
        attributes=letter.attributes,
        history=letter.history(),
    )


def _is_ours(operation: Operation) -> bool:
    """Whether the operation has the form of one that this program sends."""
    identifiers = list(operation.identifiers)
    if isinstance(operation, IdentifyOperation) and operation.type == "object":
        return identifiers == _OBJECT_IDENTIFIERS and operation.timestamp is UNSET
    if operation.type != "person":
        return False
    if isinstance(operation, IdentifyOperation) and operation.timestamp is UNSET:
        return False
    anonymous = isinstance(operation, EventOperation) and identifiers == [ANONYMOUS_ID]
    return anonymous or identifiers in _IDENTIFIERS


def _delivery(letter: _Stored, operation: Operation) -> Delivery:
    """The operation, encoded once; a dead letter again if somebody made it too large since."""
    if not _is_ours(operation):
        raise NotALetterError("its operation is none that this program sends")
    history = letter.history()
    origin = Origin(letter.message_id, letter.publish_time, letter.attributes, history)
    time_s = time_of(operation)
    if time_s is None:
        # Those that carry none are sent in the order in which they were refused.
        time_s = int(_utc(letter.failed_at).timestamp())
    time_ms = time_s * 1000
    try:
        # The limits were applied when the operation was built: nothing is trimmed here.
        item = validate_item(operation, "dead_letter", Tally())
    except LimitError as error:
        reason, detail = error.args
        again = DeadLetter(
            reason=reason,
            detail=detail,
            stage="validate",
            kind="operation",
            message_id=letter.message_id,
            publish_time=letter.publish_time,
            attributes=letter.attributes,
            operation=operation,
            history=history,
        )
        return Delivery(origin, time_ms, (), (dead_lettered(reason),), (again,))
    return Delivery(origin, time_ms, (item,))
