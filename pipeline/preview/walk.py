"""A record's way through the job's own functions, one after the other, with nothing around them.

The functions, their order and their settings are those of `pipeline.graph`; only Beam is missing.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from msgspec import Struct

from pipeline import plan
from pipeline.settings.model import Settings
from transforms.build import build_operations, with_canonical_names
from transforms.filter import Filter
from transforms.groups import read_groups
from transforms.hashing import Digest, plain_sha256
from transforms.identify import select_operations, select_person
from transforms.known import Known, Learned
from transforms.link import link
from transforms.memory.people import PeopleOfRun
from transforms.memory.record import remembered
from transforms.project import project
from transforms.properties import PropertyPath
from transforms.records import Built, Delivery, Identified, Record, Routed, Settled
from transforms.resolve import resolve_identifier
from transforms.route import route
from transforms.shape import PropertyRules, compile_rules, shape
from transforms.stage import internal_error
from transforms.tally import Tally
from transforms.validate import validate

DELIVER = "deliver"
"""The stage that a preview stops in front of."""
SHAPE = "shape"
SALTED = "HMAC-SHA256 with your salt, which a preview does not read".ljust(64, ".")
"""Stands for a salted hash, and is as long."""

_Step = Callable[[Any], Any]


def _digest(rules: PropertyRules) -> Digest:
    return plain_sha256 if rules.salt is None else lambda _text: SALTED


class Walk(Struct, frozen=True):
    """How far a record came, and how that ended."""

    record: Record
    stage: str
    """The stage that settled the record; DELIVER when none did."""
    end: Delivery | Settled
    passed: Mapping[str, Any]
    """What each stage handed on."""
    counts: Mapping[str, int]
    """What the stages counted beside the ledger."""

    @property
    def routed(self) -> Routed | None:
        """The record with the branches that the filter left it; None when it settled the record."""
        return self.passed.get("filter")

    @property
    def identified(self) -> Identified | None:
        """The properties before they were shaped."""
        return self.passed.get("remember") or self.passed.get("resolve")

    @property
    def grouped(self) -> Record:
        """The record with its groups."""
        record: Record = self.passed.get("group", self.record)
        return record

    @property
    def built(self) -> Built | None:
        """The operations before their sizes were checked."""
        return self.passed.get("link") or self.passed.get("build")


class Walker:
    """The stages after decode, bound to settings.

    `known`: what was told to Customer.io, remembered from one walk to the next. Without it each
    record is seen alone, and related to all that it names.
    People, where the settings have them remembered, are remembered from one walk to the next.
    """

    def __init__(self, settings: Settings, known: Known | None = None) -> None:
        self._settings = settings
        self._known = known
        self._policy = plan.memory_policy(settings)
        self._people = PeopleOfRun()
        self._filter = Filter(plan.filter_rules(settings))
        self._event_selection = plan.event_selection(settings)
        self._identifier = PropertyPath(settings.mappings.user_identifier)
        self._group_rules = plan.group_rules(settings)
        self._link_rules = plan.link_rules(settings)
        self._names = with_canonical_names(settings.events.rename)
        rules = plan.shape_rules(settings)
        self._shape_event = compile_rules(rules.event, _digest(rules.event))
        self._shape_person = compile_rules(rules.person, _digest(rules.person))

    def walk(self, record: Record) -> Walk:
        """Takes a record from stage to stage until one settles it or none is left."""
        tally = Tally()
        passed: dict[str, Any] = {}
        element: Any = record
        learned = Learned(Known() if self._known is None else self._known)
        for stage, step in self._steps(tally, learned):
            try:
                result = step(element)
            except Exception as error:
                result = internal_error(error, element, stage=stage)
            if stage == "link":
                # Whatever becomes of the record behind it, as in the job.
                learned.keep()
            if isinstance(result, Settled):
                return Walk(record, stage, result, passed, tally.counts)
            passed[stage] = element = result
        return Walk(record, DELIVER, element, passed, tally.counts)

    def _steps(self, tally: Tally, learned: Learned) -> Iterator[tuple[str, _Step]]:
        settings = self._settings
        policy = self._policy
        choose = select_person if policy is None else select_operations
        if self._group_rules is not None:
            yield "group", partial(read_groups, rules=self._group_rules, tally=tally)
        yield (
            "route",
            lambda record: route(record, identify_events=plan.identify_events(settings)),
        )
        yield "filter", self._filter.apply
        yield "project", lambda routed: project(routed, self._event_selection, tally)
        yield (
            "identify",
            lambda projected: choose(projected, settings.users.user_properties, tally),
        )
        yield (
            "resolve",
            lambda selected: resolve_identifier(
                selected, self._identifier, settings.mappings.anonymous
            ),
        )
        if policy is not None:
            yield (
                "remember",
                lambda identified: remembered(identified, self._people, policy, tally),
            )
        if self._shape_event or self._shape_person:
            yield (
                SHAPE,
                lambda identified: shape(identified, self._shape_event, self._shape_person, tally),
            )
        yield (
            "build",
            lambda identified: build_operations(
                identified, self._names, update_only=settings.users.update_only
            ),
        )
        if self._link_rules is not None:
            yield "link", partial(link, rules=self._link_rules, learned=learned)
        yield "validate", lambda built: validate(built, settings.limits.on_violation, tally)
