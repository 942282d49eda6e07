"""The graph.

    read > decode > route > filter > project > identify > resolve > build > validate > deliver
              |       |        |         |          |         |         |        |         |
              +-------+--------+---------+----------+---------+---------+--------+---------+
                          dead letters, those of each stage stored by a step of its own

Between resolve and build stands `shape`, when a setting asks for it.

What one pull brought travels as one batch, a list; "element" below is a record in it. A record
takes the event branch, the identify branch, or both, and stays one element on its way: so
it is settled once, counted once and acknowledged once. Nothing here shuffles, keeps state or
flattens, because a runner acknowledges a message as soon as it has stored what came before such a
step; with none of them the whole graph is one fused stage, which ends with Customer.io's answer.

A replay of dead letters is the same picture with one more way:

    read > open +> decode > … > deliver     a letter that holds a record
                +> deliver again            a letter that holds an operation
"""

from collections.abc import Callable
from typing import NamedTuple

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
from transforms.identify import IdentifyPeople
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
    decoded: StageOutput = messages | "Decode" >> Decode(plan.projection(settings))
    routed: StageOutput = decoded.passed | "Route" >> Route(
        identify_events=plan.identify_events(settings)
    )
    filtered: StageOutput = routed.passed | "Filter" >> FilterRecords(
        plan.filter_rules(settings, extras.within)
    )
    projected: StageOutput = filtered.passed | "Project" >> ProjectEvents(
        plan.event_selection(settings)
    )
    selected: StageOutput = projected.passed | "Identify" >> IdentifyPeople(
        settings.users.user_properties
    )
    resolved: StageOutput = selected.passed | "Resolve" >> ResolveIdentifier(
        settings.mappings.user_identifier, settings.mappings.anonymous
    )
    identified = resolved.passed
    asked_for: _Letters = {}
    if rules := plan.shape_rules(settings, extras.environment_file):
        shaped: StageOutput = identified | "Shape" >> ShapeProperties(rules)
        identified, asked_for["shape"] = shaped
    built: StageOutput = identified | "Build" >> BuildOperations(
        settings.events.rename, update_only=settings.users.update_only
    )
    valid: StageOutput = built.passed | "Validate" >> ValidateSizes(settings.limits.on_violation)
    refused: PCollection[DeadLetter] = valid.passed | "Deliver" >> sink
    return {
        "decode": decoded.dead_letters,
        "route": routed.dead_letters,
        "filter": filtered.dead_letters,
        "project": projected.dead_letters,
        "identify": selected.dead_letters,
        "resolve": resolved.dead_letters,
        **asked_for,
        "build": built.dead_letters,
        "validate": valid.dead_letters,
        "deliver": refused,
    }


def _store(letters: _Letters, store: Store) -> None:
    for stage, of_stage in letters.items():
        of_stage | f"Dead letters of {stage}" >> StoreDeadLetters(store)
