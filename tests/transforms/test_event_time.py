"""Event time: every format, the order of the fields, and the edges of the range."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms.make import many
from transforms.event_time import EARLIEST_S, LATEST_S, InvalidTimeError, event_time_ms
from transforms.records import Origin, Record

MOMENT_MS = 1_777_888_867_123  # 2026-05-04 10:01:07.123 UTC
DAY = "2026-05-04"
PUBLISHED = 1_777_888_999.5


def time_of(fields: dict[str, Any], published: float | None = None) -> int:
    return event_time_ms(Record(fields, Origin("m", published, {})))


@pytest.mark.parametrize(
    ("value", "milliseconds"),
    [
        pytest.param(f"{DAY} 10:01:07.123000", MOMENT_MS, id="export"),
        pytest.param(f"{DAY} 10:01:07", MOMENT_MS - 123, id="no fraction"),
        pytest.param(f"{DAY} 10:01:07.1", MOMENT_MS - 23, id="one digit"),
        pytest.param(f"{DAY} 10:01:07.1239999999999", MOMENT_MS, id="more digits, rounded down"),
        pytest.param(f"{DAY}T10:01:07.123", MOMENT_MS, id="T"),
        pytest.param(f"{DAY}T10:01:07.123Z", MOMENT_MS, id="Z"),
        pytest.param(f"{DAY} 10:01:07.123Z", MOMENT_MS, id="blank and Z"),
        pytest.param(f"{DAY}T12:01:07.123+02:00", MOMENT_MS, id="offset"),
        pytest.param(f"{DAY}T12:01:07.123+0200", MOMENT_MS, id="offset without colon"),
        pytest.param(f"{DAY}T12:01:07.123+02", MOMENT_MS, id="offset of hours"),
        pytest.param(f"{DAY}T04:31:07.123-05:30", MOMENT_MS, id="offset to the west"),
        pytest.param("2026-05-05T00:01:07.123+14:00", MOMENT_MS, id="offset over midnight"),
        pytest.param(f"{DAY}T10:01:07.123-00:00", MOMENT_MS, id="offset of nothing"),
        pytest.param("2024-02-29 00:00:00", 1_709_164_800_000, id="leap day"),
        pytest.param(1_777_888_867, MOMENT_MS - 123, id="seconds"),
        pytest.param(1_777_888_867.123, MOMENT_MS, id="seconds with a fraction"),
        pytest.param(1_777_888_867.0, MOMENT_MS - 123, id="seconds as a float"),
        pytest.param("1777888867", MOMENT_MS - 123, id="digits"),
        pytest.param(1_777_888_867_123, MOMENT_MS, id="milliseconds"),
        pytest.param("1777888867123", MOMENT_MS, id="13 digits"),
        pytest.param(1_777_888_867_123.9, MOMENT_MS, id="milliseconds with a fraction"),
        pytest.param(1.777888867123e12, MOMENT_MS, id="milliseconds as a float"),
        pytest.param(1_000_000_000, 10**12, id="the earliest second"),
        pytest.param(1_000_000_000_000, 10**12, id="the earliest millisecond"),
        pytest.param("2001-09-09 01:46:40", 10**12, id="the earliest text"),
        pytest.param(99_999_999_999, 99_999_999_999_000, id="the latest second"),
        pytest.param(9_999_999_999_999, 9_999_999_999_999, id="the latest of 13 digits"),
        pytest.param("5138-11-16 09:46:39.999", 99_999_999_999_999, id="the latest text"),
    ],
)
def test_readable(value: object, milliseconds: int) -> None:
    assert time_of({"event_time": value}) == milliseconds


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param(" ", id="blank"),
        pytest.param("yesterday", id="a word"),
        pytest.param(DAY, id="a day"),
        pytest.param(f"{DAY} 10:01", id="no seconds"),
        pytest.param(f"{DAY}  10:01:07", id="two blanks"),
        pytest.param(f" {DAY} 10:01:07", id="a blank in front"),
        pytest.param(f"{DAY} 10:01:07\n", id="a line feed behind"),
        pytest.param(f"{DAY}t10:01:07z", id="small letters"),
        pytest.param(f"{DAY} 10:01:07.", id="a dot without digits"),
        pytest.param(f"{DAY} 10:01:07,5", id="a comma"),
        pytest.param(f"{DAY} 10:01:07 Z", id="a blank before the zone"),
        pytest.param(f"{DAY} 10:01:07 UTC", id="a named zone"),
        pytest.param(f"{DAY} 10:01:07+2", id="an offset of one digit"),
        pytest.param(f"{DAY} 10:01:07+24:00", id="an offset of a day"),
        pytest.param(f"{DAY} 10:01:07+02:60", id="an offset of sixty minutes"),
        pytest.param(f"{DAY} 10:01:07+0299", id="an offset of 99 minutes"),
        pytest.param("2026-02-30 10:01:07", id="no such day"),
        pytest.param("2026-13-01 10:01:07", id="no such month"),
        pytest.param(f"{DAY} 24:00:00", id="no such hour"),
        pytest.param(f"{DAY} 23:59:60", id="leap second"),
        pytest.param("0000-01-01 00:00:00", id="the year 0"),
        pytest.param("04/05/2026 10:01:07", id="another order"),
        pytest.param("٢٠٢٦-05-04 10:01:07", id="digits of another script"),
        pytest.param("1777888867.5", id="digits with a fraction"),
        pytest.param("1.7e9", id="digits with an exponent"),
        pytest.param("+1777888867", id="digits with a sign"),
        pytest.param("1_777_888_867", id="digits with underscores"),
        pytest.param("9" * 5000, id="5000 digits"),
        pytest.param(True, id="true"),
        pytest.param(False, id="false"),
        pytest.param([], id="list"),
        pytest.param({"s": 1_777_888_867}, id="object"),
        pytest.param(0, id="zero"),
        pytest.param(-1_777_888_867, id="negative"),
        pytest.param(999_999_999, id="a second too early"),
        pytest.param(999_999_999.9999, id="a moment too early"),
        pytest.param(999_999_999_999, id="milliseconds too early: 12 digits are seconds"),
        pytest.param(100_000_000_000, id="a second too late"),
        pytest.param(10_000_000_000_000, id="14 digits"),
        pytest.param(1_777_888_867_123_456, id="microseconds"),
        pytest.param(10**400, id="a number without end"),
        pytest.param(1.7e308, id="a float without end"),
        pytest.param("2001-09-09 01:46:39.999", id="text too early"),
        pytest.param("5138-11-16 09:46:40", id="text too late"),
        pytest.param("0001-01-01 00:00:00+14:00", id="before the first year"),
        pytest.param("9999-12-31 23:59:59-14:00", id="after the last year"),
    ],
)
def test_not_readable_is_never_replaced_by_another_time(value: object) -> None:
    with pytest.raises(InvalidTimeError, match="event_time"):
        time_of({"event_time": value, "client_event_time": 1_777_888_867}, PUBLISHED)


@pytest.mark.parametrize(
    ("fields", "published", "detail"),
    [
        pytest.param({"time": "SECRET"}, 1e9, "time is not a time", id="unreadable"),
        pytest.param({"time": 0}, 1e9, "time is outside 1000000000 to", id="too early"),
        pytest.param({"created_at": 1e300}, 1e9, "created_at is outside", id="too late"),
        pytest.param({}, 0.0, "publish time is outside", id="the message's own"),
        pytest.param({"time": None}, None, "the record has no time", id="none"),
    ],
)
def test_the_text_says_which_time_is_wrong_and_how(
    fields: dict[str, Any], published: float | None, detail: str
) -> None:
    with pytest.raises(InvalidTimeError, match=detail):
        time_of(fields, published)


FIELDS = (
    "event_time",
    "time",
    "created_at",
    "client_event_time",
    "server_received_time",
    "server_upload_time",
)


@pytest.mark.parametrize("first", range(len(FIELDS)), ids=FIELDS)
def test_the_first_field_that_is_not_null_counts(first: int) -> None:
    fields = {
        name: None if position < first else 1_777_888_000 + position
        for position, name in enumerate(FIELDS)
    }
    assert time_of(fields, PUBLISHED) == (1_777_888_000 + first) * 1000


def test_a_record_without_a_time_has_that_of_its_message() -> None:
    assert time_of({"event_time": None}, PUBLISHED) == 1_777_888_999_500


@pytest.mark.parametrize("published", [None, 0.0, 999_999_999.0, 1e11])
def test_without_a_usable_publish_time_it_has_none(published: float | None) -> None:
    with pytest.raises(InvalidTimeError):
        time_of({}, published)


@many
@given(
    st.datetimes(datetime(2001, 9, 10), datetime(5138, 1, 1)),
    st.integers(-23 * 60 - 59, 23 * 60 + 59),
    st.sampled_from(" T"),
)
def test_text_means_what_python_reads_in_it(moment: datetime, minutes: int, between: str) -> None:
    aware = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    since = aware - datetime(1970, 1, 1, tzinfo=UTC)
    exact = since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    assert time_of({"time": aware.isoformat(sep=between)}) == exact


@many
@given(st.floats(EARLIEST_S, LATEST_S, exclude_max=True) | st.integers(EARLIEST_S, LATEST_S - 1))
def test_seconds_are_rounded_down(seconds: float) -> None:
    published = time_of({}, float(seconds))
    found = time_of({"time": seconds})
    assert found == published
    assert found == math.floor(Decimal(repr(seconds)) * 1000)
    assert found // 1000 == math.floor(seconds)


@many
@given(st.integers(10**12, 2 * 10**12))
def test_a_time_in_milliseconds_is_the_same_in_seconds(milliseconds: int) -> None:
    assert time_of({"time": milliseconds / 1000}) == time_of({"time": milliseconds}) == milliseconds


@given(
    st.datetimes(datetime(2001, 9, 10), datetime(2100, 1, 1)),
    st.sampled_from(["%f", "%f0", "00%f", "١٢٣٤٥٦", "12 345", "-1.000", "00000Z", "1e0000", ""]),
)
def test_a_second_that_was_seen_before_reads_as_one_that_was_not(
    moment: datetime, fraction: str
) -> None:
    text = f"{moment:%Y-%m-%d %H:%M:%S}." + fraction.replace("%f", f"{moment.microsecond:06}")

    def read() -> int | None:
        try:
            return time_of({"event_time": text})
        except InvalidTimeError:
            return None

    first = read()
    time_of({"event_time": f"{moment:%Y-%m-%d %H:%M:%S}"})
    assert read() == first


def test_a_second_out_of_range_is_out_of_range_the_second_time_too() -> None:
    for _ in range(2):
        with pytest.raises(InvalidTimeError, match="outside"):
            time_of({"event_time": "2001-09-09 01:46:39.999999"})
