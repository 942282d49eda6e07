"""Pulls that are handed out as one."""

from collections import deque

import pytest

from pipeline.sources.pulled import Pulled, pop_joined
from transforms.records import Message


def pull(*names: str, size: int = 1) -> Pulled:
    return Pulled([Message(bytes(size), name, 0.0, {}) for name in names], list(names))


def taken(waiting: deque[Pulled], max_messages: int) -> list[list[str]]:
    """The ack ids of one take after the other."""
    takes: list[list[str]] = []
    while waiting:
        pulled = pop_joined(waiting, max_messages)
        assert [message.message_id for message in pulled.messages] == pulled.ack_ids
        assert pulled.size == sum(len(message.data) for message in pulled.messages)
        takes.append(pulled.ack_ids)
    return takes


@pytest.mark.parametrize(
    ("pulls", "takes"),
    [
        pytest.param([pull("a")], [["a"]], id="one"),
        pytest.param([pull("a"), pull("b", "c")], [["a", "b", "c"]], id="all fit"),
        pytest.param(
            [pull("a", "b"), pull("c", "d"), pull("e")], [["a", "b"], ["c", "d", "e"]], id="some"
        ),
        pytest.param(
            [pull("a", "b", "c", "d"), pull("e")], [["a", "b", "c", "d"], ["e"]], id="a big one"
        ),
        pytest.param(
            [pull("a", size=6_000_000), pull("b", size=6_000_000), pull("c")],
            [["a"], ["b", "c"]],
            id="bytes",
        ),
        pytest.param([pull("a", size=20_000_000), pull("b")], [["a"], ["b"]], id="one large"),
    ],
)
def test_pulls_are_joined_as_far_as_one_could_hold_them(
    pulls: list[Pulled], takes: list[list[str]]
) -> None:
    assert taken(deque(pulls), max_messages=3) == takes


def test_what_is_handed_out_again_stays_by_itself() -> None:
    waiting = deque([pull("a"), pull("b"), pull("c")])
    for pulled in list(waiting)[:2]:
        pulled.again = True

    first, second = pop_joined(waiting, 10), pop_joined(waiting, 10)

    assert (first.ack_ids, first.again) == (["a", "b"], True)
    assert (second.ack_ids, second.again) == (["c"], False)
