"""From messages to requests through the product's own functions, without Beam and network."""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from pipeline import plan
from pipeline.settings import Settings
from tests.packing import pack
from transforms.build import build_operations, with_canonical_names
from transforms.decode import decode_message
from transforms.filter import Filter
from transforms.groups import read_groups
from transforms.identify import select_person
from transforms.known import Known, Learned
from transforms.link import link
from transforms.project import project_event
from transforms.properties import PropertyPath
from transforms.records import Delivery, Message, Projected, Record, Settled
from transforms.resolve import resolve_identifier
from transforms.route import route
from transforms.sink.batch import Pending, Request
from transforms.tally import Tally
from transforms.validate import validate


class Outcome(Struct, frozen=True):
    """What became of some messages."""

    settled: list[Settled]
    requests: list[Request]
    tally: Tally


def run(messages: Iterable[Message], settings: Settings) -> Outcome:
    """Everything that is sent for `messages`, all of them taken by one lane in one bundle."""
    tally = Tally()
    chain = _Chain(settings, tally)
    ends = [end for message in messages for end in _ends(message, chain)]
    deliveries = [end for end in ends if isinstance(end, Delivery)]
    settled = [end for end in ends if isinstance(end, Settled)]
    return Outcome(settled, _requests(deliveries, settings), tally)


def with_retries(requests: Iterable[Request]) -> Iterator[Request]:
    """The requests, and those that follow when Customer.io refuses them."""
    for request in requests:
        yield request
        if len(request.pendings) > 1:
            yield from request.halves()
        for pending in request.pendings:
            for part in pending.parts:
                yield Request([part])


def _ends(message: Message, chain: "_Chain") -> Iterator[Delivery | Settled]:
    for decoded in decode_message(message):
        yield decoded if isinstance(decoded, Settled) else chain.end(decoded)


class _Chain:
    def __init__(self, settings: Settings, tally: Tally) -> None:
        self._settings = settings
        self._tally = tally
        self._filter = Filter(plan.filter_rules(settings))
        self._selection = plan.event_selection(settings)
        self._identifier = PropertyPath(settings.mappings.user_identifier)
        self._group_rules = plan.group_rules(settings)
        self._link_rules = plan.link_rules(settings)
        self._learned = Learned(Known())
        self._names = with_canonical_names(settings.events.rename)

    def end(self, record: Record) -> Delivery | Settled:
        settings, tally = self._settings, self._tally
        if self._group_rules is not None:
            grouped = read_groups(record, self._group_rules, tally)
            if isinstance(grouped, Settled):
                return grouped
            record = grouped
        routed = route(record, identify_events=plan.identify_events(settings))
        passed = routed if isinstance(routed, Settled) else self._filter.apply(routed)
        if isinstance(passed, Settled):
            return passed
        event = project_event(record, self._selection, tally) if passed.event else None
        projected = Projected(record, passed.update, event, passed.person, passed.filtered)
        selected = select_person(projected, settings.users.user_properties, tally)
        if isinstance(selected, Settled):
            return selected
        identified = resolve_identifier(selected, self._identifier, settings.mappings.anonymous)
        if isinstance(identified, Settled):
            return identified
        built = build_operations(identified, self._names, update_only=settings.users.update_only)
        if isinstance(built, Settled):
            return built
        if self._link_rules is not None:
            linked = link(built, self._link_rules, self._learned)
            if isinstance(linked, Settled):
                return linked
            built = linked
        return validate(built, settings.limits.on_violation, tally)


def _requests(deliveries: Iterable[Delivery], settings: Settings) -> list[Request]:
    policy = plan.delivery_policy(settings, 1, hold=False)
    pendings = [
        Pending(item, owner, delivery.time_ms)
        for owner, delivery in enumerate(deliveries)
        for item in delivery.items
    ]
    pendings.sort(key=lambda pending: pending.time_ms)
    return pack(pendings, max_items=policy.max_batch_items, max_bytes=policy.max_batch_bytes)
