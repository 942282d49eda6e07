"""Checks of settings that list names: properties to select, event types.

Each takes whatever stood in the file and returns the typed value, or raises every fault in it.
"""

import re
from typing import Final, Literal

from pipeline.settings.faults import Fault, describe, quoted, refusal

Names = tuple[str, ...]

SELECTION_ALLOWED: Final = "none, all, or a list of property names"
ATTRIBUTES_ALLOWED: Final = (
    "none, all, or a list of property names (at most 150 bytes each, none beginning with _)"
)
EVENT_TYPES_ALLOWED: Final = "all, or a list of event types"
EVENT_LIST_ALLOWED: Final = "a list of event types"
PROPERTY_LIST_ALLOWED: Final = "a list of property names"
NEW_PROPERTY_NAMES_ALLOWED: Final = (
    "a mapping of property to new name, such as {plan: tier}; no new name twice"
)
NEW_ATTRIBUTE_NAMES_ALLOWED: Final = (
    "a mapping of property to new name, such as {plan: tier} (at most 150 bytes each, none "
    "beginning with _, none twice)"
)

_NAME_ALLOWED = "a text that is not blank"
# Limit of identify: https://docs.customer.io/files/journeys-track.json
_MAX_ATTRIBUTE_NAME_BYTES = 150


def selection(value: object) -> Literal["none", "all"] | Names:
    """`none`, `all`, or the names of properties (an empty list selects nothing)."""
    if value == "none":
        return "none"
    return "all" if value == "all" else _names(value, SELECTION_ALLOWED)


def attributes(value: object) -> Literal["none", "all"] | Names:
    """A selection that becomes attributes of a person: reserved and long names are refused."""
    if value == "none":
        return "none"
    if value == "all":
        return "all"
    return _names(value, ATTRIBUTES_ALLOWED, for_a_person=True)


def event_types(value: object) -> Literal["all"] | Names:
    """`all`, or at least one event type: an empty list could be meant either way."""
    if value == "all":
        return "all"
    names = _names(value, EVENT_TYPES_ALLOWED)
    if not names:
        hint = "to send no events, set events.enabled: false"
        raise refusal(Fault((), f"found {describe(value)}", EVENT_TYPES_ALLOWED, hint))
    return names


def event_list(value: object) -> Names:
    """Event types by name, possibly none."""
    return _names(value, EVENT_LIST_ALLOWED)


def property_list(value: object) -> Names:
    """Properties by name, possibly none."""
    return _names(value, PROPERTY_LIST_ALLOWED)


def new_property_names(value: object) -> dict[str, str]:
    """Property -> its name in an event's data."""
    return _new_names(value, NEW_PROPERTY_NAMES_ALLOWED)


def new_attribute_names(value: object) -> dict[str, str]:
    """User property -> name of the attribute: reserved and long names are refused.

    `id`, `email` and `cio_id` are not: here they are named by hand, as they are in a list.
    """
    return _new_names(value, NEW_ATTRIBUTE_NAMES_ALLOWED, for_a_person=True)


def fits_brackets(text: str) -> bool:
    """Whether `[text]` is this one text in YAML too, and short enough to be suggested."""
    return re.fullmatch(r"[A-Za-z$][\w $.-]{0,39}", text) is not None and text == text.strip()


def _names(value: object, allowed: str, *, for_a_person: bool = False) -> Names:
    if not isinstance(value, list | tuple):
        hint = None
        if isinstance(value, str) and value.lower() not in ("none", "all"):
            hint = f"did you mean [{value}]?" if fits_brackets(value) else "put it in a list"
        raise refusal(Fault((), f"found {describe(value)}", allowed, hint))
    faults = []
    first: dict[str, int] = {}
    for index, name in enumerate(value):
        fault = _name_fault(name)
        if fault is None and name in first:
            fault = Fault((), f"found {quoted(name)}, which is item [{first[name]}] already")
        if fault is None and for_a_person:
            fault = _attribute_fault(name)
        if fault is None:
            first[name] = index
        else:
            faults.append(fault.under(index))
    if faults:
        raise refusal(*faults)
    return tuple(value)


def _new_names(value: object, allowed: str, *, for_a_person: bool = False) -> dict[str, str]:
    if not isinstance(value, dict):
        raise refusal(Fault((), f"found {describe(value)}", allowed))
    faults = []
    first: dict[str, str] = {}
    for old, new in value.items():
        fault = _name_fault(new)
        if not str(old).strip():
            fault = Fault((), "the property's name is blank")
        elif fault is None and new in first:
            fault = Fault((), f"found {quoted(new)}, the new name of {quoted(first[new])} already")
        elif fault is None and for_a_person:
            fault = _attribute_fault(new)
        if fault is None:
            first[new] = old
        else:
            faults.append(fault.under(str(old)))
    if faults:
        raise refusal(*faults)
    return dict(value)


def _name_fault(name: object) -> Fault | None:
    if isinstance(name, str):
        return None if name.strip() else Fault((), f"found {quoted(name)}", _NAME_ALLOWED)
    hint = None
    if isinstance(name, int | float):
        hint = "put quotes round it"
    elif isinstance(name, list):
        hint = "a name that begins with [ needs quotes round it"
    return Fault((), f"found {describe(name)}", _NAME_ALLOWED, hint)


def _attribute_fault(name: str) -> Fault | None:
    if name.startswith("_"):
        return Fault((), f"found {quoted(name)}; Customer.io reserves names that begin with _")
    size = len(name.encode())
    if size > _MAX_ATTRIBUTE_NAME_BYTES:
        allowed = f"at most {_MAX_ATTRIBUTE_NAME_BYTES} bytes"
        return Fault((), f"found {quoted(name)}, a name of {size} bytes", allowed)
    return None
