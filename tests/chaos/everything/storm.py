"""A storm with everything on: people are remembered, groups, devices and shaping are sent.

Messages are published part by part, each before a program starts, at a time of its clock: what a
program does with a message depends on whether it came before the last crash. When all is
acknowledged the weather clears, and the last program is told once more of every person, device and
object, so that what it wrongly believes to have told, or to hold, shows.
"""

import gzip
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from pipeline.local.pubsub import Draft
from tests.chaos.everything.evidence import relate
from tests.chaos.everything.expected import Expected, Json
from tests.chaos.everything.judge import judge_everything, refused_on_order
from tests.chaos.everything.life import Life, packed
from tests.chaos.everything.page import SALT, SALT_VARIABLE
from tests.chaos.everything.people import humans
from tests.chaos.evidence import Evidence
from tests.chaos.storm import Plan, Storm
from tests.chaos.verdict import Verdict
from tests.chaos.world import LEASE_S, LETTERS_TOPIC, Victim
from tests.end_to_end.harness import SUBSCRIPTION

_CLOCK = Path(__file__).with_name("clock")
_AWAY_S = 400
"""For how long nothing runs after some of the kills: longer than what was published before them is
mistrusted, and longer than Customer.io gives anonymous events to whom their device belongs."""
_SHARE_AWAY = 0.5
_SHARE_OF_COPIES = 0.08
_SHARE_OF_GZIP = 0.2
_OVERTAKING_TIMEOUT_S = 20.0
_SHARE_BROKEN = 0.01
_MOST_IN_A_MESSAGE = 4
_MIXED_RECORDS = 4_000
"""How far from its neighbours a message may be."""
_BROKEN = b'{"event_type": "Broken"'


class Message(NamedTuple):
    """One message; without records it is broken."""

    data: bytes
    records: list[Json]


def messages(records: list[Json], rng: Random) -> list[Message]:
    """The records in messages, a few of them twice, in no order."""
    order = {number: number + rng.random() * _MIXED_RECORDS for number in range(len(records))}
    left = [records[number] for number in sorted(order, key=order.__getitem__)]
    made: list[Message] = []
    while left:
        count = rng.randint(1, _MOST_IN_A_MESSAGE)
        together, left = left[:count], left[count:]
        data = packed(together, rng)
        made.append(
            Message(gzip.compress(data) if rng.random() < _SHARE_OF_GZIP else data, together)
        )
        if rng.random() < _SHARE_BROKEN:
            made.append(Message(_BROKEN, []))
    copies = rng.sample(made, int(len(made) * _SHARE_OF_COPIES))
    for copy in copies:
        made.insert(rng.randrange(len(made)), copy)
    return made


class EverythingStorm(Storm):
    """One storm, in a directory for its programs and their file of people."""

    items_a_record = 0.4

    def __init__(self, plan: Plan, directory: Path) -> None:
        self._ahead_s = 0
        super().__init__(plan, directory)
        self._expected = Expected(plan.settings, self._wanted)
        rng = Random(f"life {plan.seed}")
        self._life = Life(rng)
        self._humans = list(humans(plan.records, rng))
        records = [each for human in self._humans for each in self._life.records_of(human)]
        self._messages = messages(records, rng)

    def _clock(self) -> float:
        return time.time() + self._ahead_s

    def _prepare(self) -> None:
        """Nothing: what is published is published as the programs start."""

    def _judge(self, evidence: Evidence) -> Verdict:
        related = relate(self._customerio.workspace)
        verdict = judge_everything(self._expected, evidence, related)
        # For whoever looks for the reason: all that Customer.io was told of people.
        (self._directory / "arrivals.json").write_text(json.dumps(related.arrivals))
        return verdict

    def _figures(self, evidence: Evidence) -> dict[str, Any]:
        related = relate(self._customerio.workspace)
        refused = refused_on_order(evidence)
        return super()._figures(evidence) | {
            "identifies": sum(map(len, evidence.identifies.values())),
            "attributes": sum(len(each.attributes) for each in evidence.people.values()),
            "relationships": sum(map(len, related.relationships.values())),
            "objects": len(related.objects),
            "anonymous_events": sum(map(len, related.owners.values())),
            "refused_on_order": {
                "attributes": sum(map(len, refused.attributes.values())),
                "relationships": sum(map(len, refused.relationships.values())),
                "devices": len(refused.devices - {""}),
            },
            "seconds_away": self._ahead_s,
        }

    def _publish(self, of_part: Iterable[Message]) -> None:
        self._pub_sub.publish_at = int(self._clock())
        chosen = list(of_part)
        ids = self._pub_sub.put(Draft(message.data, {}) for message in chosen)
        for message_id, message in zip(ids, chosen, strict=True):
            if not message.records:
                self._expected.add_broken(message_id, message.data)
            for record in message.records:
                self._expected.add(message_id, record)

    def _start(self, *flags: str) -> Victim:
        number = len(self._programs)
        if number and self._rng.random() < _SHARE_AWAY:
            self._ahead_s += _AWAY_S
            self._pub_sub.pass_time(_AWAY_S)
        left = len(self._messages)
        if number < self._plan.kills:
            left = min(left, self._parts[number] * left // max(1, sum(self._parts[number:])))
        self._publish(self._messages[:left])
        del self._messages[:left]
        if self._plan.letters_to_topic:
            flags = (*flags, f"--dead_letter_topic={LETTERS_TOPIC}")
        program = Victim(
            self._directory / f"{number:02}",
            self._plan.settings,
            self._customerio.url,
            f"--state_file={self._directory / 'people.sqlite'}",
            *flags,
            pub_sub=self._pub_sub,
            variables={
                SALT_VARIABLE: SALT,
                "STORM_CLOCK_AHEAD_S": str(self._ahead_s),
                "PYTHONPATH": os.pathsep.join(
                    filter(None, (str(_CLOCK), os.environ.get("PYTHONPATH")))
                ),
            },
        )
        self._programs.append(program)
        return program

    def _after_kill(self) -> None:
        """The leases of the program live on, unless nothing runs for so long that they end."""

    def _wait_for_a_moment(self, program: Victim, items: int) -> None:
        """Newer messages overtake those that the last program held; these come in the middle."""
        workspace = self._customerio.workspace
        enough = workspace.counters().items + items // 2
        program.wait_for(lambda: workspace.counters().items >= enough, _OVERTAKING_TIMEOUT_S)
        self._pub_sub.pass_time(LEASE_S)
        super()._wait_for_a_moment(program, items // 2)

    def _let_it_end(self) -> None:
        """Until all is acknowledged; then fair weather, and the closing."""
        self._endings = 1
        last = self._start()
        self._wait_for_all(last)
        self._customerio.faults.clear()
        # The last crash is long ago.
        self._ahead_s += _AWAY_S
        closing = [each for human in self._humans for each in self._life.closing_of(human)]
        closing += self._life.closing_of_groups()
        rng = Random(f"closing {self._plan.seed}")
        rng.shuffle(closing)
        self._publish(Message(packed([record], rng), [record]) for record in closing)
        self._wait_for_all(last)
        last.end()

    def _wait_for_all(self, program: Victim) -> None:
        def all_acknowledged() -> bool:
            stats = self._pub_sub.broker.stats(SUBSCRIPTION)
            return stats.acked == stats.published

        self._end_leases_of_nobody([program], all_acknowledged)
        self._pub_sub.pass_time(LEASE_S)
