"""A small storm in every run of the tests; `python -m tests.chaos.storm` makes larger ones."""

from pathlib import Path

import pytest

from tests.chaos.storm import Plan, Storm
from tests.chaos.verdict import Verdict


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(records=10_000, seed=1, share=0.05, kills=3), id="one program"),
        pytest.param(
            Plan(records=6_000, seed=2, share=0.05, kills=2, processes=2, letters_to_topic=True),
            id="two programs",
        ),
    ],
)
def test_a_storm_leaves_nothing_to_explain(plan: Plan, tmp_path: Path) -> None:
    result = Storm(plan, tmp_path).run()
    assert result.verdict.counts() == Verdict().counts(), result.report
    assert result.wanted.records == plan.records
    assert result.report["faults"] > 5
    assert result.report["redelivered_messages"] > 0
    assert result.report["duplicate_events_refused"] > 0
    assert sum(result.report["signals"].values()) == plan.kills
