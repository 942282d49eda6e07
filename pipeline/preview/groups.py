"""What a record says of its groups, read once more for the words of a preview."""

from collections.abc import Iterator

from transforms.groups import GROUP_PROPERTIES, GROUPS, is_by_name
from transforms.properties import as_object, without_operators
from transforms.records import Json


def group_types(fields: Json) -> list[str]:
    """The types of the groups that a record names."""
    named = as_object(fields.get(GROUPS))
    properties = as_object(fields.get(GROUP_PROPERTIES))
    return list(dict.fromkeys([*named, *(properties if is_by_name(named, properties) else ())]))


def update_names(fields: Json) -> list[str]:
    """The properties that a group update names, and its operators; each once."""
    names: dict[str, None] = {}
    for properties in _of_groups(fields):
        names |= dict.fromkeys(properties)
        names |= dict.fromkeys(without_operators(properties))
        names |= dict.fromkeys(as_object(properties.get("$unset")))
    return list(names)


def _of_groups(fields: Json) -> Iterator[Json]:
    named = as_object(fields.get(GROUPS))
    properties = as_object(fields.get(GROUP_PROPERTIES))
    if not is_by_name(named, properties):
        yield properties
        return
    for names in properties.values():
        yield from names.values()
