"""A stop may take as long as it gets on, and no longer."""

import subprocess
import sys

PROGRAM = """
import logging, os, signal, time
from pipeline.stop import STOP, stop_on_signals
from transforms.progress import PROGRESS
logging.basicConfig()
with stop_on_signals(1.0):
    os.kill(os.getpid(), signal.SIGTERM)
    assert STOP.wait(5)
    for _ in range({steps}):
        time.sleep(0.25)
        PROGRESS.note()
    {then}
print("settled")
"""


def run(steps: int, then: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(steps=steps, then=then)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )


def test_as_long_as_something_is_settled_it_may_go_on() -> None:
    done = run(steps=12, then="pass")
    assert (done.returncode, done.stdout) == (0, "settled\n")


def test_it_is_ended_when_nothing_is_settled_any_more() -> None:
    done = run(steps=1, then="time.sleep(30)")
    assert (done.returncode, done.stdout) == (1, "")
    assert "could not be settled within 1 s. It was not acknowledged" in done.stderr


def test_a_second_signal_ends_it_at_once() -> None:
    done = run(steps=0, then="os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)")
    assert (done.returncode, done.stdout) == (1, "")
