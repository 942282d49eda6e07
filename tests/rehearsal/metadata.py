"""The template's metadata, read as the service reads it, and the parameters of a launch from it."""

from pathlib import Path
from typing import Any

import msgspec
from google.cloud.dataflow_v1beta3.types import ParameterMetadata, TemplateMetadata
from google.protobuf import json_format

from pipeline.options import UsageError, parse
from tests.rehearsal.world import PROJECT

METADATA_FILE = Path(__file__).parents[2] / "templates" / "metadata.json"

SECRET = f"secret://projects/{PROJECT}/secrets/{{}}/versions/1"
_SETTINGS = "settings"
_VALUES = {
    "input_subscription": f"projects/{PROJECT}/subscriptions/stream",
    "dead_letter_topic": f"projects/{PROJECT}/topics/letters",
    "customerio_site_id": SECRET.format("site"),
    "customerio_api_key": SECRET.format("key"),
}
"""What an operator writes into the form, where it has such a field."""

SAMPLE: dict[str, Any] = {
    "name": "Amplitude to Customer.io",
    "streaming": True,
    "supportsAtLeastOnce": True,
    "parameters": [
        {
            "name": "settings",
            "label": "Settings file",
            "helpText": "YAML or JSON.",
            "paramType": "GCS_READ_FILE",
        },
        {
            "name": "input_subscription",
            "label": "Pub/Sub subscription",
            "helpText": "Where records come from.",
            "paramType": "PUBSUB_SUBSCRIPTION",
        },
        {
            "name": "dead_letter_topic",
            "label": "Topic of dead letters",
            "helpText": "Where they go.",
            "paramType": "PUBSUB_TOPIC",
        },
        {
            "name": "request_budget_processes",
            "label": "Processes",
            "helpText": "That share the request budget.",
            "isOptional": True,
            "paramType": "NUMBER",
            "defaultValue": "12",
        },
    ],
}
"""A template of the fewest parameters, for a clone without a metadata file."""


class MetadataError(Exception):
    """The service, or the program behind it, would not take this template; one line a problem."""


def metadata_document() -> bytes:
    """The repository's metadata file, else the sample."""
    return METADATA_FILE.read_bytes() if METADATA_FILE.exists() else msgspec.json.encode(SAMPLE)


def read_metadata(document: bytes) -> TemplateMetadata:
    """The metadata, each of its parameters accepted by the program. Raises MetadataError."""
    message = TemplateMetadata.pb()()
    try:
        json_format.Parse(document, message, ignore_unknown_fields=False)
    except json_format.ParseError as error:
        raise MetadataError(str(error)) from error
    metadata: TemplateMetadata = TemplateMetadata.wrap(message)
    problems = [line for each in metadata.parameters for line in _problems(each)]
    if problems:
        raise MetadataError("\n".join(problems))
    return metadata


def _problems(parameter: ParameterMetadata) -> list[str]:
    name, allowed = parameter.name, [option.value for option in parameter.enum_options]
    problems = [
        f"{name}: {field} is missing"
        for field in ("name", "label", "help_text")
        if not getattr(parameter, field)
    ]
    if allowed and parameter.default_value and parameter.default_value not in allowed:
        problems.append(f"{name}: the default {parameter.default_value!r} is none of {allowed}")
    text = _VALUES.get(name) or parameter.default_value or (allowed or ["1"])[0]
    try:
        parse([f"--{name}={text}"])
    except UsageError as error:
        # By itself no parameter makes a launch; what it is refused for may only be the others.
        refusals = ("is no flag", "ignored explicit argument")
        problems += [
            f"{name}: {line}"
            for line in str(error).splitlines()
            if any(refusal in line for refusal in refusals)
        ]
    return problems


def launch_parameters(metadata: TemplateMetadata, settings: str) -> dict[str, str]:
    """What a launch from the form gives: every default, and every field that has to be filled in.

    `settings`: the URL of a settings file, for a template whose form does not ask for credentials.
    Raises MetadataError where a field has to be filled in and nobody knows how.
    """
    names = [parameter.name for parameter in metadata.parameters]
    values = dict(_VALUES) if "customerio_site_id" in names else _VALUES | {_SETTINGS: settings}
    chosen: dict[str, str] = {}
    for parameter in metadata.parameters:
        if parameter.name in values:
            chosen[parameter.name] = values[parameter.name]
        elif parameter.default_value:
            chosen[parameter.name] = parameter.default_value
        elif not parameter.is_optional:
            raise MetadataError(f"{parameter.name} has to be given, and the rehearsal has no value")
    return chosen
