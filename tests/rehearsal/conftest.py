"""A rehearsal is made once, and looked at by all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rehearsal.image import Environment, copy_source
from tests.rehearsal.launcher import Launch
from tests.rehearsal.metadata import SECRET, launch_parameters, metadata_document, read_metadata
from tests.rehearsal.submission import Submission, submitted_by_hand, submitted_by_launcher
from tests.rehearsal.world import World, world

SETTINGS = f"""\
preset: all_properties
customerio:
  site_id: {SECRET.format("site")}
  api_key: {SECRET.format("key")}
users:
  user_properties: all
"""


@pytest.fixture(scope="session")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The fakes, running."""
    with world(tmp_path_factory.mktemp("home")) as one:
        yield one


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, with its operator's secrets in it."""
    return copy_source(tmp_path_factory.mktemp("clone") / "template")


@pytest.fixture(scope="session")
def parameters(rehearsed: World) -> dict[str, str]:
    """What the template's form gives."""
    settings = rehearsed.storage.put("settings.yaml", SETTINGS.encode())
    return launch_parameters(read_metadata(metadata_document()), settings)


@pytest.fixture(scope="session")
def by_hand(rehearsed: World, source: Path, parameters: dict[str, str]) -> Submission:
    """A job that `python -m pipeline.main` submitted from the clone."""
    return submitted_by_hand(rehearsed, source, Launch("by-hand", parameters))


@pytest.fixture(scope="session")
def environment(
    rehearsed: World, by_hand: Submission, tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """An empty environment with the package that was staged, as in the template's image."""
    place = tmp_path_factory.mktemp("image")
    package = place / "workflow.tar.gz"
    package.write_bytes(by_hand.staged[package.name])
    made = Environment(place / "environment")
    installed = made.install(rehearsed, package)
    assert installed.code == 0, installed.said
    return made


@pytest.fixture(scope="session")
def by_launcher(
    rehearsed: World, environment: Environment, source: Path, parameters: dict[str, str]
) -> Submission:
    """A job whose document the program wrote for the Flex Template launcher."""
    launch = Launch("by-launcher", parameters)
    return submitted_by_launcher(rehearsed, environment, source, launch)


@pytest.fixture(scope="session")
def remembered(
    rehearsed: World, environment: Environment, source: Path, parameters: dict[str, str]
) -> Submission:
    """The same with people remembered."""
    memory = {"users_state": "person", "users_trigger": "changed", "users_user_properties": "all"}
    launch = Launch("remembered", parameters | memory)
    return submitted_by_launcher(rehearsed, environment, source, launch)


@pytest.fixture(scope="session", params=["by_hand", "by_launcher"])
def submission(request: pytest.FixtureRequest) -> Submission:
    """Each of the two."""
    found: Submission = request.getfixturevalue(request.param)
    return found
