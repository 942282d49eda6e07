"""When trouble comes: an outage, and a death that waits until the workers deliver side by side."""

import base64
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engines.processes import EngineError, Group
from engines.trouble import Trouble
from engines.world import Waiting, World, world

RECORDS = 1_000
FILES = Waiting("--input_files=a", {}, lambda: None)


def quiet(_text: str) -> None:
    """Nobody listens."""


@pytest.fixture
def here() -> Iterator[World]:
    with world(RECORDS, FILES) as made:
        yield made


@pytest.fixture
def victim(tmp_path: Path) -> Iterator[Group]:
    made = process("import sys; sys.stdin.read()", tmp_path)
    yield made
    made.kill()


def process(program: str, directory: Path) -> Group:
    waits = f"import signal; {program}; signal.pause()"
    return Group("the victim", [sys.executable, "-c", waits], directory / "log", {})


def deliver(here: World, worker: str, *numbers: int) -> None:
    """One request with events of these numbers. Raises HTTPError."""
    body = msgspec.json.encode({"batch": [{"id": f"event-{number}"} for number in numbers]})
    request = urllib.request.Request(f"{here.url}/api/v2/batch", body)
    request.add_header("Authorization", f"Basic {base64.b64encode(f'{worker}:'.encode()).decode()}")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        assert answer.status == 200


def test_the_kill_waits_for_the_second_worker(here: World, victim: Group) -> None:
    trouble = Trouble(here, victim, quiet, side_by_side=2, outage=False)
    deliver(here, "worker-1", *range(350))
    trouble.follow(here.look())
    assert (trouble.killed, victim.ended()) == (None, False)
    deliver(here, "worker-2", *range(340, 390))
    trouble.follow(here.look())
    assert (trouble.killed, victim.ended()) == ("the victim", True)
    assert trouble.shares_before_kill == {"worker-1": 350, "worker-2": 50}
    assert (trouble.arrived_at_kill, trouble.again_before_kill) == (390, 10)


@pytest.mark.parametrize("arrived", [299, RECORDS], ids=["too early", "too late"])
def test_there_is_a_time_for_the_kill(here: World, victim: Group, arrived: int) -> None:
    trouble = Trouble(here, victim, quiet, side_by_side=1, outage=False)
    deliver(here, "worker-1", *range(arrived))
    trouble.follow(here.look())
    assert (trouble.killed, victim.ended()) == (None, False)


def test_what_comes_after_the_kill_is_called_once(here: World, victim: Group) -> None:
    calls: list[bool] = []

    def after() -> None:
        calls.append(victim.ended())

    trouble = Trouble(here, victim, quiet, side_by_side=1, outage=False, after=after)
    deliver(here, "worker-1", *range(300))
    for _ in range(2):
        trouble.follow(here.look())
    assert calls == [True]


def test_deliveries_before_the_outage_prove_nothing(here: World, victim: Group) -> None:
    trouble = Trouble(here, victim, quiet, side_by_side=2, outage=True)
    deliver(here, "worker-2", *range(400))
    trouble.follow(here.look())
    with pytest.raises(urllib.error.HTTPError, match="429"):
        deliver(here, "worker-1", 400)
    here.refuse(0.0)
    deliver(here, "worker-1", *range(400, 600))
    trouble.follow(here.look())
    assert trouble.killed is None
    deliver(here, "worker-2", *range(600, 700))
    trouble.follow(here.look())
    assert trouble.shares_before_kill == {"worker-1": 200, "worker-2": 100}


def test_in_pubsub_nothing_happens_before_something_is_let_go(victim: Group) -> None:
    let_go = [0]
    subscription = Waiting("--input_subscription=a", {}, lambda: let_go[0])
    with world(RECORDS, subscription) as here:
        trouble = Trouble(here, victim, quiet, side_by_side=1, outage=False)
        deliver(here, "worker-1", *range(500))
        trouble.follow(here.look())
        assert trouble.killed is None
        let_go[0] = 1
        trouble.follow(here.look())
        assert trouble.killed == "the victim"


def test_a_run_over_files_is_over_when_the_job_has_ended(here: World, tmp_path: Path) -> None:
    job = process("import sys; sys.exit(0)", tmp_path)
    job.code(timeout_s=240)
    assert here.over(job)


def test_a_run_over_files_is_not_over_before(here: World, victim: Group) -> None:
    deliver(here, "worker-1", *range(RECORDS))
    assert here.look().arrived == RECORDS
    assert not here.over(victim)


@pytest.mark.parametrize("code", [0, 3])
def test_a_job_over_a_subscription_may_not_end(code: int, tmp_path: Path) -> None:
    subscription = Waiting("--input_subscription=a", {}, lambda: 0)
    job = process(f"import sys; print('its reason'); sys.exit({code})", tmp_path)
    job.code(timeout_s=240)
    with (
        world(RECORDS, subscription) as here,
        pytest.raises(EngineError, match=r"ended early:\nits reason"),
    ):
        here.over(job)


def test_a_job_over_files_may_not_fail(here: World, tmp_path: Path) -> None:
    job = process("import sys; print('its reason'); sys.exit(1)", tmp_path)
    job.code(timeout_s=240)
    with pytest.raises(EngineError, match=r"ended early:\nits reason"):
        here.over(job)


@pytest.mark.parametrize(
    ("arrived", "acknowledged", "over"),
    [(RECORDS, RECORDS, True), (RECORDS, 999, False), (999, RECORDS, False)],
)
def test_a_subscription_is_over_when_all_is_acknowledged(
    arrived: int, acknowledged: int, over: bool, victim: Group
) -> None:
    subscription = Waiting("--input_subscription=a", {}, lambda: acknowledged)
    with world(RECORDS, subscription) as here:
        deliver(here, "worker-1", *range(arrived))
        here.look()
        assert here.over(victim) is over
        seen = here.acknowledgements()
        assert seen is not None
        assert (seen.messages, seen.looks) == (acknowledged, 1)
        assert seen.ahead == max(0, acknowledged - arrived)
