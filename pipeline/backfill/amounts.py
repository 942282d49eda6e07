"""Bytes, times and durations in words."""

from datetime import UTC, datetime, timedelta


def in_bytes(count: int) -> str:
    """An amount of bytes."""
    if count < 1_000_000:
        return f"{count / 1_000:,.1f} kB"
    return f"{count / 1_000_000:,.1f} MB"


def in_time(time_ms: int) -> str:
    """A time, to the second."""
    try:
        return f"{datetime.fromtimestamp(time_ms // 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError):
        return f"{time_ms // 1000} s (Unix)"


def in_time_left(seconds: float) -> str:
    """A duration."""
    return str(timedelta(seconds=max(1, round(seconds))))
