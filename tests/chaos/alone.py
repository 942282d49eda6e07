"""Some kinds of fault alone, for a large share of all requests, on a small stream.

`python -m tests.chaos.alone` tries each kind by itself and prints a table; it takes some minutes.
"""

import argparse
import io
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from pipeline.launch import main as run_program
from pipeline.local.customerio import STORM, CustomerIoStandIn, Weather
from pipeline.local.customerio.actions import Action, name_of
from pipeline.stop import STOP
from tests.chaos.evidence import Evidence, Ledger, collect
from tests.chaos.judge import judge
from tests.chaos.storm import SETTINGS
from tests.chaos.traffic import publish
from tests.chaos.verdict import Verdict
from tests.chaos.wanted import Wanted, want
from tests.chaos.world import StormyPubSub, admit_people
from tests.end_to_end.harness import API_KEY, SITE_ID, SUBSCRIPTION
from transforms.tally import PROCESS_LEDGER

_PROCESS = "this"
_LOOK_EVERY_S = 0.05


class Alone(NamedTuple):
    """What came of it; `injected` counts faults by kind, `outcomes` are those of the ledger."""

    verdict: Verdict
    evidence: Evidence
    injected: dict[str, int]
    requests: int
    outcomes: Counter[str]


class Stream(NamedTuple):
    """Records to stream again and again."""

    records: int
    seed: int

    def wanted(self) -> Wanted:
        """What has to become of them, whatever happens on the way."""
        chunks = publish(StormyPubSub(None), self.records, self.seed)
        return want((sent for chunk in chunks for sent in chunk), SETTINGS)


def deliver(
    stream: Stream, wanted: Wanted, actions: Sequence[Action], share: float, directory: Path
) -> Alone:
    """Streams the records in this process while a share of requests meets one of the actions."""
    STOP.clear()
    PROCESS_LEDGER.reset()
    pub_sub = StormyPubSub(None)
    for _ in publish(pub_sub, stream.records, stream.seed):
        pass
    here = directory / _PROCESS
    here.mkdir()
    settings, ledger = here / "settings.json", here / "ledger.json"
    settings.write_text(json.dumps(SETTINGS))
    with pub_sub.emulator, CustomerIoStandIn(SITE_ID, API_KEY) as customerio:
        admit_people(customerio, wanted)
        customerio.faults.weather(Weather(stream.seed, share, tuple(actions)))
        os.environ |= {
            "CUSTOMERIO_SITE_ID": SITE_ID,
            "CUSTOMERIO_API_KEY": API_KEY,
            "PUBSUB_EMULATOR_HOST": pub_sub.emulator.address,
        }
        with redirect_stdout(io.StringIO()), _stopped_when_acknowledged(pub_sub):
            code = run_program(
                [
                    f"--settings={settings}",
                    f"--customerio_endpoint={customerio.url}",
                    f"--input_subscription={SUBSCRIPTION}",
                    f"--dead_letter_files={here / 'dead'}",
                    f"--ledger_file={ledger}",
                ]
            )
        text = ledger.read_text()
        evidence = collect(
            customerio.workspace,
            pub_sub.broker.stats(SUBSCRIPTION),
            [Ledger(_PROCESS, ended=True, exit_code=code, text=text)],
            directory,
        )
        requests = customerio.workspace.counters().requests
    outcomes = Counter(json.loads(text)["outcomes"])
    injected = customerio.faults.injected()
    return Alone(judge(wanted, evidence), evidence, injected, requests, outcomes)


@contextmanager
def _stopped_when_acknowledged(pub_sub: StormyPubSub) -> Iterator[None]:
    """Ends the program within once Pub/Sub has everything acknowledged."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_EVERY_S):
            stats = pub_sub.broker.stats(SUBSCRIPTION)
            if stats.acked == stats.published:
                STOP.set()
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def main(arguments: Sequence[str] | None = None) -> int:
    """Tries every kind by itself; the exit code is 0 when nothing is wrong with any, else 1."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.alone", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.25, help="of requests, 0 to 1")
    options = parser.parse_args(arguments)
    stream = Stream(options.records, options.seed)
    wanted = stream.wanted()
    lines: list[str] = []
    clean = True
    for action in STORM:
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="storm-") as directory:
            found = deliver(stream, wanted, [action], options.share, Path(directory))
        faults = sum(found.injected.values())
        counts = ", ".join(f"{kind} {count}" for kind, count in found.verdict.counts().items())
        seconds = time.monotonic() - began
        lines.append(
            f"{name_of(action):45} {faults:5} of {found.requests:5} requests, {seconds:5.1f} s: "
            f"{counts}"
        )
        clean = clean and found.verdict.clean
    print("\n".join(lines))
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
