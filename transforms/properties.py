"""Reading Amplitude's properties: paths, selections, and the operators of user updates."""

from decimal import Decimal
from typing import Any, Literal

from transforms.records import Json

Selection = Literal["none", "all"] | tuple[str, ...]
"""Which properties go along: none, all, or those of a list in its order."""

STATEFUL_OPERATORS = frozenset(
    {
        "$setOnce",
        "$add",
        "$append",
        "$prepend",
        "$preInsert",
        "$postInsert",
        "$remove",
        "$clearAll",
    }
)
"""Operators of Amplitude's Identify API whose result depends on the stored value."""

OPERATORS = STATEFUL_OPERATORS | {"$set", "$unset"}
"""All of them."""


def as_object(value: Any) -> Json:
    """`value` if it is a JSON object, else an empty one."""
    return value if type(value) is dict else {}


def decimal_text(number: float) -> str:
    """A JSON number as plain decimal text: no exponent, no fraction of zeros."""
    text = format(Decimal(repr(number)), "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def user_properties(fields: Json) -> Json:
    """A record's user properties as a plain object: plain keys, `$set` over them, no operators."""
    properties = as_object(fields.get("user_properties"))
    return properties if OPERATORS.isdisjoint(properties) else without_operators(properties)


def without_operators(properties: Json) -> Json:
    """Properties of an update as a plain object: plain keys, `$set` over them."""
    plain = {name: value for name, value in properties.items() if name not in OPERATORS}
    given = as_object(properties.get("$set"))
    return plain | {name: value for name, value in given.items() if value is not None}


def unset_properties(fields: Json) -> Json:
    """The object under `$unset`: its keys are the names to remove."""
    return as_object(as_object(fields.get("user_properties")).get("$unset"))


def stateful_operators(fields: Json) -> int:
    """How many operators of a user update depend on the stored value."""
    properties = as_object(fields.get("user_properties"))
    if STATEFUL_OPERATORS.isdisjoint(properties):
        return 0
    return sum(key in STATEFUL_OPERATORS for key in properties)


class PropertyPath:
    """A place in a record: a top-level field, `user_properties.NAME` or `event_properties.NAME`.

    Names may hold dots themselves: only the first one separates.
    """

    __slots__ = ("name", "space")

    def __init__(self, path: str) -> None:
        space, dot, name = path.partition(".")
        nested = dot and space in ("user_properties", "event_properties")
        self.space, self.name = (space, name) if nested else ("", path)

    @property
    def field(self) -> str:
        """The top-level field that is read."""
        return self.space or self.name

    def read(self, fields: Json) -> Any:
        """The value there; None when it is missing or null."""
        if not self.space:
            return fields.get(self.name)
        if self.space == "user_properties":
            return user_properties(fields).get(self.name)
        return as_object(fields.get("event_properties")).get(self.name)


def select(properties: Json, selection: Selection) -> Json:
    """The selected properties that are there and not null: in the list's order, or the record's."""
    if type(selection) is tuple:
        get = properties.get
        return {name: value for name in selection if (value := get(name)) is not None}
    if selection == "none":
        return {}
    return {name: value for name, value in properties.items() if value is not None}
