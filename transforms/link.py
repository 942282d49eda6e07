"""Link: relates a person to objects, and to the device that they used before they were known.

Customer.io has to be told either only once. So a record is held against what this process has told
already, and what is new goes along with it. The objects of a group update are told each time.

`mappings.anonymous: send`: an identify with the attribute `anonymous_id` makes the anonymous events
of that device the person's own. It takes those that arrived before it or in the five minutes after
(https://docs.customer.io/journeys/anonymous-events). So it need not leave behind them: what a
bundle sends is under way together, and a bundle that fails sends its identify again. An anonymous
event that comes later calls for one more, with the next record of its person.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import apache_beam as beam
import msgspec
from msgspec import Struct

from transforms.build import UPDATE_ONLY
from transforms.known import Learned, known_of
from transforms.limits import MAX_IDENTIFIER_BYTES, MAX_ITEM_BYTES, value_bytes
from transforms.records import (
    Built,
    Group,
    IdentifyOperation,
    ObjectIdentifiers,
    Operation,
    Relationship,
    RelationshipsOperation,
    Settled,
)
from transforms.resolve import ANONYMOUS_ID, DEVICE_ID, device_of, is_group_update, person_key
from transforms.stage import Stage, StageDoFn
from transforms.tally import Tally

_STAGE = "link"
_DEVICES = "devices"
"""With a person: the devices of which Customer.io was told that they are theirs."""
_MOST_DEVICES = 10
"""Of a person that may be told of once more. Each is an identify of its own."""


class LinkRules(Struct, frozen=True):
    """What is linked, and for whom."""

    workspace: str
    """Names the workspace of Customer.io that is told."""
    devices: bool = False
    """Whether people are linked to their devices."""
    update_only: bool = False
    """Whether an identify never creates a person."""
    remembered: bool = False
    """Whether people are remembered. Then only a record that went through its person's memory tells
    of a device, under the newest time that the memory knows: under a newer one, Customer.io would
    drop what the memory sends next."""


class _Owner(NamedTuple):
    """Whose a device is."""

    person: str
    merged: bool
    """Whether an identify has left since its last anonymous event."""
    time_s: int
    """Under which the last one left, Unix seconds."""


def link(built: Built, rules: LinkRules, learned: Learned) -> Built | Settled:
    """The record with the operations that link its person to what is new.

    Settled when its groups were all that was left of it, and nothing of them is new.
    """
    if ANONYMOUS_ID in built.identifiers:
        _expect_identify(built.identifiers[ANONYMOUS_ID], learned)
        return built
    groups = built.record.groups
    if is_group_update(built.record):
        return _with(built, map(_object_identify, groups))
    person = person_key(built.identifiers)
    new = [group for group in groups if _is_new(person, group, learned)] if groups else []
    if not new and not built.operations:
        return Settled(built.filtered or "skipped.no_selected_property")
    if rules.devices and not (rules.remembered and built.person_time_ms is None):
        built = _with(built, _device_identifies(built, person, rules, learned))
    return _with(built, _relationships(new, built.identifiers)) if new else built


def _with(built: Built, operations: Iterable[Operation]) -> Built:
    return msgspec.structs.replace(built, operations=(*built.operations, *operations))


def _object_identify(group: Group) -> Operation:
    given = ObjectIdentifiers(group.object_type_id, group.object_id)
    return IdentifyOperation(
        type="object",
        identifiers=msgspec.structs.asdict(given),
        attributes=group.attributes or {},
    )


def _is_new(person: str, group: Group, learned: Learned) -> bool:
    """Whether the person has not been related to the object yet; notes that they are now."""
    if _has_long_name(group):
        # It is going to be refused, each time.
        return True
    key: Hashable = (person, group.object_type_id, group.object_id)
    if learned.get(key):
        return False
    learned.note(key, True)
    return True


def _has_long_name(group: Group) -> bool:
    return value_bytes(group.object_id) > MAX_IDENTIFIER_BYTES


def _relationships(groups: list[Group], identifiers: dict[str, str]) -> Iterator[Operation]:
    """As few operations as hold them all; a name that is too long must not take others with it."""
    for long in (False, True):
        related = [
            Relationship(ObjectIdentifiers(group.object_type_id, group.object_id))
            for group in groups
            if _has_long_name(group) == long
        ]
        yield from _within_items(related, identifiers)


def _within_items(
    related: Iterable[Relationship], identifiers: dict[str, str]
) -> Iterator[Operation]:
    """The operations that relate a person to objects, none larger than an item of a batch may be.

    One alone is larger only if its name is too long.
    """
    empty = RelationshipsOperation(identifiers=identifiers, cio_relationships=())
    # What each adds is its own size and a comma.
    room = MAX_ITEM_BYTES - value_bytes(empty) + 1
    held: list[Relationship] = []
    left = room
    for each in related:
        size = value_bytes(each) + 1
        if held and size > left:
            yield msgspec.structs.replace(empty, cio_relationships=tuple(held))
            held, left = [], room
        held.append(each)
        left -= size
    if held:
        yield msgspec.structs.replace(empty, cio_relationships=tuple(held))


def _expect_identify(device: str, learned: Learned) -> None:
    """An anonymous event: if its device is somebody's, Customer.io has to be told that again."""
    owner = learned.get((DEVICE_ID, device))
    if owner is not None:
        learned.note((DEVICE_ID, device), owner._replace(merged=False))


def _device_identifies(
    built: Built, person: str, rules: LinkRules, learned: Learned
) -> Iterator[Operation]:
    """The identify that makes the anonymous events of the record's device its person's, if it is
    called for; after a crash also those of other devices that may have been told of in vain.

    Each is an operation of its own, so that it does not fall with the record's identify; the sink
    makes them one. An anonymous id can never be given to a second person: whoever is known to have
    it keeps it.
    """
    own = device_of(built.record.fields)
    if own is not None and value_bytes(own) > MAX_IDENTIFIER_BYTES:
        own = None
    time_s = (built.person_time_ms or built.time_ms) // 1000
    told: tuple[str, ...] = learned.get((_DEVICES, person)) or ()
    for device in dict.fromkeys((*told, own) if built.person_unsettled else (own,)):
        if device is None:
            continue
        owner = learned.get((DEVICE_ID, device))
        if owner is not None and not _is_called_for(owner, built, person, time_s, device == own):
            continue
        learned.note((DEVICE_ID, device), _Owner(person, True, time_s))
        if rules.remembered and device not in told:
            told = (*told, device)[-_MOST_DEVICES:]
            learned.note((_DEVICES, person), told)
        attributes = {ANONYMOUS_ID: device}
        yield IdentifyOperation(
            identifiers=built.identifiers,
            attributes={**attributes, UPDATE_ONLY: True} if rules.update_only else attributes,
            timestamp=time_s,
        )


def _is_called_for(
    owner: _Owner, built: Built, person: str, time_s: int, is_of_record: bool
) -> bool:
    """Whether Customer.io has to be told once more of a device of which it was told.

    It drops an identify that is older than the person's newest. After a crash that may be one that
    the memory does not know yet; it does when this record has raised the time of its person.
    """
    if owner.person != person:
        return False
    if built.person_unsettled and owner.time_s < time_s:
        return True
    return is_of_record and not owner.merged


class _LinkDoFn(StageDoFn[Built, Built]):
    stage = _STAGE

    def __init__(self, rules: LinkRules) -> None:
        self._rules = rules

    def start_bundle(self) -> None:
        self._learned = Learned(known_of(self._rules.workspace))
        self._registered = False
        super().start_bundle()

    def bind(self, tally: Tally) -> Callable[[Built], Built | Settled]:
        return partial(link, rules=self._rules, learned=self._learned)

    def process(
        self, element: Any, finalizer: Any = beam.DoFn.BundleFinalizerParam
    ) -> Iterator[Any]:
        if not self._registered:
            # Called when the runner has committed the bundle. The sink is in the same fused stage,
            # so it has delivered everything by then.
            finalizer.register(self._learned.keep)
            self._registered = True
        yield from super().process(element)


class LinkPeople(Stage):
    """Built -> Built, with what Customer.io is to be told of objects and devices."""

    def __init__(self, rules: LinkRules) -> None:
        super().__init__(_LinkDoFn(rules), Built, Built)
