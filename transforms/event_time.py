"""Event time: when a record happened, in Unix milliseconds."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from transforms.records import Record

EARLIEST_S = 1_000_000_000
LATEST_S = 100_000_000_000
"""Customer.io takes a time within [EARLIEST_S, LATEST_S) as Unix seconds; any other one it replaces
by "now" without a word (its official Ruby client refuses the same range)."""

FIELDS = (
    "event_time",
    "time",
    "created_at",
    "client_event_time",
    "server_received_time",
    "server_upload_time",
)
"""The fields of a record that may hold its time, in the order in which they are looked at."""
USUAL_FIELDS = ("event_time",)
"""Those that are read of a record that has the first one."""
_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d(?::?[0-5]\d)?)?", re.ASCII
)
_DIGITS = re.compile(r"\d{1,30}", re.ASCII)
_OUT_OF_RANGE = -1
_seconds: dict[str, int] = {}
"""Texts of whole seconds without a zone ("2026-05-04 10:01:07"), all in range -> Unix milliseconds.
Records come in the order of their times, more or less, so that many share a second; and reading its
text is most of the work."""
_MAX_SECONDS = 10_000


class InvalidTimeError(ValueError):
    """A record's time is missing, not readable or out of range; the text says which."""


def event_time_ms(record: Record) -> int:
    """The record's time in Unix milliseconds, rounded down.

    The first of Amplitude's time fields that is not null, else the message's publish time. A field
    that is there but not readable is an error: nothing is guessed. Raises InvalidTimeError.
    """
    fields = record.fields
    value = fields.get("event_time")
    if type(value) is str and len(value) == 26 and value[19] == ".":
        # The export's own form, "2026-05-04 10:01:07.001000", in a second that was seen before: it
        # is in range, and only milliseconds are left to read.
        second = _seconds.get(value[:19])
        if second is not None and value[20:].isdecimal() and value.isascii():
            return second + int(value[20:23])
    for field in FIELDS:
        value = fields.get(field)
        if value is not None:
            milliseconds = _parse(value)
            break
    else:
        field, published = "publish time", record.origin.publish_time
        if published is None:
            raise InvalidTimeError("the record has no time")
        milliseconds = _from_seconds(published)
    if milliseconds is None:
        raise InvalidTimeError(f"{field} is not a time")
    if not EARLIEST_S * 1000 <= milliseconds < LATEST_S * 1000:
        raise InvalidTimeError(f"{field} is outside {EARLIEST_S} to {LATEST_S} seconds")
    return milliseconds


def date_time_ms(text: str) -> int | None:
    """Unix milliseconds, rounded down, of a date-time in ISO 8601 or in Amplitude's form of it.

    Of any year: what Customer.io takes as an event's time is not looked at. None for another text.
    """
    match = _TEXT.fullmatch(text)
    return None if match is None else _from_text(*match.groups())


def _parse(value: Any) -> int | None:
    if type(value) is str:
        milliseconds = date_time_ms(value)
        if milliseconds is not None:
            return milliseconds
        if not _DIGITS.fullmatch(value):
            return None
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # 13 digits are milliseconds, any other number is seconds.
    if 10**12 <= value < 10**13:
        return int(value)
    return _from_seconds(value) if EARLIEST_S <= value < LATEST_S else _OUT_OF_RANGE


def _from_seconds(seconds: float) -> int:
    # In binary 1700000000.005 * 1000 is a little less than ...005.
    return int(Decimal(repr(seconds)) * 1000)


def _from_text(whole: str, fraction: str | None, zone: str | None) -> int | None:
    try:
        moment = datetime.fromisoformat(whole + ("" if zone in (None, "Z") else zone or ""))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    second = int(moment.timestamp()) * 1000
    if zone is None and EARLIEST_S * 1000 <= second < (LATEST_S - 1) * 1000:
        if len(_seconds) >= _MAX_SECONDS:
            _seconds.clear()
        _seconds[whole] = second
    return second + int((fraction or "0")[:3].ljust(3, "0"))
