"""Dead letters: how a record that cannot be delivered is set aside with its reason."""

import base64
import re

import msgspec

from transforms.reasons import dead_lettered
from transforms.records import DeadLetter, Message, Record, Settled

_API_KEY = re.compile(
    # The name, quoted or not, up to the value: in JSON, in a form, in JSON within a JSON text, and
    # in what some programs take for JSON.
    rb"""(\bapi_key\\*["']?\s*[:=]\s*)"""
    rb"""(?:(")(?:[^"\\]|\\.)*+|(')(?:[^'\\]|\\.)*+|(\\+["'])[^"'\\]*|"""
    rb"""(?!null\b)[^\s,;&"'\\\[\]{}]+)""",
    re.DOTALL,
)


def without_api_key(data: bytes) -> bytes:
    """Raw input with the value of every `api_key` blanked, for input that cannot be parsed."""
    return _API_KEY.sub(lambda m: m[1] + (m[2] or m[3] or m[4] or b""), data)


def dead_letter_of_input(
    reason: str, detail: str, *, stage: str, message: Message, data: bytes
) -> Settled:
    """Sets aside input that never became a record. `data`: the part of the message at fault."""
    clean = without_api_key(data)
    try:
        text, encoding = clean.decode(), "text"
    except UnicodeDecodeError:
        text, encoding = base64.b64encode(clean).decode(), "base64"
    return Settled(
        dead_lettered(reason),
        DeadLetter(
            reason=reason,
            detail=detail,
            stage=stage,
            kind="input",
            message_id=message.message_id,
            publish_time=message.publish_time,
            attributes=message.attributes,
            record=text,
            encoding=encoding,
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
            record=msgspec.json.encode(record.fields).decode(),
        ),
    )
