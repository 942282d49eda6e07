"""The product beside the reference, step by step; hypothesis looks for the shortest difference."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from tests.transforms.memory.model import Trial, draw_key, draw_operations, draw_policy, main
from transforms.memory.person import Update


@st.composite
def operations(draw: st.DrawFn) -> dict[str, Any]:
    """What one update does."""
    return draw_operations(lambda choices: draw(st.sampled_from(choices)))


class Memory(RuleBasedStateMachine):
    """Updates in any order, copies of them, restarts."""

    updates: Bundle[Update] = Bundle("updates")

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.trial = Trial(draw_policy(lambda choices: data.draw(st.sampled_from(choices))))
        self.number = 0

    @rule(
        target=updates,
        time_ms=st.integers(0, 60),
        operations=operations(),
        first=st.integers(0, 255),
    )
    def comes(self, time_ms: int, operations: dict[str, Any], first: int) -> Update:
        self.number += 1
        update = Update(draw_key(lambda _: first, self.number), time_ms, operations)
        self.trial.comes(update)
        return update

    @rule(update=updates)
    def comes_again(self, update: Update) -> None:
        self.trial.comes(update)

    @rule()
    def restarts(self) -> None:
        self.trial.restart()


TestMemory = Memory.TestCase
TestMemory.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


def test_the_command(capsys: Any) -> None:
    assert main(["--sequences", "300", "--processes", "1", "--first_seed", "7000"]) == 0
    printed = capsys.readouterr().out
    assert "300  sequences" in printed
    assert "0  differences" in printed
