"""Kinds of fault for a large share of all requests: nothing is lost, and nothing counts twice.

`python -m tests.chaos.alone` tries every kind by itself.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.local.customerio import STORM, ItemErrors, Trickle
from pipeline.local.customerio.actions import Action, Busy, Hang, Respond, name_of
from pipeline.stop import STOP
from tests.chaos.alone import Stream, deliver
from tests.chaos.verdict import Verdict
from tests.chaos.wanted import Wanted
from transforms.tally import PROCESS_LEDGER

STREAM = Stream(records=600, seed=5)
SHARE = 0.3


def kind_of(action: Action) -> str:
    """Kinds that are tried together."""
    match action:
        case ItemErrors():
            return "item errors"
        case Trickle() | Hang():
            return "slow answers"
        case Respond(status=429) | Busy():
            return "throttling"
        case Respond():
            return "other answers"
        case _:
            return "broken connections"


@pytest.fixture(scope="module")
def wanted() -> Wanted:
    """What has to become of the records."""
    return STREAM.wanted()


@pytest.fixture
def _own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a process has once is as it was, before and after."""
    for name in ("CUSTOMERIO_SITE_ID", "CUSTOMERIO_API_KEY", "PUBSUB_EMULATOR_HOST"):
        monkeypatch.setenv(name, "")
    yield
    STOP.clear()
    PROCESS_LEDGER.reset()


@pytest.mark.usefixtures("_own_process")
@pytest.mark.parametrize("kind", sorted({kind_of(action) for action in STORM}))
def test_one_kind_of_fault(kind: str, wanted: Wanted, tmp_path: Path) -> None:
    actions = [action for action in STORM if kind_of(action) == kind]
    found = deliver(STREAM, wanted, actions, SHARE, tmp_path)
    assert found.verdict.counts() == Verdict().counts(), found.verdict
    assert set(found.injected) <= {name_of(action) for action in actions}
    assert sum(found.injected.values()) >= 8
    rejected = [each for each in found.evidence.letters if each["reason"] == "rejected"]
    assert bool(rejected) == (kind == "item errors")
    # Every message came once, so the ledger says of every record what was to become of it.
    outcomes = Counter(found.outcomes)
    assert outcomes["dead_lettered.rejected"] == len(rejected)
    for outcome in ("coalesced.identify", "dead_lettered.rejected"):
        outcomes["delivered"] += outcomes.pop(outcome, 0)
    assert outcomes == wanted.ledger
