"""Amplitude's operators on user properties, applied to values that are known.

What each of them does follows Amplitude's Identify API
(https://amplitude.com/docs/apis/analytics/identify); docs/memory.md has the table, with what the
API's page leaves open.

Properties are {name: value}. A value of None says that the property is known to be removed; a name
that is missing says that nothing is known of it. To every operator both are "no value".
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from transforms.limits import MAX_ATTRIBUTE_NAME_BYTES
from transforms.memory.values import bounded, fits, holds
from transforms.properties import OPERATORS, Selection, as_object
from transforms.records import Json
from transforms.reserved import is_reserved_attribute
from transforms.tally import Tally

SET, SET_ONCE, UNSET, CLEAR_ALL = "$set", "$setOnce", "$unset", "$clearAll"
DECIDING: Final = frozenset({SET, SET_ONCE, UNSET, CLEAR_ALL})
"""Operators whose result, where they have one, does not depend on the value before."""

_REFUSED: Final = object()
"""The stored value is not of a kind that the operator works on, or the result is too large."""


def _set(_stored: Any, value: Any) -> Any:
    return bounded(value)


def _set_once(stored: Any, value: Any) -> Any:
    return bounded(value) if stored is None else stored


def _add(stored: Any, number: float) -> Any:
    if stored is None:
        stored = 0
    if type(stored) is not int and type(stored) is not float:
        return _REFUSED
    try:
        total = stored + number
        # An integer that no float can hold is as good as infinite to whoever reads JSON.
        return total if math.isfinite(total) else _REFUSED
    except OverflowError:
        return _REFUSED


def _as_list(value: Any) -> list[Any]:
    """A property's value, or an operator's argument, as the list that Amplitude makes of it."""
    if type(value) is list:
        return value
    return [] if value is None else [value]


def _append(stored: Any, given: Any) -> Any:
    items = _as_list(stored) + _as_list(given)
    return items if fits(items) else _REFUSED


def _prepend(stored: Any, given: Any) -> Any:
    return _append(given, stored)


def _new_items(stored: Any, given: Any) -> list[Any]:
    """The given values that are not in the list, each once."""
    items = _as_list(stored)
    new: list[Any] = []
    for value in _as_list(given):
        if not holds(items, value) and not holds(new, value):
            new.append(value)
    return new


def _pre_insert(stored: Any, given: Any) -> Any:
    new = _new_items(stored, given)
    return _append(new, stored) if new else stored


def _post_insert(stored: Any, given: Any) -> Any:
    new = _new_items(stored, given)
    return _append(stored, new) if new else stored


def _remove(stored: Any, given: Any) -> Any:
    if type(stored) is not list:
        return stored
    unwanted = _as_list(given)
    left = [item for item in stored if not holds(unwanted, item)]
    return left if len(left) < len(stored) else stored


def _unset(_stored: Any, _ignored: Any) -> None:
    return None


_ON_ONE_PROPERTY: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    SET: _set,
    SET_ONCE: _set_once,
    "$add": _add,
    "$append": _append,
    "$prepend": _prepend,
    "$preInsert": _pre_insert,
    "$postInsert": _post_insert,
    "$remove": _remove,
    UNSET: _unset,
}

ORDER: Final = (CLEAR_ALL, *_ON_ONE_PROPERTY)
"""The order in which the operators of one call are applied. Amplitude does not say; its own SDKs
put no two of them on one property."""


def apply(properties: Json, operations: Json) -> Json:
    """The properties after one call of `operations`, {operator: {name: argument}}.

    `$clearAll` removes all that are known, and those named in its argument.
    An operator that cannot work on the stored value leaves it as it is.
    """
    after = dict(properties)
    apply_to(after, operations)
    return after


def apply_to(properties: Json, operations: Json) -> int:
    """Like `apply`, in place; gives how often an operator could not work on the stored value."""
    refused = 0
    if CLEAR_ALL in operations:
        properties.update(dict.fromkeys(cleared(properties, operations)))
    for operator, work in _ON_ONE_PROPERTY.items():
        if operator not in operations:
            continue
        for name, argument in operations[operator].items():
            stored = properties.get(name)
            value = work(stored, argument)
            if value is _REFUSED:
                refused += 1
            elif value is not stored or operator == UNSET:
                properties[name] = value
    return refused


def cleared(properties: Json, operations: Json) -> tuple[str, ...]:
    """The properties that `$clearAll` removes, where it is among the operations."""
    return (*properties, *operations[CLEAR_ALL]) if CLEAR_ALL in operations else ()


def operations_of(fields: Json, selection: Selection, tally: Tally) -> Json:
    """{operator: {name: argument}} of the selected properties; empty when nothing is left.

    Plain properties are under `$set`; where a record mixes both, which Amplitude's Identify API
    forbids, `$set` wins. Null values are left out, and so are, counted as `unapplied.operator`, an
    operator without an object of properties and a `$add` of anything but a number. With `all`,
    reserved names stay behind, counted as `dropped.reserved_property`.

    `$clearAll` names the selected properties where they are known: they are removed even if
    nothing of them is remembered.
    """
    properties = as_object(fields.get("user_properties"))
    if OPERATORS.isdisjoint(properties):
        chosen = _chosen(SET, properties, selection, tally)
        return {SET: chosen} if chosen else {}
    plain = {name: value for name, value in properties.items() if name not in OPERATORS}
    operations: Json = {}
    for operator in ORDER:
        if operator == CLEAR_ALL:
            if operator in properties and selection not in ("none", ()):
                named = selection if type(selection) is tuple else ()
                operations[operator] = dict.fromkeys(named, "-")
            continue
        arguments = properties.get(operator, {})
        if type(arguments) is not dict:
            tally.add("unapplied.operator")
            arguments = {}
        if operator == SET and plain:
            arguments = plain | {
                name: value for name, value in arguments.items() if value is not None
            }
        if chosen := _chosen(operator, arguments, selection, tally):
            operations[operator] = chosen
    return operations


def _chosen(operator: str, arguments: Json, selection: Selection, tally: Tally) -> Json:
    """The arguments of selected properties that the operator can take."""
    if selection == "none":
        return {}
    if type(selection) is tuple:
        names = [name for name in selection if name in arguments]
    else:
        names = [name for name in arguments if not is_reserved_attribute(name)]
        if len(names) < len(arguments):
            tally.add("dropped.reserved_property", len(arguments) - len(names))
    chosen: Json = {}
    for name in names:
        argument: Any = arguments[name]
        if operator == UNSET:
            chosen[_bounded_name(name)] = "-"
        elif argument is None:
            continue
        elif operator == "$add" and type(argument) is not int and type(argument) is not float:
            tally.add("unapplied.operator")
        else:
            chosen[_bounded_name(name)] = argument
    return chosen


def _bounded_name(name: str) -> str:
    """As much of a name as shows that it is too long for Customer.io, should it be."""
    return name[: MAX_ATTRIBUTE_NAME_BYTES + 1]
