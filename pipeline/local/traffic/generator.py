"""Mixes clean traffic with the catalogue of trouble."""

from collections.abc import Iterator
from itertools import chain, cycle
from random import Random
from typing import NamedTuple

from pipeline.local.traffic.export_line import clean_http_event, clean_line
from pipeline.local.traffic.message import (
    Message,
    Record,
    array,
    gzipped,
    newline_delimited,
    request_body,
    single,
)
from pipeline.local.traffic.people import Person
from pipeline.local.traffic.scene import Scene
from pipeline.local.traffic.trouble import CASES, ONLY_ONCE
from pipeline.local.traffic.updates import identify_message, identify_record, timed_identify_object

# From this many records on, every label of the catalogue comes at least once.
ENOUGH_FOR_EVERY_LABEL = 500
USER_UPDATES = 0.2
LARGEST_GROUP = 8
CLEAN_LABELS = (
    *("clean_event", "clean_identify_object", "clean_identify_record"),
    *("clean_array", "clean_lines", "clean_gzip", "clean_http_v2"),
)


class Sample(NamedTuple):
    """One Pub/Sub message.

    `records` is how many records a reader finds in `data`. The attribute `sample` holds the
    label, so that a dead letter tells what its message was made for.
    """

    data: bytes
    label: str
    attributes: dict[str, str]
    records: int


def generate(count: int, *, seed: int, now: float, trouble: float = 0.1) -> Iterator[Sample]:
    """Yield messages that hold `count` records in all; the same arguments give the same bytes.

    `now` is in Unix seconds: things happened within the hour before it. `trouble` is the share of
    records, 0 to 1, that come from the catalogue of trouble, taken in turn. With 500 records or
    more each of its labels comes at least once, whatever the share, unless it is 0.
    Raises ValueError for a negative count or a share outside 0 to 1.
    """
    for label, message in messages(count, seed=seed, now=now, trouble=trouble):
        attributes = {"sample": label}
        if message.data.startswith(b"\x1f\x8b"):
            attributes["content-encoding"] = "gzip"
        for _ in range(message.copies):
            yield Sample(message.data, label, dict(attributes), message.records)


def messages(count: int, *, seed: int, now: float, trouble: float) -> Iterator[tuple[str, Message]]:
    """Yield what `generate` yields, with its labels, before copies are made."""
    if count < 0 or not 0 <= trouble <= 1:
        raise ValueError(f"count {count} must not be negative, trouble {trouble} be from 0 to 1")
    scene = Scene(seed, now)
    again = {label: make for label, make in CASES.items() if label not in ONLY_ONCE}
    catalogue = chain(CASES.items(), cycle(again.items()))
    troubled = _troubled_records(count, trouble, now)
    done = spent = 0
    while done < count:
        left_for_clean = (count - done) - (troubled - spent)
        if left_for_clean == 0 or spent * count < troubled * done:
            label, make = next(catalogue)
            message = make(scene)
            if _weight(message) > troubled - spent:
                continue
            spent += _weight(message)
        else:
            label, message = _clean(scene, min(left_for_clean, LARGEST_GROUP))
        done += _weight(message)
        yield label, message


def _weight(message: Message) -> int:
    return message.records * message.copies


def _troubled_records(count: int, trouble: float, now: float) -> int:
    wanted = round(count * trouble)
    if trouble == 0 or count < ENOUGH_FOR_EVERY_LABEL:
        return wanted
    scene = Scene(seed=0, now=now)
    return max(wanted, sum(_weight(make(scene)) for make in CASES.values()))


def _clean(scene: Scene, room: int) -> tuple[str, Message]:
    """Return a message of at most `room` records; three in four hold just one."""
    rng = scene.rng
    shape = rng.random()
    if room < 2 or shape < 0.75:
        return _clean_single(rng, scene.person())
    people = [scene.person() for _ in range(rng.randint(2, room))]
    if shape < 0.85:
        return "clean_http_v2", request_body([_http_record(rng, person) for person in people])
    lines = [_file_record(rng, person) for person in people]
    if shape < 0.9:
        return "clean_array", array(lines)
    if shape < 0.95:
        return "clean_lines", newline_delimited(lines)
    return "clean_gzip", gzipped(newline_delimited(lines))


def _clean_single(rng: Random, person: Person) -> tuple[str, Message]:
    if rng.random() >= USER_UPDATES:
        return "clean_event", single(clean_line(rng, person))
    if rng.random() < 0.5:
        return "clean_identify_object", identify_message(rng, person)
    return "clean_identify_record", single(identify_record(rng, person))


def _http_record(rng: Random, person: Person) -> Record:
    if rng.random() < USER_UPDATES:
        return identify_record(rng, person)
    return clean_http_event(rng, person)


def _file_record(rng: Random, person: Person) -> Record:
    if rng.random() >= USER_UPDATES:
        return clean_line(rng, person)
    make = timed_identify_object if rng.random() < 0.5 else identify_record
    return make(rng, person)
