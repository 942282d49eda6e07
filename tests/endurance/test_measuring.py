"""The measuring itself: what /proc says, what a census finds, what a verdict allows."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.local.customerio.workspace import Workspace
from pipeline.local.pubsub.model import Draft, SubscriptionConfig
from tests.endurance import plot
from tests.endurance.census import Census, Count
from tests.endurance.sampler import Sample, read_process
from tests.endurance.soak_report import flat
from tests.endurance.watched import WatchedBroker

TOPIC, SUBSCRIPTION = "projects/p/topics/topic", "projects/p/subscriptions/stream"


def sample(at_s: float, rss_mib: float) -> Sample:
    """A sample of which only time and memory matter."""
    return Sample(at_s, "steady", rss_mib, *(0,) * 3, 0.0, *(0,) * 10)


GROWING = """
import os, socket, threading
print(flush=True)
input()
threading.Thread(target=threading.Event().wait, daemon=True).start()
opened = socket.socket(), open(os.devnull)
print(flush=True)
input()
"""


def test_process_counts_sockets_and_threads() -> None:
    """Of a process of its own: what other tests have left in this one comes and goes."""
    with subprocess.Popen(
        [sys.executable, "-c", GROWING], bufsize=0, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        before = read_process(process.pid)
        process.stdin.write(b"\n")
        process.stdout.readline()
        after = read_process(process.pid)
        process.kill()
    assert after.sockets == before.sockets + 1
    assert after.fds == before.fds + 2
    assert after.threads == before.threads + 1
    assert after.rss_mib > 1
    assert after.cpu_s >= before.cpu_s


def test_process_that_is_gone() -> None:
    with pytest.raises(OSError, match="/proc"):
        read_process(2**31)


def event(number: int | None, identity: str) -> dict[str, object]:
    """An event operation; without a number it is a stranger."""
    return {
        "type": "person",
        "action": "event",
        "id": identity,
        "name": "Step",
        "identifiers": {"id": "a"},
        "attributes": {} if number is None else {"number": number},
    }


def test_census() -> None:
    workspace = Workspace(keep_events=3)
    census = Census(workspace)
    for operation in (event(0, "A"), event(1, "B"), event(1, "C")):
        workspace.apply(operation)
    census.look()
    census.look()
    for operation in (event(None, "D"), event(150_000, "E"), event(150_000, "E")):
        workspace.apply(operation)
    census.look()
    assert census.count() == Count(seen=3, twice=1, strangers=1, overlooked=0)
    for number in range(2, 7):
        workspace.apply(event(number, f"F{number}"))
    census.look()
    assert census.count().overlooked == 2


def test_broker_counts_what_a_reader_does() -> None:
    broker = WatchedBroker()
    broker.create_topic(TOPIC)
    broker.create_subscription(SubscriptionConfig(SUBSCRIPTION, TOPIC, 20))
    broker.publish(TOPIC, [Draft(b"1"), Draft(b"2"), Draft(b"3")])
    ids = [delivery.ack_id for delivery in broker.pull(SUBSCRIPTION, 10)]
    broker.modify_ack_deadline(SUBSCRIPTION, ids, 20)
    broker.modify_ack_deadline(SUBSCRIPTION, ids[:2], 0)
    broker.pull(SUBSCRIPTION, 1)
    handling = broker.handling()
    assert (handling.given_back, handling.extended, handling.extensions) == (2, 3, 1)
    assert (handling.most_attempts, handling.most_outstanding) == (2, 3)


@pytest.mark.parametrize(
    ("rise", "holds"),
    [
        pytest.param(0.0, True, id="level"),
        pytest.param(9.0, True, id="below five percent"),
        pytest.param(11.0, False, id="above"),
        pytest.param(-50.0, True, id="falling"),
    ],
)
def test_flat(rise: float, holds: bool) -> None:
    samples = [sample(float(at), 200.0 + rise * at / 100) for at in range(101)]
    assert flat(samples, "rss_mib").holds is holds


def test_samples_come_back_from_their_file(tmp_path: Path) -> None:
    path = tmp_path / "samples.csv"
    path.write_text(
        ",".join(Sample._fields) + "\n" + ",".join(map(str, sample(1.5, 200.25))) + "\n"
    )
    assert plot.read(path) == [sample(1.5, 200.25)]
