"""Evidence of a storm with everything on as a perfect pipeline would leave it."""

import base64
import json
from random import Random
from typing import Any, NamedTuple

from tests.chaos.everything.evidence import Related
from tests.chaos.everything.expected import Expected
from tests.chaos.everything.life import Life
from tests.chaos.everything.people import humans
from tests.chaos.everything.storm import messages
from tests.chaos.evidence import Evidence, FoundEvent, FoundPerson, content_of
from tests.chaos.honest import ledger_of, ulid_of
from tests.chaos.wanted import Digest, digest

_SECONDS = 1_795_300_000


class Case(NamedTuple):
    """What went in, and what came of it."""

    expected: Expected
    evidence: Evidence
    related: Related


def perfect(records: int, seed: int, settings: dict[str, Any]) -> Case:
    """So many records of which everything became what it had to."""
    rng = Random(seed)
    life = Life(rng)
    everyone = list(humans(records, rng))
    stream = messages([each for human in everyone for each in life.records_of(human)], rng)
    expected = Expected(settings)
    texts: dict[Digest, str] = {}
    for number, message in enumerate(stream):
        if not message.records:
            expected.add_broken(f"m{number}", message.data)
        for record in message.records:
            texts[digest(record)] = json.dumps(record)
            expected.add(f"m{number}", record)
    for record in life.closing_of_groups():
        expected.add("closing", record)
    return Case(expected, _evidence(expected, texts), _related(expected))


def _evidence(expected: Expected, texts: dict[Digest, str]) -> Evidence:
    plain = expected.plain
    evidence = Evidence(
        events=[
            FoundEvent(ulid_of(_SECONDS, number), *event, _SECONDS, f"event {number}")
            for number, event in enumerate(plain.events.values())
        ],
        people={who: FoundPerson(None, held) for who, held in expected.attributes().items()},
        ledgers=[ledger_of(plain, outcomes={"delivered": plain.records})],
    )
    for (message_id, reason), found in plain.letters.items():
        for each in found:
            letter = {"message_id": message_id, "reason": reason}
            if each is None:
                text = base64.b64encode(plain.raw[message_id]).decode()
                letter |= {"kind": "input", "record": text, "encoding": "base64"}
            else:
                letter |= {"kind": "record", "record": texts[each], "encoding": "text"}
            evidence.letters.append(letter | {"letter_id": content_of(letter).hex()})
    return evidence


def _related(expected: Expected) -> Related:
    return Related(
        relationships={who: set(keys) for who, keys in expected.relationships.items()},
        objects={key: dict(held) for key, held in expected.objects.items()},
        owners={
            name: dict.fromkeys(device.events, min(device.owners, default=None))
            for name, device in expected.devices.items()
        },
    )
