"""Choosing among the messages of a subscription: what is read, and what stays in Pub/Sub."""

from collections.abc import Callable
from enum import Enum
from itertools import compress
from typing import NamedTuple

from transforms.records import Message


class Fate(Enum):
    """What becomes of a message that was pulled."""

    TAKE = "it is read"
    LEAVE = "it is kept leased, and goes back to Pub/Sub in the end"
    IGNORE = "like LEAVE; and that it came does not make the subscription a busy one"


Choose = Callable[[Message], Fate]
"""Called once a delivery, by the thread that pulls; must not raise."""


class Chosen(NamedTuple):
    """The messages to read, with their ids to acknowledge them by."""

    messages: list[Message]
    ack_ids: list[str]
    busy: bool
    """False when all that came is to be ignored."""


def take_all(_message: Message) -> Fate:
    """Reads everything."""
    return Fate.TAKE


def chosen(messages: list[Message], ack_ids: list[str], choose: Choose) -> Chosen:
    """Those of a pull's messages that are to be read."""
    if choose is take_all:
        return Chosen(messages, ack_ids, bool(messages))
    fates = [choose(message) for message in messages]
    takes = [fate is Fate.TAKE for fate in fates]
    return Chosen(
        list(compress(messages, takes)),
        list(compress(ack_ids, takes)),
        any(fate is not Fate.IGNORE for fate in fates),
    )
