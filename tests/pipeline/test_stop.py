"""A stop may take as long as it gets on, and no longer."""

import subprocess
import sys

PROGRAM = """
import logging, os, signal, threading
from pipeline.stop import STOP, stop_on_signals
from transforms.progress import Progress

class Watched(Progress):
    # Time passes when the test says so; tells when the stop has looked.
    def __init__(self):
        self.now = 0.0
        self.looks = threading.Semaphore(0)
        super().__init__(lambda: self.now)

    def idle_s(self):
        idle_s = super().idle_s()
        self.looks.release()
        return idle_s

    def time_passes(self, seconds):
        self.now += seconds
        # The first look may have begun before.
        while self.looks.acquire(blocking=False):
            pass
        for _ in range(2):
            self.looks.acquire()

logging.basicConfig()
progress = Watched()
with stop_on_signals(1.0, progress):
    os.kill(os.getpid(), signal.SIGTERM)
    assert STOP.wait(60)
    progress.looks.acquire()
    for _ in range({steps}):
        progress.time_passes(0.75)
        progress.note()
    {then}
print("settled")
"""


def run(steps: int, then: str) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(steps=steps, then=then)
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )


def test_as_long_as_something_is_settled_it_may_go_on() -> None:
    done = run(steps=3, then="pass")
    assert (done.returncode, done.stdout) == (0, "settled\n"), done.stderr


def test_it_is_ended_when_nothing_is_settled_any_more() -> None:
    done = run(steps=1, then="progress.time_passes(1.25)")
    assert (done.returncode, done.stdout) == (1, "")
    assert "could not be settled within 1 s. It was not acknowledged" in done.stderr


def test_a_second_signal_ends_it_at_once() -> None:
    done = run(steps=0, then="os.kill(os.getpid(), signal.SIGTERM); threading.Event().wait()")
    assert (done.returncode, done.stdout) == (1, "")
