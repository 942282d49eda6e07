"""The command line of a backfill: everything that is wrong is told at once, and before Beam."""

import pytest

from pipeline.backfill.options import parse
from pipeline.command_line import CommandLineError
from transforms.filter import TimeRange

JULY_MS = 1_782_864_000_000
HOUR_MS = 3_600_000


def problems(*argv: str) -> list[str]:
    with pytest.raises(CommandLineError) as refused:
        parse(argv)
    return [str(problem) for problem in refused.value.args]


def test_what_is_given_and_what_is_the_jobs() -> None:
    asked = parse(
        ["--from", "x", "--settings=s", "--yes", "--dead_letter_files", "d", "--delivery_lanes=2"]
    )
    assert (asked.source, asked.yes, asked.manifest) == ("x", True, None)
    assert (asked.within, asked.events) == (None, None)
    assert asked.job_flags == ("--settings=s", "--dead_letter_files", "d", "--delivery_lanes=2")


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2026-07-01", None, TimeRange(JULY_MS, None)),
        (None, "2026-07-01T01:00:00Z", TimeRange(None, JULY_MS + HOUR_MS)),
        ("2026-07-01T01:00:00.001", None, TimeRange(JULY_MS + HOUR_MS + 1, None)),
        (
            "2026-07-01T01:00:00+01:00",
            "2026-07-01 01:00",
            TimeRange(JULY_MS, JULY_MS + HOUR_MS),
        ),
    ],
    ids=["a date", "zulu", "milliseconds", "an offset"],
)
def test_times_are_utc_unless_they_say_otherwise(
    since: str | None, until: str | None, expected: TimeRange
) -> None:
    flags = [f"--since={since}"] * bool(since) + [f"--until={until}"] * bool(until)
    assert parse(["--from=x", *flags]).within == expected


@pytest.mark.parametrize("flag", ["--dry_run", "--dry_run=True"])
def test_a_dry_run_is_refused_for_a_backfill_sends(flag: str) -> None:
    [problem] = problems("--from=x", "--settings=s", "--yes", flag)
    assert problem.startswith("--dry_run is the job's, and a backfill sends")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A, B C", ("A", "B C")),
        ("[Amplitude] Page Viewed,session_start", ("[Amplitude] Page Viewed", "session_start")),
        ('["a,b", "c"]', ("a,b", "c")),
    ],
    ids=["commas", "a bracket", "a JSON list"],
)
def test_event_types(text: str, names: tuple[str, ...]) -> None:
    assert parse(["--from=x", f"--events={text}"]).events == names


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = problems(
        "--since=tomorrow", "--until=99999-01-01", "--events=a,,b", "--input_files=x", "--yes"
    )
    assert [problem.split()[0] for problem in found] == [
        "--from",
        "--input_files",
        "--since:",
        "--until:",
        "--events:",
    ]


@pytest.mark.parametrize("flag", ["--input_files", "--input_subscription=s"])
def test_the_jobs_inputs_are_refused(flag: str) -> None:
    [problem] = problems("--from=x", flag)
    assert problem.endswith("a backfill reads what --from names")


@pytest.mark.parametrize("until", ["2026-07-01", "2026-06-30"], ids=["equal", "before"])
def test_a_range_that_holds_no_time(until: str) -> None:
    assert problems("--from=x", "--since=2026-07-01", f"--until={until}") == [
        "--since is not before --until: no time is in between"
    ]


@pytest.mark.parametrize("text", ['["a", 1]', "[]", '["a"', ",", '[""]'])
def test_event_types_that_are_none(text: str) -> None:
    if text == "[]":
        # A name, odd as it is: only what begins like a list of texts is one.
        assert parse(["--from=x", f"--events={text}"]).events == ("[]",)
        return
    [problem] = problems("--from=x", f"--events={text}")
    assert problem.startswith(f"--events: found {text!r}")


@pytest.mark.parametrize(
    ("flags", "ending"),
    [
        (("--frm=x",), "files; was it meant by --frm?"),
        (("--form", "x", "--frm=y"), "files; was it meant by --form?"),
        (("--runner=FlinkRunner", "--settings=s"), "files"),
    ],
    ids=["nearly", "two", "flags of the job"],
)
def test_a_source_under_another_name(flags: tuple[str, ...], ending: str) -> None:
    [problem] = problems(*flags)
    assert problem.startswith("--from SOURCE is missing: ")
    assert problem.endswith(ending)
