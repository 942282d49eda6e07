"""The Flex Template's form against the API that takes it, the parser and the settings model."""

import json
import re
import subprocess
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from google.cloud.dataflow_v1beta3.types import ParameterType, TemplateMetadata
from google.protobuf import json_format

from pipeline.launch import refuse_environment
from pipeline.options import StreamOptions, UsageError, parse, setting_flags
from pipeline.settings import Settings, SettingsError, load_settings
from pipeline.settings.flags import FLAGS
from pipeline.settings.keys import KEYS
from pipeline.template import EXAMPLES as SHOWN
from pipeline.template import LEFT_OUT, METADATA, text
from tests.templates.dockerfile import ROOT

WRITTEN = (ROOT / METADATA).read_text(encoding="utf-8")
FORM: dict[str, Any] = json.loads(WRITTEN)
PARAMETERS: dict[str, dict[str, Any]] = {each["name"]: each for each in FORM["parameters"]}
SECRET = "secret://projects/p/secrets/s/versions/latest"
EXAMPLES = {
    "input_subscription": "projects/p/subscriptions/s",
    "dead_letter_topic": "projects/example.com:p/topics/t",
    "dead_letter_files": "gs://bucket/letters/x",
    "settings": "gs://bucket/settings.yaml",
    "request_budget_processes": "8",
    "customerio_site_id": SECRET,
    "customerio_api_key": SECRET,
    "customerio_endpoint": "https://proxy.example.com/customerio",
    "mappings_user_identifier": "user_properties.account id",
    **dict.fromkeys(("events_event_properties", "events_user_properties"), "none"),
    "events_group_properties": "all",
    **SHOWN,
}
DATAFLOW = ("--runner=DataflowRunner", "--project=p", "--region=r", "--max_num_workers=2")
Document = dict[str, Any]

SELECTED = {"users_user_properties": "all"}
REMEMBERED = SELECTED | {"users_state": "person"}
NEEDS = {
    ("users_trigger", "always"): SELECTED,
    ("users_trigger", "changed"): REMEMBERED,
    ("users_state", "person"): SELECTED,
    ("groups_group_properties", SHOWN["groups_group_properties"]): {
        "groups_enabled": "true",
        "groups_object_types": SHOWN["groups_object_types"],
    },
}
"""Settings that a choice cannot do without."""


def check(document: Document) -> None:
    """Whether the API, the parser and the model take such a form; AssertionError or ParseError."""
    json_format.ParseDict(document, TemplateMetadata.pb()(), ignore_unknown_fields=False)
    assert len({each["name"] for each in document["parameters"]}) == len(document["parameters"])
    flags = set(StreamOptions([]).get_all_options(current_only=True))
    assert {each["name"] for each in document["parameters"]} == flags - LEFT_OUT
    for parameter in document["parameters"]:
        check_parameter(parameter)


def check_parameter(parameter: Document) -> None:
    """One parameter of the form."""
    name, default = parameter["name"], parameter.get("defaultValue")
    kind = parameter["paramType"]
    assert kind in ParameterType.__members__
    assert parameter["label"]
    assert parameter["helpText"]
    assert parameter["groupName"]
    options = [each["value"] for each in parameter.get("enumOptions", [])]
    assert bool(options) == (kind == "ENUM")
    values = [value for value in (default, EXAMPLES.get(name), *options) if value is not None]
    assert values, f"{name} has neither a default nor an example"
    for value in values:
        assert matches(parameter, value), (name, value)
    if name not in FLAGS:
        return
    key = FLAGS[name]
    if kind == "ENUM":
        assert tuple(options) == key.choices
    for value in values:
        load_settings(None, NEEDS.get((name, value), {}) | {name: value})
    if default is not None:
        assert load_settings(None, {name: default}) == Settings()


def matches(parameter: Document, value: str) -> bool:
    """Whether the value is let through, by grep -E: the service takes POSIX expressions too."""
    return all(
        subprocess.run(["grep", "-Eq", regex], input=value, text=True, check=False).returncode == 0
        for regex in parameter["regexes"]
    )


def test_it_is_up_to_date() -> None:
    assert text() == WRITTEN, "run: python -m pipeline.template"


def test_it_is_taken_by_api_parser_and_model() -> None:
    check(FORM)


def _rename(form: Document) -> None:
    form["parameters"][0]["name"] = "subscription"


def _unquote(form: Document) -> None:
    _named(form, "delivery_lanes")["defaultValue"] = 16


def _other_default(form: Document) -> None:
    _named(form, "delivery_lanes")["defaultValue"] = "17"


def _fewer_choices(form: Document) -> None:
    _named(form, "customerio_region")["enumOptions"].pop()


def _wrong_choice(form: Document) -> None:
    _named(form, "customerio_region")["enumOptions"][0]["value"] = "uk"


def _wrong_type(form: Document) -> None:
    _named(form, "status")["paramType"] = "CHOICE"


def _unknown_key(form: Document) -> None:
    form["_comment"] = "x"


def _drop(form: Document) -> None:
    form["parameters"].pop()


def _double(form: Document) -> None:
    form["parameters"].append(form["parameters"][-1])


def _narrow(form: Document) -> None:
    _named(form, "events_include")["regexes"] = ["^all$"]


def _quoted_boolean(form: Document) -> None:
    form["streaming"] = "true"


def _named(form: Document, name: str) -> Document:
    return next(each for each in form["parameters"] if each["name"] == name)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (_rename, AssertionError),
        (_drop, AssertionError),
        (_double, AssertionError),
        (_narrow, AssertionError),
        (_other_default, AssertionError),
        (_fewer_choices, AssertionError),
        (_wrong_choice, AssertionError),
        (_unquote, json_format.ParseError),
        (_wrong_type, json_format.ParseError),
        (_unknown_key, json_format.ParseError),
        (_quoted_boolean, json_format.ParseError),
    ],
)
def test_a_form_that_is_wrong_is_refused(
    change: Callable[[Document], None], error: type[Exception]
) -> None:
    form = deepcopy(FORM)
    change(form)
    with pytest.raises(error):
        check(form)


def test_it_streams_at_least_once_unless_said_otherwise() -> None:
    parsed = json_format.ParseDict(FORM, TemplateMetadata.pb()())
    assert parsed.streaming
    assert parsed.supports_at_least_once
    assert parsed.supports_exactly_once
    assert parsed.default_streaming_mode == "AT_LEAST_ONCE"


def launch(**parameters: str) -> Settings:
    """What a launch with these parameters gets to before it builds the graph."""
    options = parse([*DATAFLOW, *(f"--{name}={value}" for name, value in parameters.items())])
    given = options.view_as(StreamOptions)
    settings = load_settings(given.settings, setting_flags(given))
    refuse_environment(settings)
    return settings


REQUIRED = {name: EXAMPLES[name] for name, each in PARAMETERS.items() if not each["isOptional"]}
LETTERS = {"dead_letter_topic": "projects/p/topics/t"}


def test_required_parameters_and_a_place_for_dead_letters_are_enough() -> None:
    assert set(REQUIRED) == {"input_subscription", "customerio_site_id", "customerio_api_key"}
    settings = launch(**REQUIRED, **LETTERS)
    assert settings.model_dump(exclude={"customerio"}) == Settings().model_dump(
        exclude={"customerio"}
    )


@pytest.mark.parametrize("name", REQUIRED)
def test_no_required_parameter_can_be_left_out(name: str) -> None:
    with pytest.raises(UsageError):
        launch(**{key: value for key, value in REQUIRED.items() if key != name}, **LETTERS)


def test_the_console_sends_all_defaults_and_that_is_the_model() -> None:
    defaults = {
        name: each["defaultValue"] for name, each in PARAMETERS.items() if "defaultValue" in each
    }
    plain = launch(**REQUIRED, **LETTERS)
    assert launch(**REQUIRED, **LETTERS, **defaults) == plain
    with_preset = launch(**REQUIRED, **LETTERS, **defaults | {"preset": "all_properties"})
    assert with_preset.events.event_properties == "all"


def test_every_setting_without_a_default_says_why() -> None:
    without = {name for name in FLAGS if "defaultValue" not in PARAMETERS[name]}
    # Credentials, whose default is a variable; and what the preset sets, if nothing else does.
    assert without == {
        "customerio_site_id",
        "customerio_api_key",
        "events_event_properties",
        "events_user_properties",
        "events_group_properties",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("input_subscription", "s"),
        ("input_subscription", "projects/p/topics/t"),
        ("dead_letter_topic", "projects/p/subscriptions/s"),
        ("dead_letter_files", "letters"),
        ("dead_letter_files", "gs://bucket"),
        ("settings", "settings.yaml"),
        ("request_budget_processes", "0"),
        ("customerio_site_id", "${CUSTOMERIO_SITE_ID}"),
        ("customerio_api_key", "a-key-in-clear"),
        ("customerio_api_key", "projects/p/secrets/s/versions/1"),
        ("customerio_endpoint", "ftp://host"),
        ("customerio_endpoint", "https://user@host"),
        ("customerio_region", "uk"),
        ("customerio_region", "useu"),
        ("events_enabled", "yes"),
        ("events_include", ", a"),
        ("events_include", "{a: b}"),
        ("events_where", "country is NO"),
        ("events_rename", "a=b"),
        ("mappings_user_identifier", "properties.x"),
        ("mappings_user_identifier", "user_properties."),
        ("delivery_lanes", "-1"),
        ("delivery_lanes", "1.5"),
        ("delivery_retry_for_s", "two"),
    ],
)
def test_a_wrong_value_is_stopped_by_the_form_and_by_the_program(name: str, value: str) -> None:
    assert not matches(PARAMETERS[name], value)
    if name in FLAGS:
        with pytest.raises(SettingsError):
            load_settings(None, {name: value})


def test_every_regex_is_anchored_and_the_same_to_python() -> None:
    for name, parameter in PARAMETERS.items():
        for regex in parameter["regexes"]:
            assert regex.startswith("^"), name
            assert regex.endswith("$"), name
            for within in re.findall(r"(?<!\\)\[(.*?)(?<!\\)\]", regex):
                assert within not in ("", "^"), (name, "read otherwise by a browser")
                assert not set(within) & set("[\\"), (name, "read otherwise by a browser")
            for value in (parameter.get("defaultValue"), EXAMPLES.get(name)):
                assert value is None or re.search(regex, value), (name, value)


def test_numbers_of_the_model_in_words() -> None:
    """The form's expressions cannot tell ranges: its help does."""
    for name, key in FLAGS.items():
        if PARAMETERS[name]["paramType"] == "NUMBER":
            assert KEYS[key.path].allowed in PARAMETERS[name]["helpText"]
