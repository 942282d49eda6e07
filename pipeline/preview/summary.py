"""What a preview comes to: counts, and the setting to look at when most of it goes one way."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from pipeline.preview.causes import selection_text
from pipeline.preview.explained import WOULD_BE_SENT, Explained
from pipeline.preview.words import amount, listed, shortened
from pipeline.settings.model import Settings
from transforms.reasons import OUTCOMES
from transforms.records import EventOperation, IdentifyOperation, Operation, RelationshipsOperation
from transforms.resolve import ANONYMOUS_ID, person_key

_NAMES_SHOWN = 5
_ADVICE: Final[Mapping[str, str]] = {
    "filtered.events_disabled": "look at events.enabled",
    "filtered.event_type": "look at events.include and events.exclude",
    "filtered.where": "look at events.where",
    "filtered.users_disabled": "look at users.enabled",
    "skipped.anonymous": "look at mappings.user_identifier",
    "dead_lettered.no_identifier": "look at mappings.user_identifier",
    "dead_lettered.invalid_time": "a record of a file needs a time of its own, such as event_time",
    "dead_lettered.malformed_json": "see that it is a .json, .ndjson or .gz file",
    "dead_lettered.not_utf8": "see that it is a .json, .ndjson or .gz file",
}
REMEMBERED_HERE: Final = (
    "People are remembered for this preview alone, and nobody was known at its beginning: a job "
    "goes on with the people that it remembers."
)
DISABLED: Final = "The settings say status: disabled. The job would read nothing."


class Summary:
    """Counts over explained records."""

    def __init__(self) -> None:
        self.records = 0
        self.counted: Counter[str] = Counter()
        """Counters beside the outcomes."""
        self.operations: Counter[str] = Counter()
        """Operations that would be sent, by `kind_of`."""
        self._outcomes: Counter[str] = Counter()
        self._people: set[int] = set()
        """Whom identifies are about, by hash: a file may have millions."""
        self._relationships: set[int] = set()
        self._related = 0
        self._updates = self._unselected = self._bare_events = 0
        self._left_behind: dict[str, Counter[str]] = {}

    def add(self, explained: Explained) -> None:
        """Counts one more record."""
        self.records += 1
        self._outcomes[explained.outcome] += 1
        self._updates += explained.kind == "user update"
        self._unselected += explained.outcome == "skipped.no_selected_property"
        for note in explained.notes:
            self.counted[note.name] += note.count
        for sending in explained.sendings:
            operation = sending.operation
            self.operations[kind_of(operation)] += 1
            self._note_repeatable(operation)
            self._bare_events += isinstance(operation, EventOperation) and not operation.attributes
        for setting, names in explained.left_behind.items():
            self._left_behind.setdefault(setting, Counter()).update(names)

    def _note_repeatable(self, operation: Operation) -> None:
        if isinstance(operation, RelationshipsOperation):
            person = person_key(operation.identifiers)
            self._related += len(operation.cio_relationships)
            for each in operation.cio_relationships:
                self._relationships.add(hash((person, each)))
        elif isinstance(operation, IdentifyOperation) and operation.type == "person":
            self._people.add(hash(person_key(operation.identifiers)))

    def fewer(self) -> Iterator[str]:
        """What a job sends less of: each record is previewed alone, whatever went before it."""
        identifies, people = self.operations["identify"], len(self._people)
        if identifies > people:
            yield (
                f"{amount(identifies, 'identify')} of {people:,} "
                f"{'person' if people == 1 else 'people'}: a job makes one of those that it sends "
                "of a person in one request (coalesced.identify)"
            )
        different = len(self._relationships)
        if self._related > different:
            yield (
                f"{amount(self._related, 'relationship')}, {different:,} of them different: a job "
                "does not tell again what it has told"
            )

    def outcomes(self) -> Iterator[tuple[str, int]]:
        """Outcome and records, in the ledger's order; only those that occur."""
        for outcome in (WOULD_BE_SENT, *OUTCOMES):
            if self._outcomes[outcome]:
                yield outcome, self._outcomes[outcome]

    def hints(self, settings: Settings) -> Iterator[str]:
        """Settings to look at, where more than half of what was read meets the same end."""
        for outcome, advice in _ADVICE.items():
            if _most(self._outcomes[outcome], self.records):
                yield f"Most records are {outcome}: {advice}."
        if _most(self._unselected, self._updates):
            state = selection_text(settings.users.user_properties)
            yield (
                "Most user updates are skipped because nothing is selected: look at "
                f"users.user_properties ({state}){self._seen(['users.user_properties'])}."
            )
        if _most(self._bare_events, self.operations["event"]):
            state = selection_text(settings.events.event_properties)
            places = [f"events.{bag}_properties" for bag in ("event", "user", "group")]
            if any(place in self._left_behind for place in places):
                yield (
                    "Most events go without any property because none is selected: look at "
                    f"events.event_properties ({state}){self._seen(places[:1])}."
                )

    def _seen(self, settings: Iterable[str]) -> str:
        names: Counter[str] = Counter()
        for setting in settings:
            names.update(self._left_behind.get(setting, {}))
        common = [shortened(name) for name, _count in names.most_common(_NAMES_SHOWN)]
        return f"; the records have {listed(common)}" if common else ""


def kind_of(operation: Operation) -> str:
    """What an operation is, as a noun."""
    if isinstance(operation, EventOperation):
        return "anonymous event" if ANONYMOUS_ID in operation.identifiers else "event"
    if isinstance(operation, RelationshipsOperation):
        return "relationship"
    return "identify" if operation.type == "person" else "object"


def _most(part: int, whole: int) -> bool:
    return part * 2 > whole
