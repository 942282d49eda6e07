"""What is wrong with a template is seen before a launch: mutations of it are refused."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.rehearsal.metadata import (
    SAMPLE,
    MetadataError,
    launch_parameters,
    metadata_document,
    read_metadata,
)

Template = dict[str, Any]


def with_default(template: Template) -> dict[str, Any]:
    """The first parameter that has a default."""
    return next(each for each in template["parameters"] if "defaultValue" in each)


def rename(template: Template) -> None:
    template["parameters"][0]["name"] += "_of_old"


def wrong_type(template: Template) -> None:
    template["parameters"][0]["paramType"] = "PUBSUB_SUBSCRIPTIONS"


def number_as_default(template: Template) -> None:
    with_default(template)["defaultValue"] = 12


def text_as_flag(template: Template) -> None:
    template["streaming"] = "true"


def default_beside_the_choices(template: Template) -> None:
    with_default(template)["enumOptions"] = [{"value": "something else"}]


def text_as_choice(template: Template) -> None:
    template["parameters"][0]["enumOptions"] = ["all"]


def comment(template: Template) -> None:
    template["_comment"] = "launched at night"


def no_help(template: Template) -> None:
    del template["parameters"][0]["helpText"]


def switch(template: Template) -> None:
    """A flag that takes no value, while a template gives every parameter one."""
    template["parameters"].append(
        {"name": "streaming", "label": "Streaming", "helpText": "It is.", "isOptional": True}
    )


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(metadata_document(), id="ours"),
        pytest.param(msgspec.json.encode(SAMPLE), id="smallest"),
    ],
)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(rename, "is no flag of this program or of Beam", id="renamed parameter"),
        pytest.param(wrong_type, "PUBSUB_SUBSCRIPTIONS", id="wrong type"),
        pytest.param(number_as_default, "defaultValue", id="default is no text"),
        pytest.param(text_as_flag, "streaming", id="text for true"),
        pytest.param(default_beside_the_choices, "is none of", id="default is no choice"),
        pytest.param(text_as_choice, "enumOptions", id="choice is no object"),
        pytest.param(comment, "_comment", id="unknown key"),
        pytest.param(no_help, "help_text is missing", id="no help"),
        pytest.param(switch, "ignored explicit argument", id="flag without a value"),
    ],
)
def test_a_template_that_cannot_be_launched_is_refused(
    change: Callable[[Template], None], reason: str, document: bytes
) -> None:
    template: Template = msgspec.json.decode(document)
    change(template)
    with pytest.raises(MetadataError) as refusal:
        read_metadata(msgspec.json.encode(template))
    assert reason in str(refusal.value)


def test_a_launch_gives_every_default_and_all_that_has_to_be_given() -> None:
    metadata = read_metadata(metadata_document())
    given = launch_parameters(metadata, "gs://bucket/settings.yaml")
    for parameter in metadata.parameters:
        assert parameter.name in given or (parameter.is_optional and not parameter.default_value)


def test_a_field_that_nobody_can_fill_in_is_named() -> None:
    template = msgspec.json.decode(msgspec.json.encode(SAMPLE))
    del template["parameters"][3]["defaultValue"], template["parameters"][3]["isOptional"]
    metadata = read_metadata(msgspec.json.encode(template))
    with pytest.raises(MetadataError, match="request_budget_processes has to be given"):
        launch_parameters(metadata, "gs://bucket/settings.yaml")
