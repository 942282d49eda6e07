"""What shaping did to the properties of a record, by their names."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pipeline import plan
from pipeline.preview.walk import Walk
from pipeline.preview.words import listed
from pipeline.settings.model import Settings
from transforms.records import Json
from transforms.shape import PropertyRules, steps_of
from transforms.tally import Tally

_Find = Callable[[Json, Json, PropertyRules], list[str]]
"""The properties before a step, those behind it and the rules -> the names that are concerned."""


def shaping_detail(counter: str, walk: Walk, settings: Settings) -> str | None:
    """A counter in the words of what shaping did; None when it did nothing that counts there."""
    names = concerned(counter, walk, settings)
    return f"{_WORDS[counter]}: {listed(dict.fromkeys(names))}" if names else None


def concerned(counter: str, walk: Walk, settings: Settings) -> list[str]:
    """The properties for which shaping raised a counter, those of the event first."""
    rules = plan.shape_rules(settings)
    identified = walk.identified
    if identified is None:
        return []
    return [
        name
        for properties, of in ((identified.event, rules.event), (identified.person, rules.person))
        if properties
        for raised, names in _raised(properties, of)
        if raised == counter
        for name in names
    ]


def nothing_left(walk: Walk, settings: Settings) -> str:
    """Why nothing is left of the attributes of a person."""
    dropped = ("dropped.empty_property", "dropped.unhashable_property")
    details = (shaping_detail(counter, walk, settings) for counter in dropped)
    return "; ".join(detail for detail in details if detail)


def _raised(properties: Json, rules: PropertyRules) -> Iterator[tuple[str, list[str]]]:
    # A hash as such raises nothing: any text will do.
    for step in steps_of(rules, str):
        tally = Tally()
        shaped = step(properties, tally)
        for counter in tally.counts:
            yield counter, _FIND[counter](properties, shaped, rules)
        properties = shaped


def _left_out(before: Json, after: Json, _rules: PropertyRules) -> list[str]:
    return [name for name in before if name not in after]


def _no_times(before: Json, after: Json, rules: PropertyRules) -> list[str]:
    return [
        name
        for name in rules.unix_seconds
        if before.get(name) is not None and type(after[name]) not in (int, float)
    ]


def _given_way(before: Json, _after: Json, rules: PropertyRules) -> list[str]:
    taken = {new for old, new in rules.rename.items() if old in before}
    return [name for name in before if name in taken and name not in rules.rename]


_FIND: Final[Mapping[str, _Find]] = MappingProxyType(
    {
        "dropped.empty_property": _left_out,
        "dropped.unhashable_property": _left_out,
        "unapplied.unix_seconds": _no_times,
        "clash.property": _given_way,
    }
)
_WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "dropped.empty_property": "left out, the text EMPTY",
        "dropped.unhashable_property": "left out, it has no hash",
        "unapplied.unix_seconds": "sent as it is, no time",
        "clash.property": "a renamed property takes the place of",
    }
)
