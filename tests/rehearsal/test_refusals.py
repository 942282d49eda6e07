"""What is wrong with a launch is said before anything is staged: one message, exit code 2."""

import json
import sys
from pathlib import Path

import pytest

from tests.rehearsal.conftest import SETTINGS
from tests.rehearsal.launcher import MAX_WORKERS, Launch
from tests.rehearsal.world import PROJECT, Ran, World
from tests.security.canaries import found_in

FORKS = Path(__file__).parent / "forks.py"
SUBSCRIPTION = f"projects/{PROJECT}/subscriptions/stream"
RIGHT = {
    "settings": "gs://rehearsal-bucket/right.yaml",
    "input_subscription": SUBSCRIPTION,
    "dead_letter_topic": f"projects/{PROJECT}/topics/letters",
}
REMEMBERED = RIGHT | {"users_state": "person"}
FILES = {
    "right.yaml": SETTINGS,
    "asia.yaml": SETTINGS.replace("customerio:", "customerio:\n  region: asia"),
    "environment.yaml": "preset: all_properties\n",
}


def without(name: str) -> dict[str, str]:
    return {each: value for each, value in RIGHT.items() if each != name}


def at(name: str) -> dict[str, str]:
    return RIGHT | {"settings": f"gs://rehearsal-bucket/{name}"}


WRONG: dict[str, tuple[dict[str, str], str]] = {
    "no-subscription": (
        without("input_subscription"),
        "give one of --input_subscription and --input_files",
    ),
    "project-that-cannot-be": (
        RIGHT | {"input_subscription": "projects/p/subscriptions/stream"},
        "--input_subscription: Invalid PubSub project name: 'p'",
    ),
    "dead-letters-on-a-workers-disk": (
        without("dead_letter_topic") | {"dead_letter_files": "/data/letters"},
        "which is on a worker's own disk and goes away with it; on Dataflow give a gs:// prefix",
    ),
    "region-of-the-settings": (at("asia.yaml"), "customerio.region"),
    "credentials-of-the-environment": (
        at("environment.yaml"),
        "customerio.site_id: ${CUSTOMERIO_SITE_ID} is not set on Dataflow's workers",
    ),
    "flag-with-a-slip": (
        RIGHT | {"dead_letter_topik": "projects/p/topics/t"},
        "--dead_letter_topik is no flag of this program or of Beam; did you mean "
        "--dead_letter_topic?",
    ),
    "memory-in-a-file-of-workers": (
        REMEMBERED | {"state_file": "/data/people"},
        "--state_file works on one machine, not with --runner=DataflowRunner",
    ),
    "memory-that-ends-with-the-files": (
        REMEMBERED | {"input_files": "gs://rehearsal-bucket/a.json", "input_subscription": ""},
        "users.state: person with --input_files runs on one machine only",
    ),
    "memory-of-nothing": (
        REMEMBERED | {"users_user_properties": "none"},
        "--users_state: found person without user_properties",
    ),
    "memory-where-it-is-not-shown": (
        REMEMBERED,
        "users.state: person does not run with --runner=FlinkRunner",
    ),
    "changes-without-a-memory": (
        RIGHT | {"users_trigger": "changed"},
        "--users_trigger: found changed without state: person",
    ),
    "budget-nobody-knows": (RIGHT, "give --max_num_workers (or --request_budget_processes)"),
}
"""Name of the job -> its parameters, and what the program has to say about them."""


RIGHT_ONE = "nothing-wrong"
"""Launched beside them: else one might believe that every launch is refused."""


def launch(name: str) -> Launch:
    return Launch(name, RIGHT if name == RIGHT_ONE else WRONG[name][0])


def arguments(name: str) -> list[str]:
    given = launch(name).by_launcher()
    if name == "budget-nobody-knows":
        given.remove(f"--max_num_workers={MAX_WORKERS}")
    if name == "memory-where-it-is-not-shown":
        given.remove("--runner=DataflowRunner")
        given += ["--runner=FlinkRunner", "--checkpointing_interval=1000"]
    return given


@pytest.fixture(scope="module")
def launched(
    rehearsed: World, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Ran]:
    """All of them, one after the other."""
    for name, text in FILES.items():
        rehearsed.storage.put(name, text.encode())
    names = [RIGHT_ONE, *WRONG]
    runs = tmp_path_factory.mktemp("runs") / "arguments.json"
    runs.write_text(json.dumps([arguments(name) for name in names]))
    code, said = rehearsed.run(sys.executable, FORKS, runs, at=source)
    assert code == 0, said
    return {name: Ran(*ran) for name, ran in zip(names, json.loads(said), strict=True)}


@pytest.mark.parametrize("name", WRONG)
def test_it_is_refused_before_anything_is_staged(
    name: str, rehearsed: World, launched: dict[str, Ran]
) -> None:
    code, said = launched[name]
    assert code == 2, said
    assert "error: " in said
    assert WRONG[name][1] in said
    assert "Traceback" not in said
    assert found_in(said.encode(), rehearsed.secrets) == []
    assert rehearsed.storage.objects(launch(name).prefix) == {}
    assert [call for call in rehearsed.dataflow.calls if name.encode() in call.body] == []


def test_a_launch_with_nothing_wrong_is_not_refused(
    rehearsed: World, launched: dict[str, Ran]
) -> None:
    code, said = launched[RIGHT_ONE]
    assert code == 0, said
    assert rehearsed.storage.objects(launch(RIGHT_ONE).prefix) != {}
