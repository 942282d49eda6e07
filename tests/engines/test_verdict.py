"""The judge of a run: it has to see each of the ways in which an engine may break the promise."""

import msgspec
import pytest

from engines.verdict import Acknowledged, Figures, busy, faults

GOOD = Figures(
    engine="Flink",
    published=1_000,
    arrived=1_000,
    again=70,
    acknowledged=Acknowledged(messages=1_000, ahead=-3, looks=12),
    shares={"worker-1": 700, "worker-2": 370},
    shares_before_kill={"worker-1": 20, "worker-2": 130},
    again_before_kill=20,
    killed="worker-2",
    arrived_at_kill=310,
    over=True,
    seconds=9.5,
)
FILES = msgspec.structs.replace(GOOD, acknowledged=None, again_before_kill=0)


@pytest.mark.parametrize("figures", [GOOD, FILES], ids=["subscription", "files"])
def test_what_was_sent_again_and_counted_once_is_no_fault(figures: Figures) -> None:
    assert faults(figures, side_by_side=2) == []


@pytest.mark.parametrize("figures", [GOOD, FILES], ids=["subscription", "files"])
@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({"arrived": 990}, "10 events never arrived", id="lost"),
        pytest.param(
            {"arrived": 1_007}, "7 events came under a second id, and count twice", id="twice"
        ),
        pytest.param({"over": False}, "the run stood still and never came to its end", id="still"),
        pytest.param(
            {"shares": {"worker-1": 1_000, "worker-2": 40}},
            "1 workers delivered in the run (worker-1); want 2",
            id="one worker alone",
        ),
        pytest.param(
            {"shares_before_kill": {"worker-1": 0, "worker-2": 150}},
            "1 workers delivered before the kill (worker-2); want 2",
            id="one after the other",
        ),
        pytest.param(
            {"killed": None},
            "nothing was killed: never had 2 workers delivered with records left",
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
def test_what_is_wrong_is_said(figures: Figures, change: dict[str, object], fault: str) -> None:
    assert faults(msgspec.structs.replace(figures, **change), side_by_side=2) == [fault]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param({"messages": 1}, "999 messages were never acknowledged", id="left"),
        pytest.param(
            {"ahead": 1}, "1 messages were acknowledged before they were delivered", id="early"
        ),
        pytest.param(
            {"looks": 0},
            "nobody looked at the order of deliveries and acknowledgements",
            id="blind",
        ),
    ],
)
def test_what_is_wrong_with_acknowledgements_is_said(change: dict[str, int], fault: str) -> None:
    assert GOOD.acknowledged is not None
    seen = msgspec.structs.replace(GOOD.acknowledged, **change)
    figures = msgspec.structs.replace(GOOD, acknowledged=seen)
    assert faults(figures, side_by_side=2) == [fault]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        pytest.param(
            {"again_before_kill": 5}, "5 events were sent again before the kill", id="given back"
        ),
        pytest.param(
            {"again": 0},
            "nothing was sent again after the kill: it hit nobody who had delivered",
            id="idle victim",
        ),
    ],
)
def test_what_is_wrong_with_files_is_said(change: dict[str, int], fault: str) -> None:
    assert faults(msgspec.structs.replace(FILES, **change), side_by_side=2) == [fault]


def test_a_worker_alone_is_enough_where_no_other_could_be() -> None:
    alone = msgspec.structs.replace(FILES, shares_before_kill={"worker-1": 9})
    assert faults(alone, side_by_side=1) == []


@pytest.mark.parametrize(
    ("shares", "names"),
    [
        pytest.param({}, [], id="nobody"),
        pytest.param({"a": 0}, [], id="nothing yet"),
        pytest.param({"b": 95, "a": 5}, ["a", "b"], id="one in twenty"),
        pytest.param({"b": 96, "a": 4}, ["b"], id="looks on"),
    ],
)
def test_who_is_busy(shares: dict[str, int], names: list[str]) -> None:
    assert busy(shares) == names
