"""What the tests of the dry run share: looking at messages without a process of its own."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec

from pipeline import plan
from pipeline.dryrun.chain import Chain
from pipeline.dryrun.document import Document
from pipeline.dryrun.facts import Circumstances
from pipeline.dryrun.look import Look
from pipeline.dryrun.reading import End
from pipeline.dryrun.report import report
from pipeline.settings import Settings
from transforms.records import Message

PUBLISHED_AT = 1_777_888_867.0


def chain(settings: dict[str, Any], name: str = "settings.yaml") -> Chain:
    """A chain as the dry run makes it."""
    read = Settings.model_validate(settings)
    return Chain(name, read, plan.delivery_policy(read, 1, hold=False, one_bundle_at_a_time=True))


def look_at(
    messages: Iterable[Message], settings: dict[str, Any], other: dict[str, Any] | None = None
) -> Look:
    """A look at messages, which are one bundle."""
    look = Look(chain(settings), None if other is None else chain(other, "other.yaml"))
    for message in messages:
        look.take(message)
    look.end_bundle()
    return look


def messages(*records: dict[str, Any], published: float | None = PUBLISHED_AT) -> list[Message]:
    """A message a record, one a second."""
    return [
        Message(
            msgspec.json.encode(fields),
            str(number),
            None if published is None else published + number,
            {},
        )
        for number, fields in enumerate(records)
    ]


def event(number: int = 1, **fields: Any) -> dict[str, Any]:
    """An event of a person of its own, a minute before the first message."""
    return {
        "event_type": "Song Played",
        "$insert_id": f"i{number}",
        "user_id": f"user-{number}",
        "event_time": "2026-05-04 10:00:07.000000",
        "event_properties": {},
        **fields,
    }


def report_of(look: Look, *, again: int = 0) -> Document:
    """The report of a look at a subscription."""
    return report(
        look,
        Circumstances(
            source="projects/p/subscriptions/s",
            subscription=True,
            began=datetime(2026, 5, 4, 10, 1, tzinfo=UTC),
            took_s=12.5,
            end=End.TIME,
            most_s=60.0,
            most_records=100_000,
            again=again,
        ),
    )
