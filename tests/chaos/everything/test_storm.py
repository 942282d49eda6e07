"""A small storm with everything on; `python -m tests.chaos.everything` makes larger ones."""

from pathlib import Path

import pytest

from tests.chaos.everything.page import settings
from tests.chaos.everything.storm import EverythingStorm
from tests.chaos.storm import Plan
from tests.chaos.verdict import Verdict


@pytest.mark.parametrize("trigger", ["identify", "changed"])
def test_a_storm_leaves_nothing_to_explain(trigger: str, tmp_path: Path) -> None:
    plan = Plan(1_500, 1, 0.04, 2, settings=settings(trigger))
    result = EverythingStorm(plan, tmp_path).run()
    assert result.verdict.counts() == Verdict().counts(), result.report
    assert result.report["faults"] > 5
    assert result.report["redelivered_messages"] > 0
    assert sum(result.report["signals"].values()) == plan.kills
