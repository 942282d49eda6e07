"""The command line of a replay: what it means, and everything that can be wrong with it at once."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from pipeline.__main__ import main
from pipeline.command_line import CommandLineError
from pipeline.replay.choice import Choice
from pipeline.replay.options import parse
from pipeline.replay.source import Kind, Source, covers, parse_source
from transforms.reasons import DEAD_LETTER_REASONS

SETTINGS = "--settings=s.yaml"
FILES = "--from=dead"
SUBSCRIPTION = "--from=projects/p/subscriptions/s"
AGAIN = "--dead_letter_files=again"
GOOD = (FILES, SETTINGS, AGAIN)


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        pytest.param("dead", Kind.FILES, "dead-*.jsonl", id="prefix"),
        pytest.param("gs://b/x/dead", Kind.FILES, "gs://b/x/dead-*.jsonl", id="prefix in a bucket"),
        pytest.param("dead-2026*.jsonl", Kind.FILES, "dead-2026*.jsonl", id="glob"),
        pytest.param("dead-[12]", Kind.FILES, "dead-[12]", id="glob without an ending"),
        pytest.param("dead-1.jsonl", Kind.FILES, "dead-1.jsonl", id="one file"),
        pytest.param("dead-1.jsonl.gz", Kind.FILES, "dead-1.jsonl.gz", id="one gzip file"),
        pytest.param("./projects/p", Kind.FILES, "./projects/p-*.jsonl", id="a directory"),
        pytest.param(
            "projects/p/subscriptions/s",
            Kind.SUBSCRIPTION,
            "projects/p/subscriptions/s",
            id="subscription",
        ),
        pytest.param("projects/p/topics/t", Kind.TOPIC, "projects/p/topics/t", id="topic"),
    ],
)
def test_a_source_is_told_by_its_form(text: str, kind: Kind, name: str) -> None:
    assert parse_source(text) == Source(kind, name)


@pytest.mark.parametrize(
    ("pattern", "prefix", "expected"),
    [
        pytest.param("dead-*.jsonl", "dead", True, id="the same"),
        pytest.param("dead-*.jsonl", "./dead", True, id="the same in other words"),
        pytest.param("dead-*.jsonl", "dead-again", True, id="begins the same"),
        pytest.param("dead-*.jsonl", "again", False, id="another"),
        pytest.param("dead-*.jsonl", "other/dead", False, id="another directory"),
        pytest.param("dead-20261122T1Z-1.jsonl", "dead", False, id="one file of them"),
        pytest.param("gs://b/dead-*.jsonl", "gs://b/dead", True, id="in a bucket"),
        pytest.param("gs://b/dead-*.jsonl", "gs://c/dead", False, id="in another bucket"),
        pytest.param("gs://b/dead-*.jsonl", "dead", False, id="a bucket and here"),
        pytest.param("dead-*.jsonl", "gs://b/dead", False, id="here and a bucket"),
    ],
)
def test_a_store_that_the_source_would_read(
    pattern: str, prefix: str, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert covers(pattern, prefix) is expected
    if "://" not in pattern:
        assert covers(str(tmp_path / pattern), prefix) is expected


def test_what_is_left_out_has_its_default() -> None:
    asked = parse(GOOD)
    assert asked.choice == Choice()
    assert (asked.dry_run, asked.stop_when_idle_s) == (False, 10.0)
    assert (asked.dead_letter_files, asked.dead_letter_topic) == ("again", None)


def test_a_dry_run_needs_no_place_for_letters() -> None:
    assert parse([FILES, SETTINGS, "--dry_run"]).dry_run


def test_reasons_add_up() -> None:
    asked = parse([*GOOD, "--reason", "rejected", "--reason=invalid_time"])
    assert asked.choice.reasons == {"rejected", "invalid_time"}


@pytest.mark.parametrize(
    ("text", "since"),
    [
        pytest.param("2026-07-01", datetime(2026, 7, 1, tzinfo=UTC), id="date"),
        pytest.param("2026-07-01T12:00", datetime(2026, 7, 1, 12, tzinfo=UTC), id="no zone"),
        pytest.param("2026-07-01T12:00:00Z", datetime(2026, 7, 1, 12, tzinfo=UTC), id="Z"),
        pytest.param(
            "2026-07-01 12:00:00+02:00",
            datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=2))),
            id="offset",
        ),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str, since: datetime) -> None:
    assert parse([*GOOD, "--since", text]).choice.since == since


REASONS = ", ".join(DEAD_LETTER_REASONS)
FORMS = (
    "a prefix or a glob of files, projects/P/subscriptions/S, or projects/P/topics/T "
    "(a directory called projects: ./projects/…)"
)
ONE_STORE = (
    "give one of --dead_letter_files and --dead_letter_topic: what fails again is kept, never "
    "dropped"
)


@pytest.mark.parametrize(
    ("arguments", "problems"),
    [
        pytest.param(
            (),
            [
                f"--from SOURCE is missing: {FORMS}",
                ONE_STORE,
                "--settings FILE is missing: the settings say what is sent, and where",
            ],
            id="nothing",
        ),
        pytest.param(
            (*GOOD, "--reson=rejected", "x"),
            ["--reson is no flag of replay; did you mean --reason?"],
            id="a flag that is none",
        ),
        pytest.param(
            (*GOOD, "--qq"),
            ["--qq is no flag of replay; python -m pipeline replay --help lists them"],
            id="a flag like no other",
        ),
        pytest.param(
            (*GOOD, "x"),
            ["a word on the command line is no flag, and no flag takes it (not shown)"],
            id="too much",
        ),
        pytest.param(
            (*GOOD, "--since"), ["argument --since: expected one argument"], id="no value"
        ),
        pytest.param(
            (*GOOD, "--reason=invalid_tme", "--reason=1"),
            [
                "--reason: found 'invalid_tme'; did you mean invalid_time? allowed: " + REASONS,
                "--reason: found '1'; allowed: " + REASONS,
            ],
            id="reasons",
        ),
        pytest.param(
            (*GOOD, "--since=yesterday"),
            [
                "--since: found 'yesterday'; an ISO date or date-time, such as 2026-07-01 or "
                "2026-07-01T12:00:00Z"
            ],
            id="since",
        ),
        pytest.param(
            (SUBSCRIPTION, SETTINGS, AGAIN, "--stop_when_idle_s=-1"),
            ["--stop_when_idle_s: found '-1'; seconds above 0"],
            id="idle time",
        ),
        pytest.param(
            (SUBSCRIPTION, SETTINGS, AGAIN, "--stop_when_idle_s=nan"),
            ["--stop_when_idle_s: found 'nan'; seconds above 0"],
            id="no number",
        ),
        pytest.param(
            (*GOOD, "--stop_when_idle_s=3"),
            ["--stop_when_idle_s goes with a subscription: files end by themselves"],
            id="idle files",
        ),
        pytest.param(
            ("--from=projects/p/subscription/s", SETTINGS, AGAIN),
            [f"--from: found 'projects/p/subscription/s'; the forms are {FORMS}"],
            id="a name misspelt",
        ),
        pytest.param(
            (*GOOD, "--dead_letter_topic=projects/p/subscriptions/s"),
            [
                ONE_STORE,
                "--dead_letter_topic: found 'projects/p/subscriptions/s'; the form is "
                "projects/P/topics/T",
            ],
            id="two places for letters",
        ),
        pytest.param(
            (FILES, SETTINGS, "--dead_letter_files=dead-again"),
            [
                "--dead_letter_files: files of 'dead-again' would be read by the next replay "
                "together with those that this one reads (dead-*.jsonl); give another prefix"
            ],
            id="a place that is read",
        ),
    ],
)
def test_all_problems_are_told_at_once(
    arguments: tuple[str, ...], problems: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandLineError) as caught:
        parse(arguments)
    assert list(caught.value.args) == problems
    assert main(["replay", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.err == "".join(f"error: {problem}\n" for problem in problems)
    assert captured.out == ""
