"""docs/deploy.md: commands, parameters, files and figures that it names."""

import re
import shlex
import subprocess
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from google.cloud.dataflow_v1beta3.types import (
    FlexTemplateRuntimeEnvironment,
    LaunchFlexTemplateParameter,
)

from pipeline import plan
from pipeline.launch import refuse_environment
from pipeline.options import StreamOptions, budget_processes, parse, setting_flags
from pipeline.settings import load_settings
from pipeline.settings.flags import FLAGS
from tests.templates.dockerfile import ROOT
from tests.templates.test_cloudbuild import BUILD
from tests.templates.test_metadata import PARAMETERS, matches

PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
BLOCKS: list[tuple[str, str]] = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
[RUN] = [yaml.safe_load(text) for kind, text in BLOCKS if kind == "yaml"]
SHELL = [text for kind, text in BLOCKS if kind == "sh"]
FIELDS = {
    "--service-account-email": "service_account_email",
    "--staging-location": "staging_location",
    "--temp-location": "temp_location",
    "--worker-machine-type": "machine_type",
    "--max-workers": "max_workers",
    "--additional-experiments": "additional_experiments",
    "--additional-pipeline-options": "additional_pipeline_options",
    "--parameters": "parameters",
    "--template-file-gcs-location": "container_spec_gcs_path",
    "--update": "update",
    "--transform-name-mappings": "transform_name_mappings",
}
"""Flags of gcloud dataflow flex-template run, and what they are in the API."""
OF_GCLOUD = {"--region", "--flags-file"}


def commands() -> list[list[str]]:
    """All gcloud commands, as words."""
    found = []
    for block in SHELL:
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.split("|")[-1])
            if words and words[0] == "gcloud":
                found.append(words)
    return found


def of(*words: str) -> list[list[str]]:
    """The commands that begin so."""
    return [each for each in commands() if tuple(each[1 : len(words) + 1]) == words]


def flags(command: list[str]) -> dict[str, str]:
    """The flags of a command and their values."""
    return {word.partition("=")[0]: word.partition("=")[2] for word in command if word[:2] == "--"}


def split(text: str) -> dict[str, str]:
    """What gcloud makes of a dictionary: https://cloud.google.com/sdk/gcloud/reference/topic/escaping"""
    escaped = re.fullmatch(r"\^([^^]+)\^(.*)", text)
    separator, text = (escaped[1], escaped[2]) if escaped else (",", text)
    return dict(pair.split("=", 1) for pair in text.split(separator))


def launched(parameters: dict[str, str]) -> Any:
    """Options as the launcher gives them to the program."""
    return parse(
        [
            *(f"--{name}={value}" for name, value in parameters.items()),
            "--runner=DataflowRunner",
            f"--max_num_workers={RUN['--max-workers']}",
            f"--worker_machine_type={RUN['--worker-machine-type']}",
        ]
    )


def test_shell_blocks_parse() -> None:
    for block in SHELL:
        subprocess.run(["bash", "-n"], input=block, text=True, check=True)
    assert len(commands()) >= 15


def test_the_api_has_what_a_run_is_given() -> None:
    known = {
        *FlexTemplateRuntimeEnvironment.meta.fields,
        *LaunchFlexTemplateParameter.meta.fields,
    }
    assert set(FIELDS.values()) <= known
    runs = of("dataflow", "flex-template", "run")
    assert len(runs) == 3
    for given in (RUN, *map(flags, runs)):
        assert set(given) <= {*FIELDS, *OF_GCLOUD}


def test_the_example_is_taken_by_form_and_program() -> None:
    parameters = RUN["--parameters"]
    for name, value in parameters.items():
        assert matches(PARAMETERS[name], value), name
    required = {name for name, each in PARAMETERS.items() if not each["isOptional"]}
    assert required <= set(parameters)
    options = launched(parameters)
    given = options.view_as(StreamOptions)
    settings = load_settings(given.settings, setting_flags(given))
    refuse_environment(settings)
    assert settings.events.include == ("Song Played", "Song Liked", "session_start")
    assert settings.events.where[0].values == ("pro", "team")


def test_the_budget_is_shared_as_it_says() -> None:
    options = launched(RUN["--parameters"])
    given = options.view_as(StreamOptions)
    settings = load_settings(None, setting_flags(given))
    processes = budget_processes(options)
    share = plan.delivery_policy(settings, processes, hold=False).requests_per_second
    workers, vcpus = RUN["--max-workers"], processes // RUN["--max-workers"]
    assert f"{settings.delivery.max_requests_per_second:g} requests a second that is " in PAGE
    assert f"{workers} × {vcpus} = {processes} processes of {share:g} requests a second" in PAGE


def test_values_with_commas_arrive_whole() -> None:
    [text] = [flags(each)["--parameters"] for each in commands() if "--parameters" in flags(each)]
    parameters = split(text)
    assert set(parameters) <= set(PARAMETERS)
    settings = load_settings(None, parameters)
    assert settings.events.include == ("Song Played", "session_start")
    assert settings.users.user_properties == ("plan", "country")


def test_builds_give_what_the_build_takes() -> None:
    submitted = of("builds", "submit")
    assert len(submitted) == 2
    for command in submitted:
        given = flags(command)
        assert (ROOT / given["--config"]).exists()
        assert set(split(given["--substitutions"])) <= set(BUILD["substitutions"])
        assert command[-1] == "."
    [build] = of("dataflow", "flex-template", "build")
    assert (ROOT / flags(build)["--metadata-file"]).exists()


def test_names_of_parameters_exist() -> None:
    sections = "|".join({key.path[0] for key in FLAGS.values() if key.path[1:]})
    named = set(re.findall(rf"`(?:--)?((?:{sections})_[a-z_]+)", PAGE))
    assert "events_where" in named
    assert named <= set(PARAMETERS)


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!https?://|#)[^)]+)\)", PAGE))
def test_places_that_it_names_exist(path: str) -> None:
    file, _, place = path.partition("#")
    assert (ROOT / "docs" / file).exists()
    if place:
        titles = re.findall(r"^#+ (.+)$", (ROOT / "docs" / file).read_text("utf-8"), re.MULTILINE)
        # As GitHub makes an anchor of a title.
        assert place in {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}
