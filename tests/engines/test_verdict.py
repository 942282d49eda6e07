"""The judge of a run: it has to see each of the ways in which an engine may break the promise."""

import msgspec
import pytest

from engines.verdict import Figures, faults

GOOD = Figures(
    engine="Flink",
    published=1_000,
    arrived=1_000,
    again=70,
    acknowledged=1_000,
    ahead=-3,
    looks=12,
    shares={"worker-1": 700, "worker-2": 370},
    killed="worker-2",
    arrived_at_kill=310,
    seconds=9.5,
)


def test_what_was_sent_again_and_counted_once_is_no_fault() -> None:
    assert faults(GOOD, workers=2) == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({"arrived": 990}, "10 events never arrived", id="lost"),
        pytest.param({"acknowledged": 1}, "999 messages were never acknowledged", id="left"),
        pytest.param(
            {"ahead": 1}, "1 messages were acknowledged before they were delivered", id="early"
        ),
        pytest.param(
            {"looks": 0},
            "nobody looked at the order of deliveries and acknowledgements",
            id="blind",
        ),
        pytest.param(
            {"shares": {"worker-1": 1_000, "worker-2": 40}},
            "1 workers had a part in it (worker-1); want 2",
            id="one worker alone",
        ),
        pytest.param(
            {"killed": None},
            "nothing was killed: all was delivered before anything was acknowledged",
            id="no kill",
        ),
        pytest.param(
            {"arrived_at_kill": 1_000},
            "the kill came at 1,000 events, not in the middle",
            id="late",
        ),
        pytest.param(
            {"arrived_at_kill": 0}, "the kill came at 0 events, not in the middle", id="0"
        ),
    ],
)
def test_what_is_wrong_is_said(change: dict[str, object], fault: str) -> None:
    assert faults(msgspec.structs.replace(GOOD, **change), workers=2) == [fault]
