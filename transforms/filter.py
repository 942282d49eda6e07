"""Filter: which events and user updates the settings let through."""

from collections.abc import Callable, Iterable, Mapping

import msgspec
from msgspec import Struct

from transforms.conditions import Clause, compile_clause
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


class FilterRules(Struct, frozen=True):
    """What passes. `include` None means every event type."""

    events_enabled: bool = True
    users_enabled: bool = True
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] = ()
    where: tuple[Clause, ...] = ()


def canonical_event_type(name: str) -> str:
    """The name that an event type has in Amplitude's records."""
    return EVENT_ALIASES.get(name, name)


class Filter:
    """FilterRules, compiled."""

    def __init__(self, rules: FilterRules) -> None:
        self._rules = rules
        self._include = None if rules.include is None else _canonical(rules.include)
        self._exclude = _canonical(rules.exclude)
        self._where: list[Callable[[Json], bool]] = [compile_clause(c) for c in rules.where]
        self._passes_all = rules == FilterRules()

    def apply(self, routed: Routed) -> Routed | Settled:
        """The record, without its event branch where a rule ends that; or its end."""
        if self._passes_all:
            return routed
        person = routed.person and self._rules.users_enabled
        reason = self._why_filtered(routed.record) if routed.event else None
        if routed.event and reason is None:
            return routed if person == routed.person else _replace(routed, person=person)
        if not person:
            return Settled(reason or "filtered.users_disabled")
        return _replace(routed, event=False, filtered=reason) if reason else routed

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
