"""Hostile times, by name, through the whole chain: what must come out."""

import json
from typing import Any

import pytest

from tests.transforms.test_hostile import INVALID_TIME, SECOND, ends, event, operation


@pytest.mark.parametrize(
    ("given", "second"),
    [
        pytest.param(1_000_000_000, 1_000_000_000, id="the earliest"),
        pytest.param(99_999_999_999, 99_999_999_999, id="the latest"),
        pytest.param(99_999_999_999.999, 99_999_999_999, id="a float at the end"),
        pytest.param(SECOND + 0.9999, SECOND, id="a float is rounded down"),
        pytest.param("00001777888867", SECOND, id="noughts in front"),
        pytest.param(10**12, 10**9, id="the first of 13 digits"),
        pytest.param(10**13 - 1, 9_999_999_999, id="the last of 13 digits"),
        pytest.param(str(10**13 - 1), 9_999_999_999, id="the same as text"),
        pytest.param(float(SECOND) * 1000, SECOND, id="milliseconds as a float"),
        pytest.param("2001-09-09T01:46:40Z", 1_000_000_000, id="the earliest as text"),
        pytest.param("5138-11-16 09:46:39.999", 99_999_999_999, id="the latest as text"),
        pytest.param("2026-05-04T10:01:07+23:59", SECOND - 86_340, id="a zone far east"),
        pytest.param("2026-05-04T10:01:07-2359", SECOND + 86_340, id="a zone far west"),
        pytest.param("2026-05-04T10:01:07-00", SECOND, id="a zone of nothing"),
        pytest.param("2026-05-04 10:01:07." + "9" * 10_000, SECOND, id="10 000 decimals"),
    ],
)
def test_a_time_that_is_one(given: Any, second: int) -> None:
    assert operation(json.dumps(event(time=given)).encode())["timestamp"] == second


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(999_999_999, id="one second too early"),
        pytest.param(999_999_999.9999, id="a ten-thousandth too early"),
        pytest.param(100_000_000_000, id="one second too late"),
        pytest.param(1e11, id="too late as a float"),
        pytest.param(10**12 - 1, id="12 digits"),
        pytest.param(10**13, id="14 digits"),
        pytest.param(0, id="0"),
        pytest.param(-0.0, id="-0.0"),
        pytest.param(-1, id="-1"),
        pytest.param(-SECOND, id="below nought"),
        pytest.param(1e308, id="1e308"),
        pytest.param(5e-324, id="5e-324"),
        pytest.param(10**4000, id="4 001 digits"),
        pytest.param("9" * 1_000_000, id="a megabyte of digits"),
        pytest.param("0001-01-01 00:00:00", id="year 1"),
        pytest.param("0001-01-01 00:00:00+14:00", id="year 1, and earlier still"),
        pytest.param("9999-12-31 23:59:59", id="year 9999"),
        pytest.param("9999-12-31 23:59:59-14:00", id="year 9999, and later still"),
        pytest.param("0000-01-01 00:00:00", id="year 0"),
        pytest.param("2016-12-31 23:59:60", id="a leap second"),
        pytest.param("2026-05-04 24:00:00", id="24 o'clock"),
        pytest.param("2026-02-30 00:00:00", id="30 February"),
        pytest.param("2026-05-04T10:01:07+99:99", id="a zone that is none"),
        pytest.param("2026-05-04T10:01:07+24:00", id="a zone of a day"),
        pytest.param("2026-05-04T10:01:07+01:60", id="a zone of 60 minutes"),
        pytest.param("2026-05-04 10:01:07 ", id="a blank behind it"),
        pytest.param("2026-05-04 10:01:07\n", id="a line end behind it"),
        pytest.param(" 1777888867", id="a blank in front"),
        pytest.param("1777888867\0", id="NUL behind it"),
        pytest.param("1e10", id="1e10 as text"),
        pytest.param("1777888867.5", id="decimals as text"),
        pytest.param("+1777888867", id="a plus"),
        pytest.param("1_777_888_867", id="as Python writes it"),
        pytest.param("١٧٧٧٨٨٨٨٦٧", id="Arabic digits"),
        pytest.param("２０２６-05-04 10:01:07", id="wide digits"),
        pytest.param("2026-05-04 10:01:07.١", id="Arabic decimals"),
        pytest.param("", id="nothing"),
        pytest.param(True, id="a boolean"),
        pytest.param([SECOND], id="a list"),
        pytest.param({}, id="an object"),
    ],
)
def test_a_time_that_is_none_never_becomes_now(given: Any) -> None:
    data = json.dumps({**event(time=given), "server_upload_time": SECOND}).encode()
    assert ends(data) == [INVALID_TIME]
