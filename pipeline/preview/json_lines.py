"""A preview for programs: one JSON object a record, one a line."""

from typing import Any

import msgspec

from pipeline.preview.explained import Explained, Sending
from pipeline.preview.words import printable


def json_line(explained: Explained) -> str:
    """The record as one line of JSON, without a line break at its end.

    `body` is what would be sent, number for number; characters that a terminal would obey stand as
    JSON escapes. `left_behind` names settings, and the properties that each does not select.
    """
    fields: dict[str, Any] = {
        # A path may hold bytes that are no UTF-8; JSON may not.
        "message_id": explained.message_id.encode(errors="backslashreplace").decode(),
        "position": explained.position,
        "of": explained.of,
        "kind": explained.kind,
        "name": explained.name,
        "outcome": explained.outcome,
        "stage": explained.stage,
        "reason": explained.reason,
        "input": explained.input,
        "operations": [_operation(sending) for sending in explained.sendings],
        "left_behind": explained.left_behind,
        "notes": explained.notes,
    }
    # Outside of its strings JSON has no such characters.
    return printable(msgspec.json.encode(fields).decode())


def _operation(sending: Sending) -> dict[str, Any]:
    return {
        "endpoint": sending.endpoint,
        "bytes": len(sending.body),
        "body": msgspec.Raw(sending.body),
    }
