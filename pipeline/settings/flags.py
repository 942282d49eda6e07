"""Every setting as a flag: `events.include` of the file is --events_include on the command line.

A flag wins over the file. Its text is read as a value of the file is, YAML or JSON, with one ease:
names may be listed with commas alone, `plan,country` for `[plan, country]`.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin

from pipeline.settings.credentials import SECRET_ALLOWED, CredentialReference
from pipeline.settings.document import Document, read_document
from pipeline.settings.faults import Fault
from pipeline.settings.keys import ITEM, KEYS, Key, literals
from pipeline.settings.yaml_tree import UnreadableError

FLAGS: Final[Mapping[str, Key]] = {
    "_".join(key.path): key
    for key in KEYS.values()
    if key.path and not key.section and ITEM not in key.path
}
"""Name of the flag, without dashes, and its setting; in the order of the model."""

_NOT_NAMES = ("all", "none", "null", "true", "false", "~")
# YAML's indicators: what begins with one of them is no plain text.
_INDICATORS = (*"[]{}\"'&*!|>%@`#,?", "- ")


def takes_names(key: Key) -> bool:
    """Whether the setting may be a list of names."""
    return any(
        get_origin(kind) is tuple and get_args(kind)[0] is str for kind in _kinds(key.annotation)
    )


def takes_credential(key: Key) -> bool:
    """Whether the setting says where a credential is kept."""
    return CredentialReference in (key.annotation, *get_args(key.annotation))


def words_for_credential(key: Key) -> tuple[str, ...]:
    """What may stand in the place of a credential, where it can be done without."""
    return tuple(literals(key.annotation))


def allowed_in_flag(key: Key) -> str:
    """What the flag of a setting takes, in words: of credentials less than the file does."""
    if takes_credential(key):
        return ", ".join((SECRET_ALLOWED, *words_for_credential(key)))
    return key.allowed


def overlay(document: Document, texts: Mapping[str, str]) -> None:
    """Puts the values of flags (name without dashes: text) into the place of the file's."""
    for name, text in texts.items():
        key = FLAGS[name]
        document.put(key.path, _read(key, text), name)


def _read(key: Key, text: str) -> Document:
    if takes_credential(key) and text not in words_for_credential(key):
        return _credential(key, text)
    names = [name.strip() for name in text.split(",")]
    if takes_names(key) and not _is_yaml(text, names):
        return Document(names)
    try:
        return read_document(text, nullable=True)
    except UnreadableError as error:
        return _refused(Fault((), error.found, key.allowed, error.hint))


def _credential(key: Key, text: str) -> Document:
    """Options are stored with the job, for everybody to read who may see it: so no ${NAME} either,
    which a shell that is not held back replaces by the key.
    """
    try:
        if CredentialReference(text).in_secret_manager:
            return Document(text)
    except ValueError:
        pass
    hint = "${NAME} may stand in the settings file only"
    found = "found a text that names no secret version (not shown)"
    return _refused(Fault((), found, allowed_in_flag(key), hint))


def _refused(fault: Fault) -> Document:
    return Document(faults=[fault], unreadable={()})


def _is_yaml(text: str, names: list[str]) -> bool:
    return (
        "\n" in text
        or text.strip().lower() in _NOT_NAMES
        or any(name.startswith(_INDICATORS) for name in names)
    )


def _kinds(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; else the type alone."""
    return (annotation,) if get_origin(annotation) is tuple else get_args(annotation)
