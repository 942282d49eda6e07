"""Statistics, windows and targets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.figures import Figure, Target, between, median, most_within, percentile
from benchmarks.rows.budget import BUDGET, back_at, steady_figures

TIMES = st.lists(st.integers(0, 50).map(lambda tenths: tenths / 8), max_size=40)


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        pytest.param([3.0], 3.0, id="one"),
        pytest.param([9.0, 1.0, 2.0], 2.0, id="odd"),
        pytest.param([4.0, 1.0, 2.0, 9.0], 3.0, id="even"),
    ],
)
def test_median(values: list[float], middle: float) -> None:
    assert median(values) == middle


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.5, 50.0), (0.95, 95.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0), (0.951, 96.0)],
)
def test_percentile_is_the_nearest_rank(share: float, value: float) -> None:
    assert percentile([float(number) for number in range(100, 0, -1)], share) == value


def test_nothing_has_no_middle() -> None:
    with pytest.raises(ValueError, match="no values"):
        median([])
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


@pytest.mark.parametrize(
    ("times", "most"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([1.0], 1, id="one"),
        pytest.param([0.0, 1.0], 1, id="the end is not in the window"),
        pytest.param([0.9, 1.0, 1.1, 1.8], 4, id="across two calendar seconds"),
        pytest.param([3.0, 0.1, 2.9, 0.0], 2, id="in any order"),
    ],
)
def test_most_within_a_second(times: list[float], most: int) -> None:
    assert most_within(times, 1.0) == most


@given(TIMES)
def test_most_within_is_what_looking_everywhere_finds(times: list[float]) -> None:
    looked = max((len(between(times, begin, begin + 1.0)) for begin in times), default=0)
    assert most_within(times, 1.0) == looked


@pytest.mark.parametrize(
    ("target", "value", "met", "aimed"),
    [
        pytest.param(Target(0.6, 0.8), 0.59, False, False, id="missed"),
        pytest.param(Target(0.6, 0.8), 0.6, True, False, id="just met"),
        pytest.param(Target(0.6, 0.8), 0.8, True, True, id="aim"),
        pytest.param(Target(20), 1e9, True, False, id="no aim"),
        pytest.param(Target(1.0, 0.25, more_is_better=False), 1.1, False, False, id="too slow"),
        pytest.param(Target(1.0, 0.25, more_is_better=False), 0.2, True, True, id="fast"),
    ],
)
def test_target(target: Target, value: float, met: bool, aimed: bool) -> None:
    assert (target.met(value), target.aimed(value)) == (met, aimed)


def test_even_requests_keep_to_the_budget() -> None:
    times = [100 + number / BUDGET for number in range(BUDGET * 10)]
    any_second, whole = steady_figures(times, 10.0)
    assert any_second.median == pytest.approx(0.0, abs=2.1)
    assert whole.median == pytest.approx(0.0)
    assert verdicts([any_second, whole]) == [True, True]


def test_requests_in_heaps_do_not() -> None:
    heaps = [second + number / 1000 for second in range(10) for number in range(BUDGET)]
    assert steady(heaps) == [True, True]
    assert steady(heaps[:-BUDGET]) == [True, False]
    # Within the budget in every calendar second, and twice the budget in the second from 0.5 on.
    late = [moment + 0.5 * (moment < 1) for moment in heaps]
    assert steady(late) == [False, True]


def steady(times: list[float]) -> list[bool]:
    """Whether requests over ten seconds keep to the budget in any second, and over all."""
    return verdicts(list(steady_figures(times, 10.0)))


def verdicts(figures: list[Figure]) -> list[bool]:
    """Whether each figure reaches its target."""
    return [figure.target is not None and figure.target.met(figure.median) for figure in figures]


def test_back_at_the_budget() -> None:
    slow = [number / 10 for number in range(30)]
    fast = [3 + number / BUDGET for number in range(BUDGET * 2)]
    assert back_at([*slow, *fast], 0.0) == 4.0
    assert back_at(slow, 0.0) is None
    assert back_at([], 0.0) is None
