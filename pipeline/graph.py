"""The graph.

    read > decode > route > filter > project > identify > resolve > build > validate > deliver
              |       |        |         |          |         |         |        |         |
              +-------+--------+---------+----------+---------+---------+--------+---------+
                          dead letters, those of each stage stored by a step of its own

Some stages are there only when the settings ask for them. `group`, in front of `route`, reads the
groups of a record. `shape`, in front of `build`, changes properties on their way out. `link`,
behind `build`, tells Customer.io of relationships and of people who were anonymous.

What one pull brought travels as one batch, a list; "element" below is a record in it. A record
takes the event branch, the identify branch, or both, and stays one element on its way: so
it is settled once, counted once and acknowledged once. Nothing here shuffles, keeps state or
flattens, because a runner acknowledges a message as soon as it has stored what came before such a
step; with none of them the whole graph is one fused stage, which ends with Customer.io's answer.

With `users.state: person` there is one stage more, which makes attributes of operations on people.
On one machine it is fused with the others, and the people are in a file:

    … > resolve > remember > build > …

Elsewhere the people are state of the runner's. What needs no memory goes on as ever, the rest is
stored with its person and acknowledged then:

    … > resolve > remember +> build > validate > deliver                a record that needs none
                           +> build > validate > deliver remembered     one that does

A replay of dead letters is the same picture with one more way:

    read > open +> decode > … > deliver     a letter that holds a record
                +> deliver again            a letter that holds an operation
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import PBegin, PCollection
from apache_beam.typehints import List

from pipeline import plan
from pipeline.deadletters import Store, StoreDeadLetters
from pipeline.replay.open import OpenedLetters, OpenLetters
from pipeline.settings.model import Settings
from transforms import coders
from transforms.build import BuildOperations
from transforms.decode import Decode
from transforms.filter import FilterRecords, TimeRange
from transforms.groups import ReadGroups
from transforms.identify import IdentifyPeople
from transforms.link import LinkPeople
from transforms.memory.in_place import RememberInPlace
from transforms.memory.keyed import RememberByKey, Remembered
from transforms.memory.people import OpenPeople
from transforms.project import ProjectEvents
from transforms.records import DeadLetter, Delivery, Message
from transforms.resolve import ResolveIdentifier
from transforms.route import Route
from transforms.shape import ShapeProperties
from transforms.stage import StageOutput
from transforms.validate import ValidateSizes

Source = beam.PTransform[PBegin, PCollection[list[Message]]]
Builder = Callable[[beam.Pipeline], None]
Sink = beam.PTransform[PCollection[list[Delivery]], PCollection[DeadLetter]]


class Extras(NamedTuple):
    """What only some jobs have."""

    environment_file: str | None = None
    """Where the settings' variables are looked up first."""
    people: OpenPeople | None = None
    """Where people are kept whom the settings have remembered; None: with the runner."""
    within: TimeRange | None = None
    """Of a backfill: the times of the records that are sent."""


_NO_EXTRAS = Extras()


def build(
    pipeline: beam.Pipeline,
    source: Source,
    settings: Settings,
    sink: Sink,
    store: Store,
    extras: Extras = _NO_EXTRAS,
) -> None:
    """Puts the job together; `source`, `sink` and `store` are the places where it meets the world.

    Step names are the identity of a running job: Dataflow updates a job by them.
    """
    coders.register()
    messages: PCollection[list[Message]] = pipeline | "Read" >> source
    # Beam infers it, but not where its type checks are switched off.
    messages.element_type = List[Message]
    _store(_chain(messages, settings, sink, extras), store)


def build_replay(
    pipeline: beam.Pipeline,
    source: Source,
    settings: Settings,
    sink: Sink,
    store: Store,
    extras: Extras = _NO_EXTRAS,
) -> None:
    """Puts a replay together; `source` gives stored dead letters, of which none is damaged.

    A record takes the job's whole way, and an operation that Customer.io refused goes to the sink
    at once, each of them to a sink of its own: bringing them together would take a Flatten.
    """
    coders.register()
    stored: PCollection[list[Message]] = pipeline | "Read" >> source
    opened: OpenedLetters = stored | "Open" >> OpenLetters()
    letters = _chain(opened.messages, settings, sink, extras)
    letters["deliver again"] = opened.deliveries | "Deliver again" >> sink
    _store(letters, store)


_Letters = dict[str, PCollection[DeadLetter]]
"""Stage -> the dead letters that it makes."""


def _chain(
    messages: PCollection[list[Message]],
    settings: Settings,
    sink: Sink,
    extras: Extras,
) -> _Letters:
    letters: _Letters = {}
    policy = plan.memory_policy(settings)
    decoded: StageOutput = messages | "Decode" >> Decode(plan.projection(settings))
    records = decoded.passed
    if (group_rules := plan.group_rules(settings)) is not None:
        grouped: StageOutput = records | "Group" >> ReadGroups(group_rules)
        records, letters["group"] = grouped
    routed: StageOutput = records | "Route" >> Route(identify_events=plan.identify_events(settings))
    filtered: StageOutput = routed.passed | "Filter" >> FilterRecords(
        plan.filter_rules(settings, extras.within)
    )
    projected: StageOutput = filtered.passed | "Project" >> ProjectEvents(
        plan.event_selection(settings)
    )
    selected: StageOutput = projected.passed | "Identify" >> IdentifyPeople(
        settings.users.user_properties, remembered=policy is not None
    )
    resolved: StageOutput = selected.passed | "Resolve" >> ResolveIdentifier(
        settings.mappings.user_identifier, settings.mappings.anonymous
    )
    letters |= {
        "decode": decoded.dead_letters,
        "route": routed.dead_letters,
        "filter": filtered.dead_letters,
        "project": projected.dead_letters,
        "identify": selected.dead_letters,
        "resolve": resolved.dead_letters,
    }

    def tail(identified: PCollection[Any], which: str = "") -> _Letters:
        return _tail(identified, settings, sink, extras.environment_file, which)

    if policy is None:
        return letters | tail(resolved.passed)
    if extras.people is not None:
        in_place: StageOutput = resolved.passed | "Remember" >> RememberInPlace(
            policy, extras.people
        )
        letters["remember"] = in_place.dead_letters
        return letters | tail(in_place.passed)
    by_key: Remembered = resolved.passed | "Remember" >> RememberByKey(
        policy, settings.users.state_days
    )
    letters["remember"] = by_key.remembered.dead_letters
    # Brought together they would all have to be stored, those too that need no memory.
    return letters | tail(by_key.passed_by) | tail(by_key.remembered.passed, " remembered")


def _tail(
    identified: PCollection[Any],
    settings: Settings,
    sink: Sink,
    environment_file: str | None,
    which: str,
) -> _Letters:
    """From people to Customer.io; `which` tells the names of its steps from those of another."""
    letters: _Letters = {}
    if rules := plan.shape_rules(settings, environment_file):
        shaped: StageOutput = identified | f"Shape{which}" >> ShapeProperties(rules)
        identified, letters[f"shape{which}"] = shaped
    built: StageOutput = identified | f"Build{which}" >> BuildOperations(
        settings.events.rename, update_only=settings.users.update_only
    )
    operations = built.passed
    if (link_rules := plan.link_rules(settings)) is not None:
        linked: StageOutput = operations | f"Link{which}" >> LinkPeople(link_rules)
        operations, letters[f"link{which}"] = linked
    valid: StageOutput = operations | f"Validate{which}" >> ValidateSizes(
        settings.limits.on_violation
    )
    refused: PCollection[DeadLetter] = valid.passed | f"Deliver{which}" >> sink
    return letters | {
        f"build{which}": built.dead_letters,
        f"validate{which}": valid.dead_letters,
        f"deliver{which}": refused,
    }


def _store(letters: _Letters, store: Store) -> None:
    for stage, of_stage in letters.items():
        of_stage | f"Dead letters of {stage}" >> StoreDeadLetters(store)
