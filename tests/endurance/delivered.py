"""The checks that every measurement shares: nothing lost, nothing twice, everything settled."""

import json
from pathlib import Path

from pipeline.sources.session import MAX_MESSAGES_A_PULL, MAX_WAITING
from pipeline.sources.subscription import PULLS_A_BUNDLE
from tests.endurance.verdict import Check, at_most, exactly
from tests.endurance.world import State

MOST_OUTSTANDING = PULLS_A_BUNDLE * MAX_MESSAGES_A_PULL + MAX_WAITING + MAX_MESSAGES_A_PULL - 1
"""Messages that the program may hold: a whole bundle, those pulled ahead, and what the last pull
brought beyond that bound."""


def refused(directory: Path) -> int:
    """Numbered records that became dead letters: Customer.io refused them for good."""
    return sum(
        "number" in (json.loads(line).get("operation") or {}).get("attributes", {})
        for file in directory.glob("dead-*.jsonl")
        for line in file.read_bytes().splitlines()
    )


def checks(state: State, ledger: Path) -> list[Check]:
    """The checks over the world's last state and the program's last ledger.

    Dead letters are looked for beside the ledger.
    """
    final = json.loads(ledger.read_text())
    stats = state.broker
    there = state.census.seen + refused(ledger.parent)
    return [
        exactly("numbered records at Customer.io, or refused by it", there, state.numbered),
        exactly("of these there twice", state.census.twice, 0),
        exactly("events that nobody looked at", state.census.overlooked, 0),
        exactly("records received, by the ledger", final["received"], state.records),
        exactly("records settled, by the ledger", final["settled"], state.records),
        exactly("messages acknowledged", stats["acked"], stats["published"]),
        at_most(
            "messages whose lease ended while they were held",
            max(0, stats["redelivered"] - state.handling.given_back),
            0,
        ),
        at_most("most messages held at a time", state.handling.most_outstanding, MOST_OUTSTANDING),
    ]
