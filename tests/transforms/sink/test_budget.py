"""The request budget, in a time of its own: no test here waits."""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transforms.sink.virtual_time import VirtualTime
from transforms.sink.budget import RequestBudget


class Traffic:
    """Lanes that send through one budget; `sent` is when, in seconds."""

    def __init__(self, requests_per_second: float) -> None:
        self.time = VirtualTime()
        self.budget = RequestBudget(requests_per_second, self.time.clock, self.time.sleep)
        self.start = self.time.clock()
        self.sent: list[float] = []
        self.waited: list[float] = []
        self.pauses: list[tuple[float, float]] = []

    def send(self) -> None:
        self.waited.append(self.budget.acquire())
        self.sent.append(self.time.clock())

    def too_many(self, pause_s: float) -> None:
        now = self.time.clock()
        self.pauses.append((now, now + pause_s))
        self.budget.slow_down(pause_s)

    def run(self, *lanes: Callable[[], None]) -> None:
        self.time.run(lanes)

    def between(self, first_s: float, end_s: float) -> int:
        """How many requests left in [first_s, end_s), counted from the start."""
        return bisect_left(self.sent, self.start + end_s) - bisect_left(
            self.sent, self.start + first_s
        )


def busiest_second(sent: Sequence[float]) -> int:
    """The most requests in any second."""
    # A nanosecond less: two that are due a second apart are not in the same second.
    return max(
        bisect_left(sent, first + 1 - 1e-9) - position for position, first in enumerate(sent)
    )


def allowed(requests_per_second: float) -> int:
    """The budget and a tenth, in whole requests."""
    return math.ceil(requests_per_second * 1.1)


RATES = [0.3, 1, 2.5, 5, 9, 10, 33.4, 100, 1000]


@pytest.mark.parametrize("rate", RATES)
def test_lanes_that_want_more_use_the_budget_and_no_more(rate: float) -> None:
    traffic = Traffic(rate)
    each = max(2, int(rate))

    def lane() -> None:
        for _ in range(each):
            traffic.send()

    traffic.run(*[lane] * 4)

    assert busiest_second(traffic.sent) <= allowed(rate)
    took = traffic.sent[-1] - traffic.sent[0]
    assert took == pytest.approx((4 * each - 1) / rate, abs=0.051)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(
    rate=st.floats(0.5, 200),
    lanes=st.lists(
        st.lists(
            st.tuples(st.floats(0, 1.5), st.none() | st.floats(0, 4)), min_size=1, max_size=25
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_no_second_sees_more_than_the_budget_and_no_pause_a_request(
    rate: float, lanes: list[list[tuple[float, float | None]]]
) -> None:
    traffic = Traffic(rate)

    def lane(answers: list[tuple[float, float | None]]) -> None:
        for took_s, pause_s in answers:
            traffic.send()
            traffic.time.sleep(took_s)
            if pause_s is not None:
                traffic.too_many(pause_s)

    traffic.run(*[lambda answers=answers: lane(answers) for answers in lanes])

    assert len(traffic.sent) == sum(map(len, lanes))
    assert busiest_second(traffic.sent) <= allowed(rate)
    for begin, end in traffic.pauses:
        # At `begin` itself another lane may be on its way already.
        assert not [moment for moment in traffic.sent if begin < moment < end - 1e-6]


def test_what_acquire_returns_is_what_was_waited() -> None:
    traffic = Traffic(10)

    def lane() -> None:
        for _ in range(5):
            traffic.send()

    traffic.run(lane)

    assert sum(traffic.waited) == pytest.approx(traffic.sent[-1] - traffic.start)
    assert traffic.waited[0] == 0


def test_idle_time_saves_nothing_up() -> None:
    traffic = Traffic(100)

    def lane() -> None:
        traffic.send()
        traffic.time.sleep(3600)
        for _ in range(150):
            traffic.send()

    traffic.run(lane)

    assert busiest_second(traffic.sent) <= allowed(100)


@pytest.mark.parametrize("lanes", [1, 16])
def test_no_limit(lanes: int) -> None:
    traffic = Traffic(0)

    def lane() -> None:
        for _ in range(100):
            traffic.send()

    traffic.run(*[lane] * lanes)

    assert set(traffic.sent) == {traffic.start}
    assert set(traffic.waited) == {0.0}


def test_a_429_stops_every_lane_also_without_a_limit() -> None:
    traffic = Traffic(0)
    traffic.budget.slow_down(7)

    traffic.run(traffic.send, traffic.send)

    assert traffic.sent == [traffic.start + 7] * 2
    assert traffic.waited == [7.0] * 2


def test_a_429_also_stops_a_lane_that_was_waiting_for_its_turn() -> None:
    traffic = Traffic(1)

    def patient() -> None:
        traffic.send()
        traffic.send()

    def told_to_wait() -> None:
        traffic.time.sleep(0.5)
        traffic.too_many(10)

    traffic.run(patient, told_to_wait)

    assert traffic.sent == [traffic.start, pytest.approx(traffic.start + 10.5)]
    assert sum(traffic.waited) == pytest.approx(10.5)


def test_a_429_halves_the_rate_which_recovers_within_half_a_minute() -> None:
    traffic = Traffic(100)
    traffic.budget.slow_down(0)

    def lane() -> None:
        while traffic.time.clock() < traffic.start + 40:
            traffic.send()

    traffic.run(lane)

    assert traffic.between(0, 1) == pytest.approx(50, abs=6)
    assert traffic.between(7, 8) == pytest.approx(75, abs=3)
    assert traffic.between(20, 21) == pytest.approx(100, abs=1)
    assert traffic.between(35, 36) == pytest.approx(100, abs=1)


def test_429s_to_requests_that_were_under_way_together_count_once() -> None:
    traffic = Traffic(100)
    for _ in range(16):
        traffic.budget.slow_down(1)

    traffic.run(*[traffic.send] * 60)

    # Half of the budget, and what it has recovered within the pause and this second.
    assert traffic.between(1, 2) == pytest.approx(55, abs=5)


def test_429_after_429_slows_down_to_a_twentieth_at_the_most() -> None:
    traffic = Traffic(100)

    def lane() -> None:
        for _ in range(20):
            traffic.send()
            traffic.too_many(0.01)
            traffic.time.sleep(0.01)
        traffic.sent.clear()
        for _ in range(6):
            traffic.send()

    traffic.run(lane)

    seconds = traffic.sent[-1] - traffic.sent[0]
    assert 0.4 < seconds < 5 / (100 * 0.05)


def test_the_longest_pause_counts() -> None:
    traffic = Traffic(0)
    traffic.budget.slow_down(5)
    traffic.budget.slow_down(2)

    traffic.run(traffic.send)

    assert traffic.sent == [traffic.start + 5]
