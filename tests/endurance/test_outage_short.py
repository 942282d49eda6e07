"""An outage in short: thirty bundles fail, one after the other, and nothing grows."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.endurance import delivered
from tests.endurance.outage_plan import failures
from tests.endurance.sampler import Process, read_process
from tests.endurance.subject import Subject, WorldProcess
from tests.endurance.trend import median
from tests.endurance.world import Order

FACTOR = 1_000
"""A bundle fails after 0.12 s, and the next one is tried after 0.03 s."""
SETTINGS = {
    "events": {"event_properties": "all"},
    "delivery": {"lanes": 4, "request_timeout_s": 300, "max_requests_per_second": 0},
}
HELD = 500
"""Messages in the bundles that fail: about 2 MiB of records and operations."""
FIRST, LAST = 4, 34
MOST_MIB_A_FAILURE = 1.0
PATIENCE_S = 240.0


@pytest.fixture
def world() -> Iterator[WorldProcess]:
    """A world of its own for each test."""
    with closing(WorldProcess()) as process:
        yield process


@pytest.fixture
def subject(world: WorldProcess, tmp_path: Path) -> Iterator[Subject]:
    """The program, which has delivered a thousand records already."""
    program = Subject(
        tmp_path, SETTINGS, world.addresses, ["-m", "tests.endurance.hurried", str(FACTOR)]
    )
    try:
        world.tell(Order(publish=1_000, rate=50))
        wait(lambda: world.state().census.seen > 1_000, program)
        yield program
    finally:
        program.stop()


def wait(done: Callable[[], bool], program: Subject) -> None:
    """Waits until something is so; fails when the program ends before."""
    give_up = time.monotonic() + PATIENCE_S
    while not done():
        assert program.poll() is None, program.log.read_text()
        assert time.monotonic() < give_up, program.log.read_text()
        time.sleep(0.05)


def look(program: Subject) -> list[Process]:
    """A second of the process: memory, threads and sockets come and go with each generation."""
    looks = []
    for _ in range(20):
        looks.append(read_process(program.pid))
        time.sleep(0.05)
    return looks


def most_of(looks: list[Process]) -> Process:
    """The most of each figure."""
    return Process(*(max(figures) for figures in zip(*looks, strict=True)))


def end(world: WorldProcess, program: Subject) -> None:
    """Waits until all is delivered: nothing lost, nothing twice, the ledger balanced."""
    world.tell(Order(rate=0))
    wait(lambda: world.state().broker["acked"] == world.state().broker["published"], program)
    assert program.stop() == 0, program.log.read_text()
    missed = [check for check in delivered.checks(world.state(), program.ledger) if not check.holds]
    assert missed == []


def test_failed_bundles_leave_nothing_behind(world: WorldProcess, subject: Subject) -> None:
    before = look(subject)
    world.tell(Order(away="refuse", rate=0, publish=HELD))
    wait(lambda: failures(subject.log) >= FIRST, subject)
    early = median([process.rss_mib for process in look(subject)])
    first = failures(subject.log)
    wait(lambda: failures(subject.log) >= first + LAST - FIRST, subject)
    late = median([process.rss_mib for process in look(subject)])
    assert late - early < MOST_MIB_A_FAILURE * (failures(subject.log) - first)

    state = world.tell(Order(back=True, rate=50))
    assert state.broker["redelivered"] == state.handling.given_back == 0
    most = most_of(before)
    # Threads come and go, those of gRPC too: what matters is that they are not more for good.
    wait(lambda: any(p.threads <= most.threads for p in look(subject)), subject)
    wait(lambda: any(p.sockets <= most.sockets for p in look(subject)), subject)
    end(world, subject)


@pytest.mark.parametrize("mode", ["hang", "503", "401"])
def test_reading_stops_while_customerio_is_away(
    world: WorldProcess, subject: Subject, mode: str
) -> None:
    world.tell(Order(away=mode, publish=delivered.MOST_OUTSTANDING + 2_000))
    wait(lambda: failures(subject.log) >= 3, subject)
    state = world.state()
    assert state.handling.most_outstanding <= delivered.MOST_OUTSTANDING
    assert state.broker["undelivered"] > 0
    world.tell(Order(back=True))
    end(world, subject)
