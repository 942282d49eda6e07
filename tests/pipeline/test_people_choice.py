"""Which memory of people a job has; and what does not go together is refused before it starts."""

import json
from pathlib import Path

import pytest

from pipeline import launch
from pipeline.people.choice import people_of
from pipeline.people.process import people_of_process
from pipeline.settings import parse_settings

PERSON = "users: {user_properties: [plan], state: person}"
NONE = "users: {user_properties: [plan]}"
SUBSCRIPTION = "--input_subscription=projects/p/subscriptions/s"
LETTERS = "--dead_letter_topic=projects/p/topics/t"
DATAFLOW = ("--runner=DataflowRunner", "--project=p", "--max_num_workers=1")


@pytest.mark.parametrize(
    ("settings", "flags", "said"),
    [
        pytest.param(
            PERSON, (SUBSCRIPTION,), "users.state: person needs --state_file", id="no file"
        ),
        pytest.param(
            NONE,
            (SUBSCRIPTION, "--state_file=people.sqlite"),
            "--state_file goes with users.state: person",
            id="no memory",
        ),
        pytest.param(
            PERSON,
            (SUBSCRIPTION, "--runner=PrismRunner"),
            "users.state: person does not run with --runner=PrismRunner",
            id="Prism",
        ),
        pytest.param(
            PERSON,
            (SUBSCRIPTION, "--runner=FlinkRunner", "--checkpointing_interval=1000"),
            "users.state: person does not run with --runner=FlinkRunner",
            id="Flink",
        ),
        pytest.param(
            PERSON,
            (SUBSCRIPTION, *DATAFLOW, "--state_file=people.sqlite"),
            "--state_file works on one machine",
            id="Dataflow with a file",
        ),
        pytest.param(
            PERSON,
            ("--input_files=*.json", *DATAFLOW),
            "the memory would end with the files",
            id="Dataflow over files",
        ),
        pytest.param(
            PERSON,
            ("--input_files=*.json", "--state_file=/nowhere/people.sqlite"),
            "--state_file: there is no directory '/nowhere'; make it, or name another",
            id="no such directory",
        ),
    ],
)
def test_it_is_refused(
    settings: str,
    flags: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("CUSTOMERIO_SITE_ID", "CUSTOMERIO_API_KEY"):
        monkeypatch.setenv(name, "of a test")
    Path("settings.yaml").write_text(settings)
    Path("a.json").write_text("{}")
    assert launch.main(["--settings=settings.yaml", LETTERS, *flags]) == launch.EXIT_USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("settings", "runner", "in_file"),
    [
        (PERSON, "DirectRunner", True),
        (NONE, "DirectRunner", False),
        (PERSON, "DataflowRunner", False),
    ],
)
def test_where_people_are(settings: str, runner: str, in_file: bool) -> None:
    people = people_of(parse_settings(settings), runner)
    assert people is (people_of_process if in_file else None)


def lines(tmp_path: Path, *updates: dict[str, object]) -> str:
    """A file of user updates, one second apart."""
    path = tmp_path / "updates.ndjson"
    records = [
        {
            "event_type": "$identify",
            "user_id": "ada",
            "event_time": 1_777_888_867 + second,
            "$insert_id": f"i{second}",
            "user_properties": update,
        }
        for second, update in enumerate(updates)
    ]
    path.write_text("\n".join(map(json.dumps, records)))
    return str(path)


def test_preview_remembers_for_its_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from pipeline.preview.command import main

    path = lines(tmp_path, {"$add": {"plan": 1}}, {"$add": {"plan": 2}}, {"$add": {"plan": "x"}})
    settings = tmp_path / "settings.yaml"
    settings.write_text(PERSON)
    assert main([path, f"--settings={settings}", "--json"]) == 0
    out, err = capsys.readouterr()
    sent = [json.loads(line) for line in out.splitlines()]
    assert [each["outcome"] for each in sent][:2] == ["would be sent"] * 2
    assert '"plan":3' in out.replace(" ", "")
    assert "remembered for this preview alone" in err
