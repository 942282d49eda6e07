"""Whatever is changed in the evidence, the judge says so; whatever is legitimate, it lets pass."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest

from pipeline.local.customerio import Workspace
from pipeline.local.pubsub import SubscriptionStats
from tests.chaos import tampering
from tests.chaos.evidence import Evidence, Ledger, collect
from tests.chaos.honest import PROCESS, perfect
from tests.chaos.judge import judge
from tests.chaos.storm import SETTINGS
from tests.chaos.verdict import Verdict
from tests.chaos.wanted import Wanted

RECORDS = 600
Tamper = Callable[[Wanted, Evidence], None]
Case = tuple[Wanted, Evidence]


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    """A stream of which everything became what it had to."""
    return perfect(RECORDS, 3, SETTINGS, tmp_path_factory.mktemp("perfect"))


def counts(**found: int) -> dict[str, int]:
    """The counts of a verdict that found this and nothing else."""
    return Verdict().counts() | found


def test_nothing_is_wrong_with_perfect_evidence(case: Case) -> None:
    wanted, evidence = case
    assert wanted.records == RECORDS
    assert len(wanted.events) > 300
    assert len(wanted.letters) > 50
    assert sum(map(len, wanted.identifies.values())) > 50
    assert judge(wanted, evidence) == Verdict()
    assert judge(wanted, evidence).clean


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        pytest.param(tampering.drop_event, counts(lost=1), id="event dropped"),
        pytest.param(tampering.double_event, counts(twice=1), id="event doubled"),
        pytest.param(tampering.double_event_and_ulid, counts(twice=2), id="event and ULID doubled"),
        pytest.param(tampering.change_event, counts(wrong=1), id="value changed"),
        pytest.param(
            tampering.change_event_and_person, counts(wrong=1, lost=1), id="event replaced"
        ),
        pytest.param(tampering.change_ulid, counts(wrong=1), id="ULID of another time"),
        pytest.param(tampering.remove_ulid, counts(wrong=1), id="no ULID"),
        pytest.param(tampering.remove_letter, counts(lost=1), id="letter removed"),
        pytest.param(
            tampering.remove_letter_of_input, counts(lost=1), id="letter of input removed"
        ),
        pytest.param(tampering.add_letter, counts(unexplained=1), id="letter of no message"),
        pytest.param(
            tampering.add_letter_of_another_reason, counts(unexplained=1), id="letter added"
        ),
        pytest.param(
            tampering.add_letter_of_another_input, counts(unexplained=2), id="input added"
        ),
        pytest.param(tampering.change_letter, counts(unexplained=1, lost=1), id="letter changed"),
        pytest.param(tampering.give_another_id, counts(wrong=1), id="two ids of a letter"),
        pytest.param(tampering.give_the_same_id, counts(wrong=1), id="two letters of an id"),
        pytest.param(tampering.break_letter, counts(unexplained=1), id="letter broken"),
        pytest.param(
            tampering.reject_without_refusal, counts(unexplained=1), id="rejected by nobody"
        ),
        pytest.param(
            tampering.reject_without_operation, counts(unexplained=1), id="rejected nothing"
        ),
        pytest.param(tampering.lose_refused_event, counts(lost=1), id="refused without a letter"),
        pytest.param(tampering.lose_identify, counts(lost=1), id="identify dropped"),
        pytest.param(tampering.change_identify, counts(wrong=1), id="identify invented"),
        pytest.param(
            tampering.change_identify_time, counts(wrong=1), id="identify at another time"
        ),
        pytest.param(tampering.change_attribute, counts(wrong=2), id="attribute changed"),
        pytest.param(tampering.forget_attribute, counts(wrong=1), id="attribute forgotten"),
        pytest.param(tampering.forget_newest, counts(lost=1), id="newest identify without effect"),
        pytest.param(tampering.forget_person, counts(lost=1), id="person dropped"),
        pytest.param(tampering.invent_person, counts(wrong=1), id="person invented"),
        pytest.param(tampering.leave_messages, counts(lost=1), id="messages left"),
        pytest.param(
            tampering.refuse_by_rule, counts(wrong=1), id="refused by Customer.io's rules"
        ),
        pytest.param(tampering.unbalance, counts(unbalanced=1), id="ledger unbalanced"),
        pytest.param(
            tampering.claim_balance, counts(unbalanced=1), id="ledger that does not add up"
        ),
        pytest.param(tampering.leave_ledger_open, counts(unbalanced=1), id="ledger not final"),
        pytest.param(tampering.lose_ledger, counts(unbalanced=1), id="ledger missing"),
        pytest.param(tampering.tear_ledger, counts(unbalanced=1), id="ledger torn"),
        pytest.param(
            tampering.settle_too_much, counts(unbalanced=1), id="more settled than received"
        ),
        pytest.param(tampering.end_badly, counts(unbalanced=1), id="bad end"),
    ],
)
def test_the_judge_sees(case: Case, tamper: Tamper, found: dict[str, int]) -> None:
    wanted, evidence = deepcopy(case)
    tamper(wanted, evidence)
    verdict = judge(wanted, evidence)
    assert verdict.counts() == found, verdict
    assert not verdict.clean


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(tampering.repeat_letters, id="letters repeated"),
        pytest.param(tampering.kill_without_ledger, id="killed before its first ledger"),
        pytest.param(tampering.kill_in_the_middle, id="killed with records in flight"),
        pytest.param(tampering.reject, id="refused, with a letter"),
        pytest.param(tampering.reject_identify, id="identify refused, with a letter"),
        pytest.param(tampering.make_one_of_two_identifies, id="identifies made one"),
    ],
)
def test_the_judge_lets_pass(case: Case, change: Tamper) -> None:
    wanted, evidence = deepcopy(case)
    change(wanted, evidence)
    assert judge(wanted, evidence) == Verdict()


def test_an_older_value_is_noted_and_no_fault(case: Case) -> None:
    wanted, evidence = deepcopy(case)
    tampering.keep_older_value(wanted, evidence)
    verdict = judge(wanted, evidence)
    assert verdict.clean
    assert len(verdict.older_values) == 1
    assert "older_values" not in verdict.counts()


@pytest.mark.parametrize(
    ("ended", "torn", "broken"),
    [
        pytest.param(False, 1, 0, id="killed while it wrote"),
        pytest.param(True, 0, 1, id="ended by itself"),
    ],
)
def test_a_line_may_be_torn_by_a_kill_alone(
    tmp_path: Path, ended: bool, torn: int, broken: int
) -> None:
    (tmp_path / PROCESS).mkdir()
    (tmp_path / PROCESS / "dead-1.jsonl").write_text('{"reason":"rejected"}\n{"reas')
    ledger = Ledger(PROCESS, ended=ended, exit_code=0, text=None)
    evidence = collect(Workspace(), SubscriptionStats(0, 0, 0, 0, 0), [ledger], tmp_path)
    assert (evidence.torn_letters, len(evidence.broken_letters)) == (torn, broken)
    assert evidence.letters == [{"reason": "rejected"}]
