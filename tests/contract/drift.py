"""What our schemas and Customer.io's OpenAPI document do not agree on.

Everything that we may send has to be known there with a type that takes ours, and everything that
is required there has to be required by us. The document is OpenAPI 3.1, whose schemas are JSON
Schema; no more of the language is read than both sides use.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

Json = dict[str, Any]

MEANING = "a name that customers may choose, and that Customer.io gives a meaning"

_UNFIT = 100
"""Weight of a wrong constant: an alternative for another kind of operation is not the one meant."""


class Difference(NamedTuple):
    """One disagreement: where (a path into what we send), what, and how far off it is."""

    place: str
    text: str
    weight: int = 1

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


class BrokenReferenceError(LookupError):
    """A `$ref` that points nowhere."""


class Node(NamedTuple):
    """A schema, and the document that its references point into."""

    schema: Json
    document: Json

    def at(self, schema: Json) -> "Node":
        """Another schema of the same document."""
        return Node(schema, self.document)

    def expanded(self) -> Json:
        """The schema with references followed and `allOf` put together, at its top.

        Raises BrokenReferenceError.
        """
        schema = dict(self.schema)
        parts = list(schema.pop("allOf", []))
        if "$ref" in schema:
            parts.append(resolved(schema.pop("$ref"), self.document))
        return _merged([schema, *(self.at(part).expanded() for part in parts)])


def resolved(reference: str, document: Json) -> Json:
    """What a local reference (`#/…`) points to. Raises BrokenReferenceError."""
    place: Any = document
    for part in reference.removeprefix("#/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if not isinstance(place, dict) or name not in place:
            raise BrokenReferenceError(f"{reference} points nowhere")
        place = place[name]
    found: Json = place
    return found


def followed(given: Json, document: Json) -> Json:
    """What `given` stands for: itself, or what it refers to. Raises BrokenReferenceError."""
    return followed(resolved(given["$ref"], document), document) if "$ref" in given else given


def differences(ours: Node, theirs: Node, place: str) -> list[Difference]:
    """In what `ours` allows what `theirs` does not know, take or leave out."""
    try:
        return list(_differences(ours, theirs, place))
    except BrokenReferenceError as error:
        return [Difference(place, str(error), _UNFIT)]


def _differences(ours: Node, theirs: Node, place: str) -> Iterator[Difference]:
    mine, known = ours.expanded(), theirs.expanded()
    if _is_choice(mine):
        for alternative in _alternatives(mine):
            name = ours.at(alternative).expanded().get("title")
            named = f"{place}<{name}>" if name else place
            yield from differences(ours.at(alternative), theirs, named)
        return
    if _is_choice(known):
        found = [differences(ours, theirs.at(other), place) for other in _alternatives(known)]
        yield from min(found, key=lambda some: sum(difference.weight for difference in some))
        return
    yield from _of_values(mine, known, place)
    if "object" in _types(mine):
        yield from _of_objects(ours.at(mine), theirs.at(known), place)
    if "items" in mine:
        yield from differences(
            ours.at(mine["items"]), theirs.at(known.get("items", {})), f"{place}[]"
        )


def _is_choice(schema: Json) -> bool:
    return "oneOf" in schema or "anyOf" in schema


def _alternatives(schema: Json) -> list[Json]:
    """The schemas of which a value has to keep one, each with what holds for all of them."""
    common = {name: value for name, value in schema.items() if name not in ("oneOf", "anyOf")}
    return [{"allOf": [each, common]} for each in schema.get("oneOf") or schema["anyOf"]]


def _of_values(mine: Json, known: Json, place: str) -> Iterator[Difference]:
    if "const" in mine and mine["const"] not in known.get("enum", [mine["const"]]):
        text = f"we send {mine['const']!r}, Customer.io takes {known['enum']}"
        yield Difference(place, text, _UNFIT)
    taken = _types(known)
    if "number" in taken:
        taken = taken | {"integer"}
    unknown = _types(mine) - taken
    if unknown:
        yield Difference(place, f"we send {_listed(unknown)}, Customer.io takes {_listed(taken)}")


def _of_objects(ours: Node, theirs: Node, place: str) -> Iterator[Difference]:
    mine, known = ours.schema, theirs.schema
    sent, named = mine.get("properties", {}), known.get("properties", {})
    for name, schema in sent.items():
        if name in named:
            yield from differences(ours.at(schema), theirs.at(named[name]), f"{place}.{name}")
        else:
            yield Difference(f"{place}.{name}", "Customer.io does not know it")
    for name in sorted(set(known.get("required", [])) - set(mine.get("required", []))):
        yield Difference(f"{place}.{name}", "Customer.io requires it, we may leave it out")
    if mine.get("additionalProperties", True) is False:
        return
    # Names that the customer chooses.
    others = known.get("additionalProperties", True)
    if others is False:
        yield Difference(place, "we send names of the customer's, Customer.io takes its own only")
    elif isinstance(others, dict):
        free = mine.get("additionalProperties", {})
        chosen = ours.at(free if isinstance(free, dict) else {})
        yield from differences(chosen, theirs.at(others), f"{place}.*")
    for name in sorted(named.keys() - sent.keys()):
        yield Difference(f"{place}.{name}", MEANING, weight=0)


def _merged(parts: Iterable[Json]) -> Json:
    merged: Json = {}
    for part in parts:
        for keyword, value in part.items():
            if keyword == "required":
                merged[keyword] = [*merged.get(keyword, []), *value]
            elif keyword == "properties":
                merged[keyword] = _merged_properties(merged.get(keyword, {}), value)
            elif keyword in ("oneOf", "anyOf") and keyword in merged:
                raise ValueError(f"two {keyword} at one place: too much for this comparison")
            else:
                merged.setdefault(keyword, value)
    return merged


def _merged_properties(one: Json, other: Json) -> Json:
    both = {name: {"allOf": [one[name], other[name]]} for name in one.keys() & other.keys()}
    return one | other | both


_TYPE_OF = {str: "string", bool: "boolean", int: "integer", dict: "object", list: "array"}
_ALL_TYPES = frozenset({*_TYPE_OF.values(), "number", "null"})


def _types(schema: Json) -> frozenset[str]:
    """The types that a schema takes."""
    if "const" in schema:
        return frozenset({_TYPE_OF[type(schema["const"])]})
    given = schema.get("type", _ALL_TYPES)
    return frozenset({given} if isinstance(given, str) else given)


def _listed(types: Iterable[str]) -> str:
    return ", ".join(sorted(types)) or "nothing"
