"""What each record of a message would become, and why.

Pure: nothing is sent, no credential is read, no clock is looked at. What becomes of a record is
decided by the job's own functions (`pipeline.preview.walk`), so that a preview cannot differ from
the job. Each record is seen alone: that two identifies of one person in one batch become one
(`coalesced.identify`) is decided when the job sends them, and so is what it has told Customer.io
of a person, an object or a device before.
"""

import base64
from collections.abc import Iterator

from pipeline.preview.causes import cause, cause_of_letter
from pipeline.preview.explained import WOULD_BE_SENT, Explained, Sending
from pipeline.preview.left_behind import left_behind
from pipeline.preview.notes import notes
from pipeline.preview.shaping import nothing_left
from pipeline.preview.walk import SHAPE, Walk, Walker
from pipeline.preview.words import SHOWN_CHARACTERS
from pipeline.settings.model import Settings
from transforms.decode import decoded
from transforms.reasons import DELIVERED, FILTERED, SKIPPED, weightiest
from transforms.records import (
    Built,
    DeadLetter,
    Delivery,
    IdentifyOperation,
    Item,
    Message,
    Record,
    Settled,
)
from transforms.route import GROUP_UPDATE_TYPE, event_type
from transforms.sink.batch import Pending, Request

_INPUT_CHARACTERS = 2 * SHOWN_CHARACTERS


def explain(message: Message, settings: Settings) -> list[Explained]:
    """All records of a message in their order."""
    return list(Explainer(settings).records(message))


class Explainer:
    """Settings, compiled once for many messages."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._walker = Walker(settings)

    def records(self, message: Message) -> Iterator[Explained]:
        """The records of a message, each explained when it is asked for."""
        results = decoded(message)
        for position, result in enumerate(results, start=1):
            if isinstance(result, Settled):
                yield _unreadable(result, message, position, len(results))
            else:
                yield self._record(result, position, len(results))

    def _record(self, record: Record, position: int, of: int) -> Explained:
        walk = self._walker.walk(record)
        kind, name = _kind(walk)
        outcome, stage, reason = self._end(walk)
        sendings: tuple[Sending, ...] = ()
        if isinstance(walk.end, Delivery):
            sendings = tuple(_sending(item, walk.end) for item in walk.end.items)
        return Explained(
            message_id=record.origin.message_id,
            position=position,
            of=of,
            kind=kind,
            name=name,
            outcome=outcome,
            stage=stage,
            reason=reason,
            sendings=sendings,
            left_behind=left_behind(walk.routed, self._settings) if walk.routed else {},
            notes=notes(walk, self._settings),
        )

    def _end(self, walk: Walk) -> tuple[str, str, str]:
        """Outcome, stage and reason."""
        end, settings = walk.end, self._settings
        if isinstance(end, Settled):
            if end.letter is not None:
                return end.outcome, walk.stage, cause_of_letter(end.letter, walk, settings)
            if walk.stage == SHAPE and end.outcome in SKIPPED:
                return end.outcome, walk.stage, nothing_left(walk, settings)
            reason = cause(end.outcome, walk.record, settings)
            if walk.stage == SHAPE:
                reason += f"; and nothing is left of the person: {nothing_left(walk, settings)}"
            if walk.stage == "identify" and end.outcome in FILTERED:
                reason += "; and no user property is selected that would update the person"
            return end.outcome, walk.stage, reason
        outcome = weightiest((*end.fallen, DELIVERED))
        texts = [
            f"one operation falls: {cause_of_letter(letter, walk, settings)}"
            for letter in end.letters
        ]
        if walk.built is not None and walk.built.filtered:
            filtered = walk.built.filtered
            why = cause(filtered, walk.record, settings)
            texts.append(f"{_left(walk.built)}; {_part(walk)} is {filtered}: {why}")
        stage = end.letters[0].stage if end.letters else walk.stage
        return (
            WOULD_BE_SENT if outcome == DELIVERED else outcome,
            stage,
            "; ".join(texts),
        )


def _left(built: Built) -> str:
    updated = any(isinstance(each, IdentifyOperation) for each in built.operations)
    return f"only the person is {'updated' if updated else 'related to objects'}"


def _part(walk: Walk) -> str:
    """The part of a record that has ended while another goes on."""
    update = walk.routed is not None and walk.routed.update
    return "the user update" if update else "the event"


def _sending(item: Item, delivery: Delivery) -> Sending:
    request = Request([Pending(item, 0, delivery.time_ms)])
    body = request.body() if item.alone else item.body
    return Sending(f"POST {request.path}", item.operation, body)


def _kind(walk: Walk) -> tuple[str, str | None]:
    name = event_type(walk.record)
    routed = walk.passed.get("route")
    if name == GROUP_UPDATE_TYPE:
        return "group update", None
    if routed is not None:
        return ("user update", None) if routed.update else ("event", name)
    if isinstance(walk.end, Settled) and walk.end.outcome == "skipped.cohort_message":
        return "cohort message", None
    return "unknown record", None


def _unreadable(settled: Settled, message: Message, position: int, of: int) -> Explained:
    letter = settled.letter
    return Explained(
        message_id=message.message_id,
        position=position,
        of=of,
        kind="unreadable input",
        name=None,
        outcome=settled.outcome,
        stage=letter.stage if letter else "decode",
        reason=letter.detail if letter else "",
        input=_beginning(letter) if letter else None,
    )


def _beginning(letter: DeadLetter) -> str:
    """The first characters of an input that never became a record, without its `api_key`."""
    text = (letter.record or "").strip()
    if letter.encoding == "text":
        return text[:_INPUT_CHARACTERS]
    # Four characters of base64 are three bytes.
    data = base64.b64decode(text[: _INPUT_CHARACTERS * 4])
    return data.decode(errors="backslashreplace")[:_INPUT_CHARACTERS]
