"""A small storm with everything on; `python -m tests.chaos.everything` makes larger ones."""

from pathlib import Path

from tests.chaos.everything.page import settings
from tests.chaos.everything.storm import EverythingStorm
from tests.chaos.storm import Plan
from tests.chaos.verdict import Verdict


def test_a_storm_leaves_nothing_to_explain(tmp_path: Path) -> None:
    plan = Plan(records=1_500, seed=1, share=0.04, kills=2, settings=settings("changed"))
    result = EverythingStorm(plan, tmp_path).run()
    assert result.verdict.counts() == Verdict().counts(), result.report
    assert result.report["faults"] > 5
    assert result.report["redelivered_messages"] > 0
    assert sum(result.report["signals"].values()) == plan.kills
