"""Shape: the properties that go out get the form that the other side wants.

Four steps, always in this order, each for the properties that a rule names by the name that they
have in Amplitude:

    drop_empty > unix_seconds > hash > rename

So a time can be hashed as its seconds, and what is hashed goes out under its new name. Each step
gives its input back as it is when no rule applies, and never changes it: it may be the record's.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct

from transforms.event_time import date_time_ms
from transforms.hashing import Digest, Salt, UnhashableError, hashed, plain_sha256, salted_sha256
from transforms.memory.values import fits
from transforms.records import Identified, Json, Settled
from transforms.reserved import INITIAL_PREFIX
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally

EMPTY = "EMPTY"
"""To which Amplitude's browser SDK sets the properties of a first campaign that is not there."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class PropertyRules(Struct, frozen=True):
    """How the properties of an event, or the attributes of a person, are shaped."""

    drop_empty: bool = False
    unix_seconds: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()
    salt: Salt | None = None
    """Of `hash`; None: without one. It must pickle."""
    rename: Mapping[str, str] = {}
    """Name -> new name; no two new names are the same."""

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.drop_empty or self.unix_seconds or self.hash or self.rename)


class ShapeRules(Struct, frozen=True):
    """The rules of both kinds of operations."""

    event: PropertyRules = PropertyRules()
    person: PropertyRules = PropertyRules()

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.event or self.person)


Step = Callable[[Json, Tally], Json]


def drop_empty(properties: Json, tally: Tally) -> Json:
    """The properties without those `initial_…` whose value is the text EMPTY."""
    if EMPTY not in properties.values():
        return properties
    kept = {
        name: value
        for name, value in properties.items()
        if value != EMPTY or not name.startswith(INITIAL_PREFIX)
    }
    if len(kept) == len(properties):
        return properties
    tally.add("dropped.empty_property", len(properties) - len(kept))
    return kept


def to_unix_seconds(properties: Json, tally: Tally, names: tuple[str, ...]) -> Json:
    """The properties with the times of `names` as integer Unix seconds.

    Numbers and null stay; so does what cannot be read, and that is counted.
    """
    times: Json = {}
    for name in names:
        value = properties.get(name)
        if value is None or type(value) in (int, float):
            continue
        seconds = unix_seconds(value)
        if seconds is None:
            tally.add("unapplied.unix_seconds")
        else:
            times[name] = seconds
    return {**properties, **times} if times else properties


def unix_seconds(value: Any) -> int | None:
    """Unix seconds, rounded down, of a date-time as text, or of a date: its midnight in UTC.

    ISO 8601 with a `T` or a space; without an offset it is UTC. None for whatever else.
    """
    if type(value) is not str:
        return None
    milliseconds = date_time_ms(f"{value} 00:00:00" if _DATE.fullmatch(value) else value)
    return None if milliseconds is None else milliseconds // 1000


def hash_values(properties: Json, tally: Tally, names: tuple[str, ...], digest: Digest) -> Json:
    """The properties with the values of `names` hashed; what cannot be hashed is left out.

    That is an object, a list with one in it, and what is too large for a person's memory: so a
    value has the same hash with and without one.
    """
    hashes: Json = {}
    unhashable: set[str] = set()
    for name in names:
        value = properties.get(name)
        if value is None:
            continue
        try:
            # A person's memory may have cut a larger one, and must not give it another hash.
            if not fits(value):
                raise UnhashableError
            hashes[name] = hashed(value, digest)
        except UnhashableError:
            unhashable.add(name)
    if hashes:
        properties = {**properties, **hashes}
    if unhashable:
        tally.add("dropped.unhashable_property", len(unhashable))
        properties = {name: properties[name] for name in properties if name not in unhashable}
    return properties


def rename(properties: Json, tally: Tally, names: Mapping[str, str]) -> Json:
    """The properties under their new names, all at once: a new name may be another's old one.

    A property that has by itself the new name of another one gives way to that, and is counted.
    """
    taken = {names[name] for name in properties.keys() & names.keys()}
    if not taken:
        return properties
    renamed = {
        names.get(name, name): value
        for name, value in properties.items()
        if name in names or name not in taken
    }
    if len(renamed) < len(properties):
        tally.add("clash.property", len(properties) - len(renamed))
    return renamed


def steps_of(rules: PropertyRules, digest: Digest) -> list[Step]:
    """The steps that the rules ask for, in their order. `digest`: what `hash` hashes with."""
    steps: list[Step] = []
    if rules.drop_empty:
        steps.append(drop_empty)
    if rules.unix_seconds:
        steps.append(partial(to_unix_seconds, names=rules.unix_seconds))
    if rules.hash:
        steps.append(partial(hash_values, names=rules.hash, digest=digest))
    if rules.rename:
        steps.append(partial(rename, names=rules.rename))
    return steps


def compile_rules(rules: PropertyRules, digest: Digest) -> Step | None:
    """The steps that the rules ask for, as one; None when they ask for none."""
    steps = steps_of(rules, digest)
    if not steps:
        return None

    def shaped(properties: Json, tally: Tally) -> Json:
        for step in steps:
            properties = step(properties, tally)
        return properties

    return shaped


def digest_of(rules: PropertyRules) -> Digest:
    """What the values are hashed with on a worker. Raises what the salt raises."""
    return plain_sha256 if rules.salt is None else salted_sha256(rules.salt)


def shape(
    identified: Identified, event: Step | None, person: Step | None, tally: Tally
) -> Identified | Settled:
    """The record with the properties of its operations shaped; settled when nothing is left."""
    data, attributes = identified.event, identified.person
    if event is not None and data is not None:
        data = event(data, tally)
    if person is not None and attributes is not None:
        attributes = person(attributes, tally) or None
        if attributes is None and data is None:
            outcome = identified.filtered or "skipped.no_selected_property"
            if not identified.record.groups:
                return Settled(outcome)
            return msgspec.structs.replace(identified, person=None, filtered=outcome)
    return msgspec.structs.replace(identified, event=data, person=attributes)


class _ShapeDoFn(StageDoFn[Identified, Identified]):
    stage = "shape"

    def __init__(self, rules: ShapeRules) -> None:
        self._rules = rules

    def setup(self) -> None:
        event, person = self._rules.event, self._rules.person
        self._event = compile_rules(event, digest_of(event))
        self._person = compile_rules(person, digest_of(person))

    def bind(self, tally: Tally) -> Callable[[Identified], Identified | Settled]:
        return partial(shape, event=self._event, person=self._person, tally=tally)


class ShapeProperties(Stage):
    """Identified -> Identified: properties are dropped, converted, hashed, renamed.

    The salt is read when a worker sets the transform up; while it cannot be had bundles fail, and
    the runner tries them again.
    """

    def __init__(self, rules: ShapeRules) -> None:
        super().__init__(_ShapeDoFn(rules), Identified, Identified)
