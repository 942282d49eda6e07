"""Facts: the figures of a report that take more than one count to know."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from pipeline import plan
from pipeline.dryrun.bounded import Timeline
from pipeline.dryrun.chain import Chain
from pipeline.dryrun.look import Look
from pipeline.dryrun.reading import End
from pipeline.dryrun.sizes import IDENTIFIER
from pipeline.dryrun.traffic import EVENT, GROUP, USER
from pipeline.settings.model import Settings
from transforms.filter import canonical_event_type
from transforms.groups import object_attributes
from transforms.identify import person_attributes
from transforms.project import project_event
from transforms.properties import PropertyPath
from transforms.reasons import COALESCED, DELIVERED
from transforms.records import Origin, Record
from transforms.tally import Tally

_SHORTEST_SPAN_S: Final = 2.0
_OUTSIDE: Final = 0.005
"""Share of the records that may be left out at either end of the plot of the records' own times."""
_ORIGIN: Final = Origin("", None, {})


class Circumstances(Struct, frozen=True):
    """What was looked at, when and how."""

    source: str
    subscription: bool
    began: datetime
    """With a zone."""
    took_s: float
    end: End
    most_s: float | None
    most_records: int | None
    again: int = 0


class Rate(Struct, frozen=True):
    """Records a second, by the time at which they were published."""

    mean: float
    peak: float
    peak_s: int
    """Over how many seconds the peak is a mean."""


def rate(look: Look) -> Rate | None:
    """How fast the records came; None where their times do not tell."""
    published = look.traffic.published
    if published.span_s < _SHORTEST_SPAN_S:
        return None
    peak = max(count for _begin, count in published.spans())
    mean = look.traffic.records / published.span_s
    return Rate(mean, max(mean, peak / published.width_s), published.width_s)


def requests_a_record(chain: Chain) -> float:
    """Requests that a record takes on average; 0 where there are none."""
    records = chain.outcomes().total()
    return chain.packing.requests / records if records else 0.0


def sent(outcomes: Counter[str]) -> int:
    """Records that would be sent, those included that become one with another."""
    return outcomes[DELIVERED] + outcomes[COALESCED]


def dead(outcomes: Counter[str]) -> int:
    """Records that would become dead letters."""
    return sum(count for name, count in outcomes.items() if name.startswith("dead_lettered."))


def largest(look: Look) -> dict[str, int]:
    """Key of LIMITS -> the largest that was seen; only what was seen at all."""
    longest = look.identifiers.longest
    return look.chain.sizes.largest | ({IDENTIFIER: longest} if longest else {})


def own_times(look: Look) -> tuple[Timeline, int]:
    """The records' own times, without the few far from all others, and how many those are."""
    minutes = look.traffic.minutes
    total = minutes.counts.total()
    timeline = Timeline(width_s=60)
    passed = outside = 0
    for minute in sorted(minutes.counts):
        count = minutes.counts[minute]
        before, passed = passed, passed + count
        if passed <= total * _OUTSIDE or before >= total * (1 - _OUTSIDE):
            outside += count
        else:
            timeline.add(minute * 60, count)
    return timeline, outside + minutes.missed


def goes_along(space: str, name: str, settings: Settings) -> tuple[str, ...]:
    """Where the settings send a property: `events`, `people`, `objects`, several or nowhere."""
    given = {name: 1}
    fields = {EVENT: {"event_properties": given}, USER: {"user_properties": given}}.get(
        space, {"group_properties": {"type": {"name": given}}}
    )
    record = Record(fields, _ORIGIN)
    events, users = settings.events, settings.users
    where = []
    if events.enabled and _selected(record, space, settings):
        where.append("events")
    attributes = person_attributes(record, users.user_properties, Tally())
    if users.enabled and name in attributes:
        where.append("people")
    groups = settings.groups
    if (
        space == GROUP
        and groups.enabled
        and object_attributes(given, groups.group_properties, Tally())
    ):
        where.append("objects")
    return tuple(where)


def _selected(record: Record, space: str, settings: Settings) -> bool:
    return bool(project_event(record, plan.event_selection(settings), Tally()))


def never_seen(look: Look) -> Iterator[tuple[str, str]]:
    """Setting and name: what the settings name and no record has. Nothing where a table was cut."""
    settings, traffic = look.chain.settings, look.traffic
    if not traffic.event_types.missed:
        types = {canonical_event_type(name) for name in traffic.event_types.rows}
        events = settings.events
        for key, names in (
            ("events.include", () if events.include == "all" else events.include),
            ("events.exclude", events.exclude),
            ("events.rename", tuple(events.rename)),
        ):
            yield from ((key, name) for name in names if canonical_event_type(name) not in types)
    if traffic.properties.missed:
        return
    seen = traffic.properties.rows
    for key, space, selection in (
        ("events.event_properties", EVENT, settings.events.event_properties),
        ("events.user_properties", USER, settings.events.user_properties),
        ("events.group_properties", GROUP, settings.events.group_properties),
        ("users.user_properties", USER, settings.users.user_properties),
        ("groups.group_properties", GROUP, settings.groups.group_properties),
    ):
        if selection not in ("none", "all"):
            yield from ((key, name) for name in selection if (space, name) not in seen)
    for clause in settings.events.where:
        path = PropertyPath(clause.property)
        side = {"event_properties": EVENT, "user_properties": USER}.get(path.space)
        if side is not None and (side, path.name) not in seen:
            yield "events.where", clause.property


def moment(seconds: float) -> str:
    """Unix seconds as UTC text."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
