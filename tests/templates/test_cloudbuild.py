"""The build: steps in their order, names that fit the Dockerfile, files that exist, no secret."""

import re
import subprocess
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from google.cloud.dataflow_v1beta3.types import JobState

from tests.templates.dockerfile import DOCKERFILE, ROOT, arguments

TEXT = (ROOT / "templates" / "cloudbuild.yaml").read_text(encoding="utf-8")
BUILD: dict[str, Any] = yaml.safe_load(TEXT)
STEPS: dict[str, dict[str, Any]] = {step["id"]: step for step in BUILD["steps"]}
# https://cloud.google.com/build/docs/build-config-file-schema
_OF_A_BUILD = {"steps", "substitutions", "options", "timeout"}
_OF_A_STEP = {"id", "name", "entrypoint", "args", "env", "script", "waitFor"}
_BUILT_IN = {"BUILD_ID"}
SCRIPTS = [name for name, step in STEPS.items() if "script" in step]


def test_only_keys_that_cloud_build_knows() -> None:
    assert set(BUILD) == _OF_A_BUILD
    for step in STEPS.values():
        assert set(step) <= _OF_A_STEP
        assert ("script" in step) != ("args" in step)


def test_steps_wait_for_what_they_need() -> None:
    waits = {name: step.get("waitFor") for name, step in STEPS.items()}
    assert waits == {
        "test": None,
        "build": ["-"],
        "smoke": ["build"],
        "push": ["test", "smoke"],
        "template": ["push"],
        "smoke-run": ["template"],
    }


def test_one_image_is_built_tried_and_published() -> None:
    assert f"--file={DOCKERFILE.relative_to(ROOT)}" in STEPS["build"]["args"]
    for part in ("--build-arg=IMAGE=$_IMAGE", "--tag=$_IMAGE"):
        assert part in STEPS["build"]["args"]
    assert STEPS["build"]["env"] == ["DOCKER_BUILDKIT=1"], "else .dockerignore is not found"
    assert STEPS["smoke"]["args"][3:] == ["$_IMAGE", "-m", "pipeline.local.run"]
    assert STEPS["push"]["args"] == ["push", "$_IMAGE"]
    assert "IMAGE=$_IMAGE" in STEPS["template"]["env"]


def test_tests_run_on_the_python_of_the_image() -> None:
    image = arguments()["PYTHON_IMAGE"]
    assert STEPS["test"]["name"] == image.replace("-slim", "")


def test_substitutions_are_declared_and_used() -> None:
    outside = [step | {"script": ""} for step in STEPS.values()]
    used = set(re.findall(r"\$\{?([A-Z_]+)", str(outside)))
    assert used - _BUILT_IN == set(BUILD["substitutions"])


def test_files_that_it_names_exist() -> None:
    named = re.findall(r"\b(?:templates|tests|docs)/[\w./-]+\w", TEXT)
    assert {"tests/run.sh", "templates/metadata.json", "templates/Dockerfile"} <= set(named)
    assert all((ROOT / name).exists() for name in named)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_parse_and_know_their_variables(name: str) -> None:
    step = STEPS[name]
    subprocess.run(["bash", "-n"], input=step["script"], text=True, check=True)
    assert step["script"].startswith("#!/usr/bin/env bash\nset -euo pipefail\n")
    given = {each.split("=")[0] for each in step["env"]}
    assert set(re.findall(r"\$([A-Z]+)", step["script"])) == given


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_step_that_is_not_asked_for_does_nothing(name: str) -> None:
    step = STEPS[name]
    empty = {each.split("=")[0]: "" for each in step["env"]}
    done = subprocess.run(
        ["bash"],
        input=step["script"],
        text=True,
        env=empty | {"PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )
    assert re.search(r"^No _\w+ w(as|ere) given\.$", done.stdout)


def test_states_that_it_waits_for_are_dataflows() -> None:
    states = set(re.findall(r"JOB_STATE_\w+", STEPS["smoke-run"]["script"]))
    assert states
    assert states <= set(JobState.__members__)


def test_no_secret() -> None:
    assert not re.search(r"(?i)secret|password|api_key|token|availableSecrets", TEXT)
