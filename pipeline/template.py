"""The Flex Template's form, made from the flags: `python -m pipeline.template` writes it anew.

Its format: https://cloud.google.com/dataflow/docs/guides/templates/configuring-flex-templates
"""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from pipeline.dryrun.flags import FLAGS as DRY_RUN_FLAGS
from pipeline.options import ONE_MACHINE_FLAGS, StreamOptions
from pipeline.settings.contradictions import SELECTIONS
from pipeline.settings.credentials import SECRET_PATTERN
from pipeline.settings.flags import (
    FLAGS,
    allowed_in_flag,
    takes_credential,
    takes_names,
    words_for_credential,
)
from pipeline.settings.keys import Key
from pipeline.settings.names import NEW_ATTRIBUTE_NAMES_ALLOWED, NEW_PROPERTY_NAMES_ALLOWED
from pipeline.settings.values import (
    ENDPOINT_ALLOWED,
    OBJECT_TYPES_ALLOWED,
    PROPERTY_ALLOWED,
    RENAME_ALLOWED,
)

METADATA: Final = Path("templates/metadata.json")

Parameter = dict[str, Any]
"""A ParameterMetadata of the Dataflow API, as JSON."""


class _Field(NamedTuple):
    """How an option that is no setting looks in the form."""

    label: str
    type: str
    regex: str
    required: bool = False
    note: str = ""


_FIELDS: Final = {
    "input_subscription": _Field(
        "Subscription with Amplitude's records",
        "PUBSUB_SUBSCRIPTION",
        "^projects/[^/ ]+/subscriptions/[^/ ]+$",
        required=True,
    ),
    "dead_letter_topic": _Field(
        "Topic for dead letters", "PUBSUB_TOPIC", "^projects/[^/ ]+/topics/[^/ ]+$"
    ),
    "dead_letter_files": _Field(
        "Files for dead letters", "GCS_WRITE_FOLDER", "^gs://[^/ ]+/[^ ]+$"
    ),
    "settings": _Field(
        "Settings file",
        "GCS_READ_FILE",
        "^gs://[^/ ]+/[^ ]+$",
        # The console sends what it has filled in, changed or not.
        note=" The console's form fills in the defaults of all settings, so it leaves nothing to a "
        "file: start a job that has one with gcloud.",
    ),
    "request_budget_processes": _Field("Processes of the job", "NUMBER", "^[1-9][0-9]*$"),
}

LEFT_OUT: Final = {*ONE_MACHINE_FLAGS, *DRY_RUN_FLAGS, "input_files"}
"""Flags that a template for streams has no use for."""

_GROUPS: Final = {"customerio": "Customer.io"}
_NAMES = "^[^{}\"'&*!|>%@`#,? ].*$"
_LIST = r"^\[.*\]$"
_REGEXES: Final = {
    PROPERTY_ALLOWED: r"^([A-Za-z_$][A-Za-z0-9_$]*|(user_properties|event_properties)\..+)$",
    ENDPOINT_ALLOWED: "^(null|https?://[^ ?#@]+)$",
    **dict.fromkeys(
        (
            RENAME_ALLOWED,
            NEW_PROPERTY_NAMES_ALLOWED,
            NEW_ATTRIBUTE_NAMES_ALLOWED,
            OBJECT_TYPES_ALLOWED,
        ),
        r"^\{.*\}$",
    ),
}
"""By the words for what is allowed. All are POSIX extended expressions, as the service wants it,
and mean the same to a browser: so no class of characters holds a bracket or a backslash.
"""
EXAMPLES: Final = {
    "events_include": "Song Played,session_start",
    "events_exclude": '["[Amplitude] Element Clicked", Internal Heartbeat]',
    "events_where": "[{property: user_properties.plan, op: is, values: [pro, team]}]",
    "events_rename": "{session_start: Session Started}",
    "users_user_properties": "plan,country",
    "groups_object_types": '{company: "1"}',
    "groups_group_properties": "tier,seats",
}
"""Shown in the form's help, where a value takes more than a word."""


def metadata() -> dict[str, Any]:
    """The whole file, a TemplateMetadata of the Dataflow API, as JSON."""
    return {
        "name": "Amplitude to Customer.io event stream",
        "description": "Reads Amplitude records from Pub/Sub and turns them into people and events "
        "in Customer.io. A message is acknowledged only after Customer.io has taken it or its dead "
        "letter is stored; where people are remembered, one that updates a person is once Dataflow "
        "has stored it.",
        "streaming": True,
        "supportsAtLeastOnce": True,
        "supportsExactlyOnce": True,
        "defaultStreamingMode": "AT_LEAST_ONCE",
        "parameters": [*_options(), *(_setting(name, key) for name, key in FLAGS.items())],
    }


def _options() -> Iterator[Parameter]:
    parser = argparse.ArgumentParser(add_help=False)
    StreamOptions._add_argparse_args(parser)  # noqa: SLF001
    help_of = {action.dest: action.help or "" for action in parser._actions}  # noqa: SLF001
    for name, field in _FIELDS.items():
        yield {
            "name": name,
            "label": field.label,
            "helpText": help_of[name] + field.note,
            "isOptional": not field.required,
            "paramType": field.type,
            "regexes": [field.regex],
            "groupName": "Source and dead letters",
        }


def _setting(name: str, key: Key) -> Parameter:
    group = _GROUPS.get(key.path[0], key.path[0].capitalize()) if key.path[1:] else "Job"
    parameter: Parameter = {
        "name": name,
        "label": f"{group}: {key.path[-1].replace('_', ' ')}",
        "helpText": _help(name, key),
        "isOptional": not _is_required(key),
        "paramType": _type(key),
        "regexes": [_regex(key)],
        "groupName": group,
    }
    if key.choices and _type(key) == "ENUM":
        parameter["enumOptions"] = [{"value": choice, "label": choice} for choice in key.choices]
    if not _is_required(key) and not _is_set_by_preset(key):
        parameter["defaultValue"] = key.default
    return parameter


def _is_required(key: Key) -> bool:
    """Whether it is a credential of every job. Its default is a variable of this machine, which no
    worker has.
    """
    return takes_credential(key) and not words_for_credential(key)


def _is_set_by_preset(key: Key) -> bool:
    """Whether a default that the form fills in would contradict `preset: all_properties`."""
    return key.path[0] == "events" and key.path[-1] in SELECTIONS


def _help(name: str, key: Key) -> str:
    words = key.description.replace("`", "")
    if not key.choices:
        words += f" Allowed: {allowed_in_flag(key)}."
    if takes_names(key):
        words += " A list is written in brackets, or with commas alone."
    if _is_set_by_preset(key):
        words += f" Default: {key.default}."
    return words + (f" Example: {EXAMPLES[name]}" if name in EXAMPLES else "")


def _type(key: Key) -> str:
    if key.annotation is bool:
        return "BOOLEAN"
    if key.annotation in (int, float):
        return "NUMBER"
    return "ENUM" if key.choices else "TEXT"


def _regex(key: Key) -> str:
    if takes_credential(key):
        return f"^({'|'.join((SECRET_PATTERN, *words_for_credential(key)))})$"
    if takes_names(key):
        return _NAMES
    if key.choices:
        return f"^({'|'.join(key.choices)})$"
    if key.annotation is int:
        return "^[0-9]+$"
    if key.annotation is float:
        return r"^[0-9]+(\.[0-9]+)?$"
    return _REGEXES.get(key.allowed, _LIST)


def text() -> str:
    """The file's text."""
    return json.dumps(metadata(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Rewrites templates/metadata.json below this directory."""
    METADATA.write_text(text(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
