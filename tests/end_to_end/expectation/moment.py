"""Contract section 2, second half: the time of a record."""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

EARLIEST = 1_000_000_000
LATEST = 100_000_000_000  # no longer allowed

# The fields in order; the first three are spellings of one.
FIELDS = [
    "event_time",
    "time",
    "created_at",
    "client_event_time",
    "server_received_time",
    "server_upload_time",
]
_TEXT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]+)?"
    r"(?:Z|([+-])([0-9]{2})(?::?([0-9]{2}))?)?"
)


def seconds_of(record: dict[str, Any], publish_time: float | None) -> int | None:
    """Return the Unix seconds of the record, None when they are invalid or nowhere to be found."""
    value = next((record[name] for name in FIELDS if record.get(name) is not None), publish_time)
    seconds = _number(value)
    if seconds is None and isinstance(value, str):
        seconds = _from_text(value)
    if seconds is None or not EARLIEST <= seconds < LATEST:
        return None
    return math.floor(seconds)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, str) and re.fullmatch("[0-9]+", value):
        number = Decimal(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = Decimal(value) if isinstance(value, int) else Decimal(repr(value))
    else:
        return None
    thirteen_digits = 10**12 <= abs(number) < 10**13
    return number / 1000 if thirteen_digits else number


def _from_text(text: str) -> Decimal | None:
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    date, clock, sign, hours, minutes = match.groups()
    try:
        moment = datetime.fromisoformat(f"{date}T{clock}").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = int(hours or 0) * 3600 + int(minutes or 0) * 60
    if int(hours or 0) > 23 or int(minutes or 0) > 59:
        return None
    since_1970 = moment - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = since_1970.days * 86400 + since_1970.seconds
    return Decimal(seconds + offset if sign == "-" else seconds - offset)
