"""What the names of Amplitude's export files tell: the hour, and which hold no events.

Names: https://amplitude.com/docs/data/destination-catalog/amazon-s3 (those of GCS are the same, and
so are those in the archive that the Export API gives).
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Final

_EVENTS: Final = re.compile(r"\d+_(\d{4}-\d\d-\d\d)_(\d{1,2})(?:#\d+)?\.json(?:\.gz)?", re.ASCII)
_MERGED_IDS: Final = re.compile(r"-\d+_\d{4}-\d\d-\d\d_\d{1,2}(?:#\d+)?\.json(?:\.gz)?", re.ASCII)

AHEAD: Final = timedelta(days=1)
"""How far the clock of a device may be ahead of Amplitude's: an event may seem to be uploaded so
much before it happened."""


def last_event_ms(name: str) -> int | None:
    """The time, Unix milliseconds, before which all events of a file happened; None: not known.

    A file is named for the hour of the upload. An event may be uploaded days after it happened, so
    the name tells nothing about the earliest one.
    """
    found = _EVENTS.fullmatch(_base(name))
    if found is None:
        return None
    day, hour = found.groups()
    try:
        start = datetime.fromisoformat(day).replace(hour=int(hour), tzinfo=UTC)
        return round((start + timedelta(hours=1) + AHEAD).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def holds_merged_ids(name: str) -> bool:
    """Whether a file lists which users became one, and no events."""
    return _MERGED_IDS.fullmatch(_base(name)) is not None


def _base(name: str) -> str:
    return PurePosixPath(name.rpartition("!")[2]).name
