"""How long a lane waits after a failure."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.sink.backoff import LONGEST_RETRY_AFTER_S, backoff_s


class Jitter(random.Random):
    """Draws the same share of every range."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def uniform(self, a: float, b: float) -> float:
        return a + (b - a) * self.share


@pytest.mark.parametrize(
    ("failures", "longest_s"),
    [(1, 0.25), (2, 0.5), (3, 1.0), (7, 16.0), (8, 30.0), (9, 30.0), (10**9, 30.0)],
)
def test_the_ceiling_doubles_up_to_half_a_minute(failures: int, longest_s: float) -> None:
    assert backoff_s(failures, None, Jitter(1.0)) == longest_s
    assert backoff_s(failures, None, Jitter(0.5)) == longest_s / 2
    assert backoff_s(failures, None, Jitter(0.0)) == 0.0


@pytest.mark.parametrize(
    ("asked_s", "share", "waited_s"),
    [
        pytest.param(7.0, 0.0, 7.0, id="at least what was asked for"),
        pytest.param(7.0, 1.0, 8.0, id="a second of jitter on top at the most"),
        pytest.param(0.0, 0.0, 0.0, id="at once"),
        pytest.param(300.0, 0.0, 300.0, id="the longest"),
        pytest.param(301.0, 0.0, 300.0, id="longer than we ever wait"),
        pytest.param(999_999_999.0, 1.0, 301.0, id="absurd"),
    ],
)
def test_what_the_server_asks_for_is_the_least(
    asked_s: float, share: float, waited_s: float
) -> None:
    assert backoff_s(9, asked_s, Jitter(share)) == waited_s


def test_the_first_jitter_stays_small_when_the_server_asks_for_a_time() -> None:
    assert backoff_s(1, 7.0, Jitter(1.0)) == 7.25


@settings(deadline=None, derandomize=True)
@given(st.integers(1, 10_000), st.none() | st.floats(0, 1e9), st.randoms(use_true_random=False))
def test_no_wait_is_negative_or_endless(
    failures: int, asked_s: float | None, rng: random.Random
) -> None:
    waited_s = backoff_s(failures, asked_s, rng)

    assert min(asked_s or 0.0, LONGEST_RETRY_AFTER_S) <= waited_s <= LONGEST_RETRY_AFTER_S + 1
