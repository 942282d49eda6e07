"""Every key of the settings page, read off the model once: for messages and for the docs."""

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic.fields import FieldInfo

from pipeline.settings.credentials import CredentialReference
from pipeline.settings.faults import Path
from pipeline.settings.kinds import Allowed
from pipeline.settings.model import Section, Settings

ITEM: Final = "[]"
"""Stands for any position of a list in the path of a `Key`."""


class Key(NamedTuple):
    """One key. `section` is set when it holds keys itself; the top of the file has path ().

    `choices` are the words that may be written, where these are all there is; `annotation` is the
    type of the model's field.
    """

    path: tuple[str, ...]
    allowed: str
    default: str
    description: str
    choices: tuple[str, ...] = ()
    section: type[Section] | None = None
    annotation: Any = None

    @property
    def name(self) -> str:
        """Dotted path: events.where[].op."""
        return ".".join(self.path).replace(f".{ITEM}", ITEM)


def general(path: Path) -> tuple[str, ...]:
    """`path` with every list position replaced by `ITEM`."""
    return tuple(ITEM if isinstance(part, int) else part for part in path)


def _keys_of(section: type[Section], path: tuple[str, ...]) -> Iterator[Key]:
    allowed = f"a mapping with the keys {', '.join(section.model_fields)}"
    yield Key(path, allowed, "", section.__doc__ or "", section=section)
    for name, field in section.model_fields.items():
        here = (*path, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            yield from _keys_of(field.annotation, here)
            continue
        item = _item_section(field)
        choices = tuple(literals(field.annotation))
        words = next((extra.text for extra in field.metadata if isinstance(extra, Allowed)), "")
        if words:
            choices = ()
        elif item:
            words = f"a list of mappings with the keys {', '.join(item.model_fields)}"
        else:
            words = ", ".join(choices) or _number(field)
        yield Key(
            here, words, _default(field), field.description or "", choices, None, field.annotation
        )
        if item:
            yield from _keys_of(item, (*here, ITEM))


def _item_section(field: FieldInfo) -> type[Section] | None:
    if get_origin(field.annotation) is not tuple:
        return None
    item = get_args(field.annotation)[0]
    return item if isinstance(item, type) and issubclass(item, Section) else None


def _number(field: FieldInfo) -> str:
    kind = "an integer" if field.annotation is int else "a number"
    bounds = {type(bound): bound for bound in field.metadata}
    least, above, most = (bounds.get(bound) for bound in (Ge, Gt, Le))
    if above and most:
        return f"{kind} above {above.gt}, at most {most.le}"
    if least and most:
        return f"{kind} from {least.ge} to {most.le}"
    return f"{kind} of at least {least.ge}" if least else kind


def literals(annotation: Any) -> Iterator[str]:
    """The words that a value of a type may be."""
    if annotation is bool:
        yield from ("true", "false")
    elif annotation is NoneType:
        yield "null"
    elif get_origin(annotation) is Literal:
        yield from get_args(annotation)
    elif get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from literals(member)


def _default(field: FieldInfo) -> str:
    """The default as it would be written in the file; "" for a key that must be given."""
    if field.is_required():
        return ""
    value = field.default
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "[]"
    if isinstance(value, Mapping):
        return "{}"
    return str(value) if isinstance(value, str | int | CredentialReference) else ""


KEYS: Final[Mapping[tuple[str, ...], Key]] = {key.path: key for key in _keys_of(Settings, ())}
"""All keys by path, sections included, in the order of the model."""
