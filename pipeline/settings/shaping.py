"""The keys that stand under `events` and `users` alike: how properties are shaped on their way out.

Types with their words, and what contradicts what. Faults have paths from the top of the file.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, PlainSerializer, PlainValidator

from pipeline.settings import names, values
from pipeline.settings.credentials import CredentialReference
from pipeline.settings.faults import Fault, Path, describe, quoted
from pipeline.settings.kinds import Allowed
from transforms.reserved import (
    GROUPS,
    IDENTIFIER_ATTRIBUTES,
    INITIAL_PREFIX,
    RESERVED_EVENT_DATA,
    is_reserved_attribute,
)

DropEmpty = Annotated[
    bool,
    Field(
        description="`true` leaves out the properties `initial_…` whose value is the text EMPTY: "
        "so Amplitude's browser SDK says that there was no campaign."
    ),
]
UnixSeconds = Annotated[
    names.Names,
    PlainValidator(names.property_list),
    Allowed(names.PROPERTY_LIST_ALLOWED),
    Field(
        description="Properties whose ISO 8601 text becomes Unix seconds, an integer. Numbers "
        "stay; so does what cannot be read."
    ),
]
Hashed = Annotated[
    names.Names,
    PlainValidator(names.property_list),
    Allowed(names.PROPERTY_LIST_ALLOWED),
    Field(
        description="Properties whose value is replaced by its SHA-256, in hexadecimal. Objects "
        "are left out."
    ),
]
HashSalt = Annotated[
    CredentialReference | Literal["none"] | None,
    PlainValidator(values.hash_salt),
    PlainSerializer(values.hash_salt_text),
    Allowed(values.HASH_SALT_ALLOWED),
    Field(
        description="Where the salt of `hash` is kept, never the salt itself: it makes the hash an "
        "HMAC-SHA256. `none` hashes without one, as ad platforms match."
    ),
]
RenameProperties = Annotated[
    Mapping[str, str],
    PlainValidator(names.new_property_names),
    Allowed(names.NEW_PROPERTY_NAMES_ALLOWED),
    Field(description="Property in Amplitude: name of it in an event's data in Customer.io."),
]
RenameAttributes = Annotated[
    Mapping[str, str],
    PlainValidator(names.new_attribute_names),
    Allowed(names.NEW_ATTRIBUTE_NAMES_ALLOWED),
    Field(description="User property in Amplitude: name of the attribute in Customer.io."),
]

_Section = Mapping[str, object]


class _Selection(NamedTuple):
    """One key that selects properties."""

    key: str
    value: object
    left_behind: tuple[str, ...] | None = None
    """Names that a selection of `all` does not send; None: the reserved attributes."""

    def is_right(self) -> bool:
        """Whether it is a selection at all."""
        return self.value in ("none", "all") or isinstance(self.value, list | tuple)

    def may_send_initial(self) -> bool:
        """Whether a property goes out whose name is one of those that `drop_empty` looks at."""
        if isinstance(self.value, list | tuple):
            return any(
                isinstance(name, str) and name.startswith(INITIAL_PREFIX) for name in self.value
            )
        return self.value == "all"

    def sends(self, name: str) -> bool:
        """Whether a property of this name goes out."""
        if isinstance(self.value, list | tuple):
            return name in self.value
        if self.value == "none":
            return False
        if self.left_behind is None:
            return not is_reserved_attribute(name)
        return name not in self.left_behind


def contradictions(settings: Mapping[str, object]) -> Iterator[Fault]:
    """Rules that agree neither with the selections nor with each other."""
    events, users = _section(settings, "events"), _section(settings, "users")
    default = "all" if settings.get("preset") == "all_properties" else "none"
    of_event = [
        _Selection(f"events.{key}", events.get(key, default), RESERVED_EVENT_DATA)
        for key in ("event_properties", "user_properties")
    ]
    of_person = [_Selection("users.user_properties", users.get("user_properties", "none"))]
    for name, section, selections in (("events", events, of_event), ("users", users, of_person)):
        for fault in (
            *_of_names(section, selections),
            *_of_empty(section, selections),
            *_of_salt(section),
        ):
            yield fault.under(name)
    if events.get("group_properties", default) not in ("none", [], ()):
        for fault in _of_groups(events):
            yield fault.under("events")
    for fault in _of_identifiers(users, of_person[0]):
        yield fault.under("users")


def _of_names(section: _Section, selections: list[_Selection]) -> Iterator[Fault]:
    """Names that never go out, or that a property has only behind the rule."""
    renamed = _renamed(section)
    old_names = {new: old for old, new in renamed.items() if new not in renamed}
    for path, name in _named(section):
        if path[0] != "rename_properties" and name in old_names:
            found = f"found {quoted(name)}, the new name of {quoted(old_names[name])}"
            yield Fault(path, found, hint="name a property as Amplitude has it")
        elif all(map(_Selection.is_right, selections)) and not any(
            selection.sends(name) for selection in selections
        ):
            found = f"found {quoted(name)}, which {_do_not_send(selections)}"
            yield Fault(path, found, hint="list it there by its name, or leave it out here")


def _do_not_send(selections: list[_Selection]) -> str:
    keys = " and ".join(selection.key for selection in selections)
    return f"{keys} {'do' if len(selections) > 1 else 'does'} not send"


def _of_empty(section: _Section, selections: list[_Selection]) -> Iterator[Fault]:
    """A rule for the properties `initial_…` where none of them goes out."""
    if (
        section.get("drop_empty") is True
        and all(map(_Selection.is_right, selections))
        and not any(map(_Selection.may_send_initial, selections))
    ):
        found = f"found true, which is about properties {INITIAL_PREFIX}…: "
        found += f"{_do_not_send(selections)} any"
        yield Fault(("drop_empty",), found, hint="list one there, or leave it out here")


def _of_salt(section: _Section) -> Iterator[Fault]:
    listed, salt = section.get("hash", ()), section.get("hash_salt")
    if not isinstance(listed, list | tuple):
        return
    if listed and salt is None:
        found = f"missing, and hash is {describe(listed)}"
        hint = "hashes without a salt can be guessed back; none says that they are meant so"
        yield Fault(("hash_salt",), found, values.HASH_SALT_ALLOWED, hint)
    if not listed and salt is not None:
        yield Fault(("hash_salt",), "found a value, but hash lists nothing", "null")


def _of_groups(events: _Section) -> Iterator[Fault]:
    """Rules for what is called like the place of the group properties."""
    found = f"found {quoted(GROUPS)}, under which the group properties go along"
    for path, name in _named(events):
        if name == GROUPS:
            yield Fault(path, found)
    for old, new in _renamed(events).items():
        if new == GROUPS and old != GROUPS:
            yield Fault(("rename_properties", old), found)


def _of_identifiers(users: _Section, selection: _Selection) -> Iterator[Fault]:
    """Hashes that would become an identifier of the person."""
    renamed = _renamed(users)
    for path, name in _named(users):
        last = renamed.get(name, name)
        if path[0] == "hash" and last in IDENTIFIER_ATTRIBUTES and selection.sends(name):
            what = quoted(name) if last == name else f"{quoted(name)}, renamed to {quoted(last)}"
            found = f"found {what}: its hash would replace the person's {last}"
            hint = f"give it another name: rename_properties: {{{name}: {name}_sha256}}"
            yield Fault(path, found, hint=hint)


def _named(section: _Section) -> Iterator[tuple[Path, str]]:
    """Every name that a rule is for, and where it stands."""
    for key in _LISTS:
        listed = section.get(key)
        for index, name in enumerate(listed if isinstance(listed, list | tuple) else ()):
            if isinstance(name, str):
                yield (key, index), name
    for name in _renamed(section):
        yield ("rename_properties", name), name


def _renamed(section: _Section) -> dict[str, str]:
    given = section.get("rename_properties")
    if not isinstance(given, Mapping):
        return {}
    return {old: new for old, new in given.items() if isinstance(new, str)}


_LISTS: Final = ("unix_seconds", "hash")


def _section(settings: Mapping[str, object], key: str) -> _Section:
    section = settings.get(key)
    return section if isinstance(section, Mapping) else {}
