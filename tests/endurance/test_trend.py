"""Lines, quantiles, and how many failures an hour holds."""

import pytest

from tests.endurance.outage_plan import failures_in
from tests.endurance.trend import line, median, quantile


def test_line_through_points_on_a_line() -> None:
    assert line([0, 1, 2, 3], [5, 7, 9, 11]) == (2.0, 0.0)


def test_line_and_its_error() -> None:
    slope, error = line([1, 2, 3, 4], [6, 5, 7, 10])
    assert slope == pytest.approx(1.4)
    # Residuals 1.1, -1.3, -0.7, 0.9: sqrt(4.2 / 2 / 5).
    assert error == pytest.approx(0.6481, abs=1e-4)


@pytest.mark.parametrize(
    ("xs", "ys"),
    [
        pytest.param([1, 2], [1, 2], id="two points"),
        pytest.param([1, 1, 1], [1, 2, 3], id="one x"),
        pytest.param([1, 2, 3], [1, 2], id="of two lengths"),
    ],
)
def test_no_line(xs: list[float], ys: list[float]) -> None:
    with pytest.raises(ValueError, match="line"):
        line(xs, ys)


@pytest.mark.parametrize(
    ("share", "wanted"),
    [(0.0, 1), (0.2, 1), (0.21, 2), (0.5, 3), (0.95, 5), (1.0, 5)],
)
def test_quantile(share: float, wanted: float) -> None:
    assert quantile([5, 3, 1, 4, 2], share) == wanted


def test_median_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        median([])


@pytest.mark.parametrize(("seconds", "wanted"), [(119, 0), (120, 1), (600, 4), (3_600, 25)])
def test_failures_in(seconds: float, wanted: int) -> None:
    assert failures_in(seconds) == wanted
