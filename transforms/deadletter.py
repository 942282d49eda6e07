"""Dead letters: how a record that cannot be delivered is set aside with its reason."""

import base64

import msgspec

from transforms.api_key import without_api_key
from transforms.kept import kept
from transforms.reasons import dead_lettered
from transforms.records import DeadLetter, Message, Record, Settled


def dead_letter_of_input(
    reason: str, detail: str, *, stage: str, message: Message, data: bytes
) -> Settled:
    """Sets aside input that never became a record. `data`: the part of the message at fault."""
    keep = kept(data)
    try:
        text, encoding = keep.data.decode(), "text"
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(keep.data).decode(), "base64"
    return Settled(
        dead_lettered(reason),
        DeadLetter(
            reason=reason,
            detail="; ".join(filter(None, (detail, keep.note))),
            stage=stage,
            kind="input",
            message_id=message.message_id,
            publish_time=message.publish_time,
            attributes=message.attributes,
            record=text,
            encoding=encoding,
            history=message.history,
        ),
    )


def dead_letter(reason: str, detail: str, *, stage: str, record: Record) -> Settled:
    """Sets aside a whole record."""
    origin = record.origin
    return Settled(
        dead_lettered(reason),
        DeadLetter(
            reason=reason,
            detail=detail,
            stage=stage,
            kind="record",
            message_id=origin.message_id,
            publish_time=origin.publish_time,
            attributes=origin.attributes,
            record=_whole(record).decode(),
            history=origin.history,
        ),
    )


def _whole(record: Record) -> bytes:
    """All of a record, as JSON without `api_key`."""
    if record.text is None:
        return msgspec.json.encode(record.fields)
    try:
        fields = msgspec.json.decode(record.text)
    except msgspec.DecodeError:
        # A field that nothing reads holds a number that is too large to be held.
        return without_api_key(record.text)
    fields.pop("api_key", None)
    return msgspec.json.encode(fields)
