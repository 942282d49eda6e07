"""A chain: one settings file, and what it makes of the records."""

from collections import Counter

from msgspec import Struct

from pipeline import plan
from pipeline.dryrun.bounded import BoundedCounter
from pipeline.dryrun.packing import Packing
from pipeline.dryrun.sizes import Sizes
from pipeline.preview.walk import Walk, Walker
from pipeline.settings.model import Settings
from transforms.known import Known
from transforms.pushdown import object_reader
from transforms.reasons import DELIVERED, weightiest
from transforms.records import Delivery, Item, Message, Operation, Record, Settled
from transforms.sink.lanes import DeliveryPolicy

_MOST_PEOPLE = 200_000


class Sent(Struct, frozen=True, gc=False):
    """An operation that would be sent."""

    kind: str
    """Its action, in Customer.io's words."""
    item: Item
    operation: Operation


class Taken(Struct, frozen=True, gc=False):
    """What a chain makes of one record."""

    outcome: str
    """In the ledger's names; `delivered` where the identify may still become one with another."""
    sent: tuple[Sent, ...] = ()
    walk: Walk | None = None
    """None where decode settled the record."""


class Chain:
    """What one settings file makes of messages, and what that comes to."""

    def __init__(self, name: str, settings: Settings, policy: DeliveryPolicy) -> None:
        self.name = name
        """What the settings are called in the report."""
        self.settings = settings
        self._read = object_reader(plan.projection(settings))
        self._walker = Walker(settings, Known())
        self.packing = Packing(policy)
        self.policy = policy
        self.settled: Counter[str] = Counter()
        """Outcome -> records that end before the sink."""
        self.beside: Counter[str] = Counter()
        """What the stages count beside the ledger."""
        self.operations: Counter[str] = Counter()
        """Kind -> operations that would be sent, before identifies become one."""
        self.people: BoundedCounter[int] = BoundedCounter(_MOST_PEOPLE)
        """Operations by person; no more than a hash of the person is kept."""
        self.properties: BoundedCounter[tuple[str, str]] = BoundedCounter()
        """(kind, name) of what goes along -> operations."""
        self.events: BoundedCounter[str] = BoundedCounter()
        """Name of an event in Customer.io -> how many would be sent."""
        self.sizes = Sizes()

    def read(self, message: Message) -> Record | None:
        """The record of a message that the job reads the fast way; None for any other message."""
        return self._read(message)

    def take(self, result: Record | Settled) -> Taken:
        """Takes what decode made of a record through all the stages, the packing included."""
        if isinstance(result, Settled):
            self.settled[result.outcome] += 1
            return Taken(result.outcome)
        walk = self._walker.walk(result)
        self.beside.update(walk.counts)
        built = walk.built
        if built is not None:
            for operation in built.operations:
                self.sizes.note(operation)
        end = walk.end
        if isinstance(end, Settled):
            self.settled[end.outcome] += 1
            return Taken(end.outcome, (), walk)
        self.packing.add(end)
        sent = tuple(_sent(item) for item in end.items)
        for each in sent:
            self._note(each)
        return Taken(_outcome(end), sent, walk)

    def _note(self, sent: Sent) -> None:
        self.operations[sent.kind] += 1
        operation = sent.operation
        if operation.type == "person":
            self.people.add(hash(sent.item.person))
        name = getattr(operation, "name", None)
        if name is not None:
            self.events.add(name)
        for attribute in getattr(operation, "attributes", ()):
            self.properties.add((sent.kind, attribute))

    def outcomes(self) -> Counter[str]:
        """What becomes of the records of the bundles that have ended, in the ledger's names."""
        return self.settled + self.packing.outcomes


def _sent(item: Item) -> Sent:
    operation = item.operation
    return Sent(str(operation.__struct_config__.tag), item, operation)


def _outcome(end: Delivery) -> str:
    return weightiest((*end.fallen, DELIVERED)) if end.items else weightiest(end.fallen)
