"""Differences: what would be sent otherwise under other settings, record by record."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from pipeline.dryrun.bounded import BoundedCounter
from pipeline.dryrun.chain import Sent, Taken
from pipeline.preview.words import as_json, listed

SAME: Final = "the same"
CHANGED: Final = "changed"
ADDED: Final = "sent only then"
REMOVED: Final = "sent only today"
_MOST_EXAMPLES = 500


class Differences:
    """Compares what two chains make of the same records."""

    def __init__(self) -> None:
        self.operations: Counter[tuple[str, str]] = Counter()
        """(kind, SAME or CHANGED or ADDED or REMOVED) -> operations."""
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """(outcome, other outcome), where they differ -> records."""
        self.examples: BoundedCounter[tuple[str, str, str]] = BoundedCounter(_MOST_EXAMPLES)
        """(kind of record, kind of operation, what differs) -> operations. No values."""

    def note(self, record_kind: str, one: Taken, other: Taken) -> None:
        """Compares what became of one record."""
        if one.outcome != other.outcome:
            self.outcomes[one.outcome, other.outcome] += 1
        kinds = dict.fromkeys(each.kind for each in (*one.sent, *other.sent))
        for kind in kinds:
            before, after = _of(kind, one.sent), _of(kind, other.sent)
            for first, second in zip(before, after, strict=False):
                same = first.item.body == second.item.body
                self.operations[kind, SAME if same else CHANGED] += 1
                if not same:
                    self.examples.add((record_kind, kind, _words(first, second)))
            both = min(len(before), len(after))
            for verdict, rest in ((REMOVED, before[both:]), (ADDED, after[both:])):
                if rest:
                    self.operations[kind, verdict] += len(rest)
                    self.examples.add((record_kind, kind, verdict), len(rest))


def _of(kind: str, sent: Sequence[Sent]) -> list[Sent]:
    return [each for each in sent if each.kind == kind]


def _words(one: Sent, other: Sent) -> str:
    """What differs between two operations of a kind, by the names alone."""
    before, after = one.operation, other.operation
    texts = []
    if before.identifiers != after.identifiers:
        texts.append("another person")
    if getattr(before, "name", None) != getattr(after, "name", None):
        texts.append("another event name")
    had, has = getattr(before, "attributes", {}), getattr(after, "attributes", {})
    more = sorted(has.keys() - had.keys())
    less = sorted(had.keys() - has.keys())
    # As JSON, for 1, 1.0 and true are equal to Python.
    changed = [
        name for name in sorted(had.keys() & has.keys()) if as_json(had[name]) != as_json(has[name])
    ]
    for words, names in (("with", more), ("without", less), ("another value of", changed)):
        if names:
            texts.append(f"{words} {listed(names)}")
    return "; ".join(texts) or "another time or order"
