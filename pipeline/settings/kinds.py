"""The types of settings that need more than a type and a range: type, check and words in one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import PlainSerializer, PlainValidator

from pipeline.settings import names, values
from pipeline.settings.credentials import CREDENTIAL_ALLOWED, CredentialReference


@dataclass(frozen=True)
class Allowed:
    """Metadata of a type: what may be written there, in words, where the type cannot tell."""

    text: str


Selection = Annotated[
    Literal["none", "all"] | names.Names,
    PlainValidator(names.selection),
    Allowed(names.SELECTION_ALLOWED),
]
Attributes = Annotated[
    Literal["none", "all"] | names.Names,
    PlainValidator(names.attributes),
    Allowed(names.ATTRIBUTES_ALLOWED),
]
EventTypes = Annotated[
    Literal["all"] | names.Names,
    PlainValidator(names.event_types),
    Allowed(names.EVENT_TYPES_ALLOWED),
]
EventList = Annotated[
    names.Names, PlainValidator(names.event_list), Allowed(names.EVENT_LIST_ALLOWED)
]
PropertyPath = Annotated[
    str, PlainValidator(values.property_path), Allowed(values.PROPERTY_ALLOWED)
]
ClauseValues = Annotated[
    tuple[values.Scalar, ...],
    PlainValidator(values.clause_values),
    Allowed(values.VALUES_ALLOWED),
]
NewNames = Annotated[
    Mapping[str, str], PlainValidator(values.new_names), Allowed(values.RENAME_ALLOWED)
]
ObjectTypes = Annotated[
    Mapping[str, str],
    PlainValidator(values.object_types),
    Allowed(values.OBJECT_TYPES_ALLOWED),
]
Endpoint = Annotated[str | None, PlainValidator(values.endpoint), Allowed(values.ENDPOINT_ALLOWED)]
Credential = Annotated[
    CredentialReference,
    PlainValidator(values.credential),
    PlainSerializer(str),
    Allowed(CREDENTIAL_ALLOWED),
]

Operator = Literal[
    "is",
    "is_not",
    "contains",
    "does_not_contain",
    "starts_with",
    "does_not_start_with",
    "less",
    "less_or_equal",
    "greater",
    "greater_or_equal",
    "is_set",
    "is_not_set",
    "glob",
    "not_glob",
    "set_contains",
    "set_does_not_contain",
]
