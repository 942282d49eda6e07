"""Filter: which events and user updates the settings, or a backfill's range, let through."""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Struct

from transforms.conditions import Clause, compile_clause
from transforms.event_time import InvalidTimeError, event_time_ms
from transforms.records import Json, Record, Routed, Settled
from transforms.route import event_type
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally

EVENT_ALIASES: Mapping[str, str] = {
    "[Amplitude] Start Session": "session_start",
    "[Amplitude] End Session": "session_end",
    "[Amplitude] Revenue": "revenue_amount",
    "[Experiment] Exposure": "$exposure",
}
"""Names in Amplitude's pages -> names in its records. Either selects both."""


class TimeRange(Struct, frozen=True):
    """Times from `since_ms` on and before `until_ms`, Unix milliseconds; None: without an end."""

    since_ms: int | None = None
    until_ms: int | None = None

    def holds(self, time_ms: int) -> bool:
        """Whether a time is within."""
        if self.since_ms is not None and time_ms < self.since_ms:
            return False
        return self.until_ms is None or time_ms < self.until_ms


class FilterRules(Struct, frozen=True):
    """What passes. `include` None means every event type, `within` None every time."""

    events_enabled: bool = True
    users_enabled: bool = True
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    where: tuple[Clause, ...] = ()
    within: TimeRange | None = None


def canonical_event_type(name: str) -> str:
    """The name that an event type has in Amplitude's records."""
    return EVENT_ALIASES.get(name, name)


class Filter:
    """FilterRules, compiled."""

    apply: Callable[[Routed], Routed | Settled]
    """The record, without its event branch where a rule ends that; or its end."""

    def __init__(self, rules: FilterRules) -> None:
        self._rules = rules
        # Chosen once: a job without a range looks at no time.
        self.apply = self._by_rules if rules.within is None else self._by_time_and_rules
        self._within = rules.within or TimeRange()
        self._include = None if rules.include is None else _canonical(rules.include)
        self._exclude = _canonical(rules.exclude)
        self._where: list[Callable[[Json], bool]] = [compile_clause(c) for c in rules.where]
        self._passes_all = _replace(rules, within=None) == FilterRules()

    def _by_time_and_rules(self, routed: Routed) -> Routed | Settled:
        try:
            if not self._within.holds(event_time_ms(routed.record)):
                return Settled("filtered.time")
        except InvalidTimeError:
            # It is in no range and in no other: the build stage makes a dead letter of it.
            pass
        return self._by_rules(routed)

    def _by_rules(self, routed: Routed) -> Routed | Settled:
        if self._passes_all:
            return routed
        person = routed.person and self._rules.users_enabled
        reason = self._why_filtered(routed.record) if routed.event else None
        if routed.event and reason is None:
            return routed if person == routed.person else _replace(routed, person=person)
        if not person:
            return self._without_branches(routed, reason)
        return _replace(routed, event=False, filtered=reason) if reason else routed

    def _without_branches(self, routed: Routed, reason: str | None) -> Routed | Settled:
        """The end of a record, unless it goes on for its groups, which have their own switch."""
        if not routed.record.groups:
            return Settled(reason or "filtered.users_disabled")
        if routed.person:
            reason = reason or "filtered.users_disabled"
        return _replace(routed, event=False, person=False, filtered=reason)

    def _why_filtered(self, record: Record) -> str | None:
        if not self._rules.events_enabled:
            return "filtered.events_disabled"
        name = canonical_event_type(event_type(record) or "")
        if name in self._exclude or (self._include is not None and name not in self._include):
            return "filtered.event_type"
        if all(test(record.fields) for test in self._where):
            return None
        return "filtered.where"


_replace = msgspec.structs.replace


def _canonical(names: Iterable[str]) -> frozenset[str]:
    return frozenset(map(canonical_event_type, names))


class _FilterDoFn(StageDoFn[Routed, Routed]):
    stage = "filter"

    def __init__(self, rules: FilterRules) -> None:
        self._rules = rules

    def setup(self) -> None:
        self._filter = Filter(self._rules)

    def bind(self, tally: Tally) -> Callable[[Routed], Routed | Settled]:
        return self._filter.apply


class FilterRecords(Stage):
    """Routed -> Routed, without what the settings filter out."""

    def __init__(self, rules: FilterRules) -> None:
        super().__init__(_FilterDoFn(rules), Routed, Routed)
