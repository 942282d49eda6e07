"""Amplitude's rules once more, written from its pages and docs/memory.md, in another way.

It keeps every update for ever, and finds a property's value by going through all of them again. A
value is JSON text, so that two are the same when their texts are. Nothing of the product is used.
"""

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

ORDER = ["$clearAll", "$set", "$setOnce", "$add", "$append", "$prepend"]
ORDER += ["$preInsert", "$postInsert", "$remove", "$unset"]
RECKONING = {"$add", "$append", "$prepend", "$preInsert", "$postInsert", "$remove"}
"""Operators that need the value before; the others decide."""
REFUSED = "refused"
_SORTED = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))
_AS_IT_IS = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
LONGEST = 10_000
"""Of a text, a list or an object, as JSON."""


def text_of(value: Any) -> str:
    """A JSON value as the one text that stands for it."""
    return _SORTED.encode(value)


@dataclass(frozen=True)
class Call:
    """An update that came."""

    place: tuple[int, bytes]
    operations: dict[str, dict[str, str]]
    """{operator: {property: argument, as text}}"""
    late: bool = False
    maybe_copy: bool = False

    @property
    def reckons(self) -> bool:
        return bool(RECKONING & self.operations.keys())


@dataclass
class Track:
    """One property on its way through all calls."""

    name: str
    known: bool = False
    value: str | None = None
    decided: int = 0
    moved: int = 0
    refused: int = 0
    """Operators that could not be applied."""

    def meet(self, call: Call) -> None:
        """What one call does to the property."""
        time = call.place[0]
        self.refused = 0
        before, decided, moved = self.value, self.decided, self.moved
        was_known, once = self.known, False
        for operator in ORDER:
            if operator not in call.operations:
                continue
            arguments = call.operations[operator]
            if operator == "$clearAll":
                if not was_known and self.name not in arguments:
                    # Not a property yet; whatever is older than the clearing stays out.
                    self.decided = self.moved = max(self.moved, time)
                elif not call.late or moved < time:
                    self._decide(None, time)
                continue
            if self.name not in arguments:
                continue
            if operator in RECKONING:
                if call.maybe_copy:
                    self.refused += 1
                    continue
                if call.late and decided >= time:
                    continue
            elif call.late and moved >= time:
                continue
            argument = arguments[self.name]
            if operator == "$set":
                self._decide(argument, time)
            elif operator == "$unset":
                self._decide(None, time)
            elif operator == "$setOnce":
                once = True
                if self.value is None:
                    self.value, self.known = argument, True
            else:
                self._reckon(operator, argument)
        if self.value != before:
            self.moved = max(self.moved, time)
            if once:
                self.decided = max(self.decided, time)

    def _decide(self, value: str | None, time: int) -> None:
        self.value, self.known = value, True
        self.decided = max(self.decided, time)
        self.moved = max(self.moved, time)

    def _reckon(self, operator: str, argument: str) -> None:
        result = reckoned(operator, self.value, argument)
        if result == REFUSED:
            self.refused += 1
        elif result is not None:
            self.value, self.known = result, True


def kept(argument: Any) -> str:
    """A value as it is kept: of one that is too long the shortest beginning that is, as text."""
    whole = _AS_IT_IS.encode(argument)
    if not isinstance(argument, str | list | dict) or len(whole.encode()) <= LONGEST:
        return text_of(argument)
    text = argument if isinstance(argument, str) else whole
    size = len('""')
    for count, character in enumerate(text, 1):
        size += len(_AS_IT_IS.encode(character).encode()) - len('""')
        if size > LONGEST:
            return text_of(text[:count])
    raise AssertionError("the whole of it is too long")


@lru_cache(100_000)
def reckoned(operator: str, value: str | None, argument_text: str) -> str | None:
    """The value after an operator that needs the one before; None where there is none still."""
    stored = None if value is None else json.loads(value)
    argument = json.loads(argument_text)
    if operator == "$add":
        if isinstance(stored, bool) or not isinstance(stored, int | float | None):
            return REFUSED
        try:
            total = (0 if stored is None else stored) + argument
            if abs(float(total)) == float("inf"):
                return REFUSED
        except OverflowError:
            return REFUSED
        return text_of(total)
    given = [text_of(one) for one in (argument if isinstance(argument, list) else [argument])]
    if value is None:
        old = []
    else:
        old = [text_of(one) for one in (stored if isinstance(stored, list) else [stored])]
    if operator == "$remove":
        if not isinstance(stored, list):
            return value
        return listed([one for one in old if one not in given])
    if operator in ("$preInsert", "$postInsert"):
        # A dictionary keeps the first of each, in order.
        given = list(dict.fromkeys(one for one in given if one not in old))
        if not given:
            return value
    together = given + old if operator in ("$prepend", "$preInsert") else old + given
    text = listed(together)
    return REFUSED if len(text.encode()) > LONGEST else text


def listed(items: list[str]) -> str:
    return "[" + ",".join(items) + "]"


@dataclass
class Person:
    """All that ever came about a person."""

    settle_ms: int
    journal_updates: int
    remembered_keys: int
    settled: list[Call] = field(default_factory=list)
    """In the order in which they settled."""
    open: list[Call] = field(default_factory=list)
    """In the order of their places."""
    newest_ms: int = 0
    newest_settled: tuple[int, bytes] = (-1, b"")
    keys: list[tuple[int, bytes]] = field(default_factory=list)
    forgotten: tuple[int, bytes] = (-1, b"")
    early: int = 0
    """Updates that the last call made settle early."""

    def comes(self, time_ms: int, key: bytes, operations: dict[str, dict[str, Any]]) -> str:
        """Takes an update: "duplicate", "late" or "on time"."""
        self.early = 0
        if any(key == place[1] for place in [*(call.place for call in self.open), *self.keys]):
            return "duplicate"
        place = (time_ms, key)
        late = place <= self.newest_settled
        texts = {
            operator: {
                name: (kept if operator in ("$set", "$setOnce") else text_of)(argument)
                for name, argument in arguments.items()
            }
            for operator, arguments in operations.items()
        }
        call = Call(place, texts, late, late and place <= self.forgotten)
        self.newest_ms = max(self.newest_ms, time_ms)
        if late:
            self._settle(call)
        else:
            self.open = sorted([*self.open, call], key=lambda one: one.place)
        while self.open and self.open[0].place[0] < self.newest_ms - self.settle_ms:
            self._settle(self.open.pop(0))
        while len(self.open) > self.journal_updates:
            self.early += 1
            self._settle(self.open.pop(0))
        while len(self.keys) > self.remembered_keys:
            self.forgotten = self.keys.pop(0)
        return "late" if late else "on time"

    def _settle(self, call: Call) -> None:
        self.settled.append(call)
        if not call.late:
            self.newest_settled = call.place
        if call.reckons and not call.maybe_copy:
            self.keys = sorted([*self.keys, call.place])

    def history(self) -> list[Call]:
        """All calls in the order in which they count."""
        return [*self.settled, *self.open]

    def track(self, name: str, key: bytes) -> Track:
        """A property after all calls, and what the call of this key had refused for it."""
        track = Track(name)
        refused = 0
        for call in self.history():
            track.meet(call)
            if call.place[1] == key:
                refused = track.refused
        track.refused = refused
        return track
