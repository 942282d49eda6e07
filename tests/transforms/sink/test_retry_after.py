"""How long an answer asks to wait."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sink.answers import Answer, retry_after_s

NOW = 784_111_777.0
"""Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110."""


@pytest.fixture
def west_of_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "EST5")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        pytest.param("0", 0.0, id="now"),
        pytest.param("7", 7.0, id="seconds"),
        pytest.param(" 120 ", 120.0, id="blanks around"),
        pytest.param("9" * 400, 999_999_999.0, id="absurd"),
        pytest.param("Sun, 06 Nov 1994 08:49:40 GMT", 3.0, id="date"),
        pytest.param("Sunday, 06-Nov-94 08:49:40 GMT", 3.0, id="date of RFC 850"),
        pytest.param("Sun Nov  6 08:49:40 1994", 3.0, id="date of asctime"),
        pytest.param("Sun, 06 Nov 1994 08:49:40 -0000", 3.0, id="date without a zone"),
        pytest.param("Sun, 06 Nov 1994 03:49:40 -0500", 3.0, id="date with an offset"),
        pytest.param("Sun, 06 Nov 1994 08:49:30 GMT", 0.0, id="date that is over"),
        pytest.param("", None, id="nothing"),
        pytest.param("-5", None, id="negative"),
        pytest.param("1.5", None, id="decimal"),
        pytest.param("²", None, id="a digit, but not of ASCII"),
        pytest.param("soon", None, id="a word"),
        pytest.param("Sun, 99 Nov 1994 99:99:99 GMT", None, id="no such date"),
        pytest.param("Fri, 31 Dec 99999 23:59:59 GMT", None, id="no such year"),
    ],
)
@pytest.mark.usefixtures("west_of_utc")
def test_retry_after(text: str, seconds: float | None) -> None:
    assert retry_after_s(Answer(429, retry_after=text), NOW) == seconds


def test_no_retry_after() -> None:
    assert retry_after_s(Answer(429), NOW) is None


@pytest.mark.parametrize("skew_s", [-86_400.0, -60.0, 60.0, 86_400.0])
def test_a_date_is_held_against_the_servers_own_clock(skew_s: float) -> None:
    answer = Answer(
        503,
        retry_after="Sun, 06 Nov 1994 08:49:40 GMT",
        date="Sun, 06 Nov 1994 08:49:37 GMT",
    )
    assert retry_after_s(answer, NOW + skew_s) == 3.0


def test_a_date_header_that_is_none_leaves_our_own_clock() -> None:
    answer = Answer(503, retry_after="Sun, 06 Nov 1994 08:49:40 GMT", date="today")
    assert retry_after_s(answer, NOW) == 3.0


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=40), st.none() | st.text(max_size=40))
def test_no_retry_after_raises(text: str, date: str | None) -> None:
    seconds = retry_after_s(Answer(429, retry_after=text, date=date), NOW)

    assert seconds is None or seconds >= 0
