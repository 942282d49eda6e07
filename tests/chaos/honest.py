"""Evidence as a perfect pipeline would leave it, made without the product."""

import base64
import json
from pathlib import Path
from typing import Any

from pipeline.local.customerio import Workspace
from pipeline.local.pubsub import SubscriptionStats
from tests.chaos.evidence import Evidence, Ledger, collect, content_of
from tests.chaos.traffic import publish
from tests.chaos.wanted import Digest, Sent, Wanted, digest, inflated, want
from tests.chaos.world import StormyPubSub
from tests.end_to_end.expectation import expect
from tests.end_to_end.expectation.moment import FIELDS
from tests.end_to_end.expectation.reading import Fault, Reading, read_message
from tests.end_to_end.expectation.ulid import ALPHABET

PROCESS = "only"


def perfect(
    records: int, seed: int, settings: dict[str, Any], directory: Path
) -> tuple[Wanted, Evidence]:
    """What has to become of some sample records, and the evidence that it did."""
    messages = [sent for chunk in publish(StormyPubSub(None), records, seed) for sent in chunk]
    wanted = want(messages, settings)
    workspace = Workspace()
    for person in wanted.people:
        if person.startswith("cio_id:"):
            workspace.admit(person.removeprefix("cio_id:"))
    letters: list[dict[str, Any]] = []
    identities: dict[Digest, int] = {}
    for message in messages:
        _carry_out(message, settings, workspace, letters, identities)
    (directory / PROCESS).mkdir()
    lines = "".join(json.dumps(letter) + "\n" for letter in letters)
    (directory / PROCESS / "dead-1.jsonl").write_text(lines)
    stats = SubscriptionStats(len(messages), 0, 0, len(messages), 0)
    return wanted, collect(workspace, stats, [ledger_of(wanted)], directory)


def ledger_of(wanted: Wanted, **changes: Any) -> Ledger:
    """The ledger of a process that settled everything, or one that says something else."""
    content = {
        "final": True,
        "balanced": True,
        "received": wanted.records,
        "settled": wanted.records,
        "outcomes": dict(wanted.ledger),
    }
    return Ledger(PROCESS, ended=True, exit_code=0, text=json.dumps(content | changes))


def _carry_out(
    message: Sent,
    settings: dict[str, Any],
    workspace: Workspace,
    letters: list[dict[str, Any]],
    identities: dict[Digest, int],
) -> None:
    expected = expect(message.data, settings=settings, publish_time=message.publish_time)
    for record, fate in zip(read_message(message.data), expected, strict=True):
        for reason in fate.dead_letters:
            letter = _letter(message, reason, record)
            letters.append(letter | {"letter_id": content_of(letter).hex()})
        for sent in fate.operations:
            operation = dict(sent.operation)
            if operation["action"] == "event":
                assert isinstance(record, dict)
                timed = any(record.get(name) is not None for name in FIELDS)
                identity = digest([record, None if timed else message.publish_time])
                number = identities.setdefault(identity, len(identities))
                operation["id"] = ulid_of(operation["timestamp"], number)
            workspace.apply(operation)


def _letter(message: Sent, reason: str, record: Reading) -> dict[str, Any]:
    letter = {"reason": reason, "message_id": message.message_id}
    if not isinstance(record, Fault):
        return letter | {"kind": "record", "record": json.dumps(record), "encoding": "text"}
    # All that is fit for a letter of a part that cannot be read, whichever part it is.
    text = base64.b64encode(inflated(message.data)[:1_000]).decode()
    return letter | {"kind": "input", "record": text, "encoding": "base64"}


def ulid_of(seconds: int, number: int) -> str:
    """The ULID of a time in Unix seconds and a number."""
    value = seconds * 1000 << 80 | number
    return "".join(ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))
