"""Rows from end to end with very little of everything. What they find is not looked at, only that
what they find balances and is there.
"""

from pathlib import Path

import msgspec
import pytest

from benchmarks.bench import Bench
from benchmarks.command import ROWS
from benchmarks.inputs import Inputs
from benchmarks.sizes import QUICK

SIZES = msgspec.structs.replace(
    QUICK,
    warm=100,
    core=500,
    core_pairs=1,
    streaming=500,
    streaming_beam=20,
    distance=500,
    latency_s=0.5,
    latency_rates=(50, 400),
    peers_core=500,
    peers_v1=100,
    peers_v2=500,
    peers_beam=500,
    start=100,
)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        pytest.param("core", "core / floor, one core", id="core"),
        pytest.param("distance", "answers after 100 ms", id="distance"),
        pytest.param("streaming", "streaming / Beam's own source", id="streaming"),
        pytest.param("latency", "400 records/s, p95", id="latency"),
        pytest.param("peers", "core / RequestResponseIO", id="peers"),
        pytest.param("start", "first delivery after start", id="start"),
    ],
)
def test_row(tmp_path: Path, row: str, name: str) -> None:
    figures = list(ROWS[row](Bench(SIZES, Inputs(tmp_path), tmp_path, print)))
    assert name in [figure.name for figure in figures]
    assert {figure.row for figure in figures} == {row}
    assert all(value > 0 for figure in figures for value in figure.values)
