"""A storm: the real program under faults on both sides, killed again and again, and judged.

`python -m tests.chaos.storm --records 200000 --seed 1 --share 0.03 --kills 10`
"""

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from pipeline.local.customerio import STORM, CustomerIoStandIn, Weather
from pipeline.local.customerio.actions import Action
from pipeline.local.pubsub import PubSubFaults
from tests.chaos.evidence import Evidence, collect
from tests.chaos.figures import figures_of, figures_of_servers
from tests.chaos.judge import judge
from tests.chaos.traffic import publish, want_in_parallel
from tests.chaos.verdict import Verdict
from tests.chaos.wanted import Wanted
from tests.chaos.world import LEASE_S, LETTERS_TOPIC, StormyPubSub, Victim, admit_people
from tests.end_to_end.harness import API_KEY, SITE_ID, SUBSCRIPTION

SETTINGS: dict[str, Any] = {
    "events": {
        "exclude": ["Internal Heartbeat"],
        "where": [
            {"property": "event_properties.environment", "op": "is_not", "values": ["staging"]}
        ],
        "event_properties": "all",
        "user_properties": ["email", "plan"],
    },
    "users": {"user_properties": "all"},
    "mappings": {"anonymous": "dead_letter"},
    "delivery": {
        "max_requests_per_second": 0,
        "max_batch_items": 25,
        "lanes": 8,
        "request_timeout_s": 1,
        "retry_for_s": 8,
    },
}
_SHARE_OF_SIGTERM = 0.2
_SHARE_OF_KILLS_AT_THE_START = 0.15
_LONGEST_START_S = 6.0
_LONGEST_DELAY_S = 0.4
_PROGRESS_TIMEOUT_S = 120.0
_IDLE_S = 3
_QUIET_S = 2.0
"""After which whoever leased the last messages has forgotten them; less than `_IDLE_S`."""
_MOST_ENDINGS = 8


@dataclass(frozen=True)
class Plan:
    """What kind of storm. `share`: of requests and messages to which something happens, 0 to 1."""

    records: int
    seed: int
    share: float
    kills: int
    processes: int = 1
    letters_to_topic: bool = False
    actions: tuple[Action, ...] = STORM
    faulty_pub_sub: bool = True
    settings: dict[str, Any] = field(default_factory=lambda: SETTINGS)


@dataclass(frozen=True)
class Result:
    """What a storm gave: the verdict, all that it rests on, and figures to report."""

    verdict: Verdict
    wanted: Wanted
    evidence: Evidence
    report: dict[str, Any]


def pub_sub_faults(plan: Plan) -> PubSubFaults | None:
    """What goes wrong between Pub/Sub and the program."""
    if not plan.faulty_pub_sub:
        return None
    share = plan.share
    return PubSubFaults(
        plan.seed,
        duplicate=share,
        end_early=share,
        out_of_order=share,
        forget_ack=share,
        unavailable=share,
        deadline_exceeded=share / 2,
        internal=share / 2,
    )


class Storm:
    """One storm, in a directory for its programs."""

    items_a_record = 1.0
    """How much Customer.io is sent in a part of the stream before a kill, in items a record."""

    def __init__(self, plan: Plan, directory: Path) -> None:
        self._plan = plan
        self._directory = directory
        self._rng = Random(plan.seed)
        # Parts of the stream, of random size, between two kills; the end of it stays for the last.
        weights = [self._rng.random() for _ in range(plan.kills + 1)]
        self._parts = [int(plan.records * weight / sum(weights)) for weight in weights]
        self._faults = pub_sub_faults(plan)
        self._pub_sub = StormyPubSub(self._faults)
        self._customerio = CustomerIoStandIn(SITE_ID, API_KEY, clock=self._clock)
        self._wanted = Wanted()
        self._programs: list[Victim] = []
        self._signals: Counter[str] = Counter()
        self._endings = 0

    def run(self) -> Result:
        """Publishes, lets the storm rage, and judges."""
        began = time.monotonic()
        plan = self._plan
        self._prepare()
        self._customerio.faults.weather(Weather(plan.seed, plan.share, plan.actions))
        started = time.monotonic()
        with self._pub_sub.emulator, self._customerio:
            try:
                self._kill_again_and_again()
                self._let_it_end()
            finally:
                for program in self._programs:
                    program.kill()
        ended = time.monotonic()
        evidence = collect(
            self._customerio.workspace,
            self._pub_sub.broker.stats(SUBSCRIPTION),
            [program.last_ledger() for program in self._programs],
            self._directory,
            self._pub_sub.letters(),
        )
        verdict = self._judge(evidence)
        report = {
            "records": self._wanted.records,
            "seed": plan.seed,
            "share": plan.share,
            "processes_at_a_time": plan.processes,
            "signals": dict(self._signals),
            "last_runs": self._endings,
            **figures_of_servers(self._customerio, self._pub_sub.broker.stats(SUBSCRIPTION)),
            "pub_sub_faults": self._faults.counts() if self._faults else {},
            **self._figures(evidence),
            "seconds_to_prepare": round(started - began, 1),
            "seconds_of_storm": round(ended - started, 1),
            "seconds_to_judge": round(time.monotonic() - ended, 1),
            "verdict": verdict.counts(),
            "older_values": len(verdict.older_values),
            "examples": {kind: lines[:5] for kind, lines in asdict(verdict).items() if lines},
        }
        return Result(verdict, self._wanted, evidence, report)

    def _clock(self) -> float:
        """Customer.io's clock, Unix seconds."""
        return time.time()

    def _prepare(self) -> None:
        """Before the first program starts."""
        plan = self._plan
        self._wanted = want_in_parallel(
            publish(self._pub_sub, plan.records, plan.seed), plan.settings
        )
        admit_people(self._customerio, self._wanted)

    def _judge(self, evidence: Evidence) -> Verdict:
        return judge(self._wanted, evidence)

    def _figures(self, evidence: Evidence) -> dict[str, Any]:
        return figures_of(self._wanted, evidence)

    def _start(self, *flags: str) -> Victim:
        if self._plan.letters_to_topic:
            flags = (*flags, f"--dead_letter_topic={LETTERS_TOPIC}")
        program = Victim(
            self._directory / f"{len(self._programs):02}",
            self._plan.settings,
            self._customerio.url,
            *flags,
            pub_sub=self._pub_sub,
        )
        self._programs.append(program)
        return program

    def _kill_again_and_again(self) -> None:
        running: list[Victim] = []
        for part in self._parts[:-1]:
            while len(running) < self._plan.processes:
                running.append(self._start())
            self._wait_for_a_moment(running[-1], int(part * self.items_a_record))
            number = signal.SIGKILL
            if self._rng.random() < _SHARE_OF_SIGTERM:
                number = signal.SIGTERM
            victim = running.pop(self._rng.randrange(len(running)))
            victim.strike(number)
            self._signals[number.name] += 1
            self._after_kill()
        for program in running:
            program.strike(signal.SIGTERM)

    def _after_kill(self) -> None:
        """What the program held is given to the next one at once."""
        self._pub_sub.pass_time(LEASE_S)

    def _wait_for_a_moment(self, program: Victim, items: int) -> None:
        """Waits until Customer.io has been sent so many items more, or for a part of the start."""
        if self._rng.random() < _SHARE_OF_KILLS_AT_THE_START:
            time.sleep(self._rng.uniform(0.0, _LONGEST_START_S))
            return
        workspace = self._customerio.workspace
        enough = workspace.counters().items + items
        program.wait_for(lambda: workspace.counters().items >= enough, _PROGRESS_TIMEOUT_S)
        time.sleep(self._rng.uniform(0.0, _LONGEST_DELAY_S))

    def _let_it_end(self) -> None:
        """Runs until nothing is left; leases of nobody end between two runs."""
        while self._endings < _MOST_ENDINGS:
            self._endings += 1
            last = [
                self._start(f"--stop_when_idle_s={_IDLE_S}") for _ in range(self._plan.processes)
            ]
            self._end_leases_of_nobody(last, lambda: False)
            stats = self._pub_sub.broker.stats(SUBSCRIPTION)
            if stats.acked == stats.published:
                return
            self._pub_sub.pass_time(LEASE_S)

    def _end_leases_of_nobody(self, last: list[Victim], done: Callable[[], bool]) -> None:
        """Until the programs have ended, or it is done; a pull that failed after it was carried out
        leases so.

        Programs that get nowhere are killed, for the judge to say what they have left undone.
        """
        seen: object = None
        progress: object = None
        quiet_since = progress_at = time.monotonic()
        while any(program.is_running() for program in last) and not done():
            time.sleep(0.1)
            stats = self._pub_sub.broker.stats(SUBSCRIPTION)
            requests = self._customerio.workspace.counters().requests
            now = time.monotonic()
            if (stats, requests) != seen or stats.undelivered or not stats.outstanding:
                seen, quiet_since = (stats, requests), now
            elif now - quiet_since > _QUIET_S:
                self._pub_sub.pass_time(LEASE_S)
            if (stats.acked, requests) != progress:
                progress, progress_at = (stats.acked, requests), now
            elif now - progress_at > _PROGRESS_TIMEOUT_S:
                for program in last:
                    program.strike(signal.SIGKILL)


def parser(prog: str, description: str | None) -> argparse.ArgumentParser:
    """The command line of a storm."""
    made = argparse.ArgumentParser(prog=prog, description=description)
    made.add_argument("--records", type=int, default=200_000)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--share", type=float, default=0.03, help="of what goes wrong, 0 to 1")
    made.add_argument("--kills", type=int, default=10)
    made.add_argument("--topic", action="store_true", help="dead letters to a topic, not files")
    made.add_argument("--report", type=Path, help="a file for the figures, as JSON")
    return made


def run(storm: type[Storm], plan: Plan, report: Path | None) -> int:
    """Runs a storm and prints its figures; 0 when the verdict is clean, else 1."""
    # So that whoever ends this ends the programs, too.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    directory = Path(tempfile.mkdtemp(prefix="storm-"))
    result = storm(plan, directory).run()
    text = json.dumps(result.report, indent=2)
    print(text)
    if report:
        report.write_text(text + "\n")
    if not result.verdict.clean:
        print(f"Not clean. What the programs said and stored is in {directory}", file=sys.stderr)
        return 1
    shutil.rmtree(directory)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a storm; the exit code is 0 when the verdict is clean, else 1."""
    commands = parser("python -m tests.chaos.storm", __doc__)
    commands.add_argument("--processes", type=int, default=1, help="programs at a time")
    options = commands.parse_args(arguments)
    plan = Plan(
        options.records,
        options.seed,
        options.share,
        options.kills,
        processes=options.processes,
        letters_to_topic=options.topic,
    )
    return run(Storm, plan, options.report)


if __name__ == "__main__":
    sys.exit(main())
