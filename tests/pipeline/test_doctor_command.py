"""The command: flags, the order and time of checks, exit codes, the report, its page."""

import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.command_line import CommandLineError
from pipeline.doctor.checks import CHECKS, Check
from pipeline.doctor.command import EXIT_OK, EXIT_RED, EXIT_USAGE, main
from pipeline.doctor.examine import Line, examine
from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, Level, green, red, yellow
from pipeline.doctor.options import Asked, parse
from pipeline.doctor.render import as_json, show
from pipeline.doctor.table import PAGE, with_table
from pipeline.local.customerio import CustomerIoStandIn
from tests.pipeline.conftest import PATIENCE_S, SUBSCRIPTION, PubSub
from tests.pipeline.doctor_world import API_KEY, SITE_ID

ROOT = Path(__file__).parents[2]
LINES = [
    Line("settings", green("right")),
    Line("clock", yellow("slow", "wait")),
    Line("dead letters", red("lost", "make [one]")),
]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE_ID)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", API_KEY)


def test_flags() -> None:
    assert parse(
        [
            "--settings=s",
            "--input_subscription=projects/p/subscriptions/s",
            "--dead_letter_topic=projects/p/topics/t",
            "--environment_file=e",
            "--customerio_endpoint=https://proxy.example",
            "--json",
        ]
    ) == Asked(
        settings="s",
        input_subscription="projects/p/subscriptions/s",
        dead_letter_topic="projects/p/topics/t",
        environment_file="e",
        customerio_endpoint="https://proxy.example",
        json=True,
    )


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        pytest.param([], ["--settings FILE is missing"], id="nothing"),
        pytest.param(
            ["--input_subscription=s", "--dead_letter_topic=projects/p/subscriptions/s"],
            ["--settings", "--input_subscription: found 's'", "projects/P/topics/T"],
            id="every problem at once",
        ),
        pytest.param(
            ["--settings=s", "--dead_letter_topic=projects/p/topics/t", "--dead_letter_files=f"],
            ["give one of"],
            id="two places",
        ),
        pytest.param(["--setings=s"], ["did you mean --settings?"], id="misspelt"),
        pytest.param(["--settings=s", "a-key"], ["(not shown)"], id="a word"),
        pytest.param(["--settings"], ["expected one argument"], id="no value"),
        pytest.param(
            ["--settings=s", "--customerio_endpoint=http://proxy.example"],
            ["would send the credentials in clear"],
            id="an endpoint without TLS",
        ),
    ],
)
def test_wrong_flags(argv: list[str], words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandLineError) as refusal:
        parse(argv)
    for problem, word in zip(refusal.value.args, words, strict=True):
        assert word in problem
        assert "a-key" not in problem

    assert main(argv) == EXIT_USAGE
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("error: ") == len(words)


@pytest.fixture
def customerio() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn(SITE_ID, API_KEY) as server:
        yield server


def test_a_set_up_that_is_right(
    customerio: CustomerIoStandIn,
    pub_sub: PubSub,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "settings.yaml").write_text("status: enabled\n")
    argv = [
        f"--settings={tmp_path / 'settings.yaml'}",
        f"--input_subscription={SUBSCRIPTION}",
        f"--dead_letter_files={tmp_path / 'bad'}",
        f"--customerio_endpoint={customerio.url}",
    ]

    assert main(argv) == EXIT_OK
    lines = capsys.readouterr().out
    assert list(dict.fromkeys(re.findall(r"^\w+ +([a-z]+(?: [a-z]+)?)  ", lines, re.M))) == [
        check.name for check in CHECKS
    ]
    assert re.search(r"^\d+ green, \d yellow, 0 red$", lines, re.M)
    assert main([*argv, "--json"]) == EXIT_OK
    assert json.loads(capsys.readouterr().out)["ready"] is True
    assert pub_sub.pulls == 0


def test_one_red_line_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([f"--settings={tmp_path / 'none'}", "--json"]) == EXIT_RED
    report = json.loads(capsys.readouterr().out)

    assert report["ready"] is False
    [problem] = [line for line in report["findings"] if line["level"] == "red"]
    assert problem["check"] == "settings"
    assert problem["do"] == "check the path"


def test_lines_for_people() -> None:
    page = io.StringIO()
    shown = show(LINES, Console(file=page, width=20))

    assert shown == LINES
    assert page.getvalue().splitlines() == [
        "green   settings      right",
        "yellow  clock         slow",
        "                      → wait",
        "red     dead letters  lost",
        "                      → make [one]",
        "1 green, 1 yellow, 1 red",
    ]


def test_lines_for_machines() -> None:
    assert json.loads(as_json(LINES)) == {
        "ready": False,
        "findings": [
            {"check": "settings", "level": "green", "found": "right", "do": ""},
            {"check": "clock", "level": "yellow", "found": "slow", "do": "wait"},
            {"check": "dead letters", "level": "red", "found": "lost", "do": "make [one]"},
        ],
    }
    assert json.loads(as_json(LINES[:2]))["ready"] is True


def a_check(name: str, run: Callable[[Facts], list[Finding]], needs: str | None = None) -> Check:
    return Check(name, "", "", "", run, needs)


def test_a_check_that_hangs_takes_only_those_along_that_need_it() -> None:
    never, begun = threading.Event(), threading.Event()

    def hangs(_facts: Facts) -> list[Finding]:
        never.wait()
        return []

    def works(_facts: Facts) -> list[Finding]:
        begun.set()
        return [green("yes")]

    checks = [
        a_check("hangs", hangs),
        a_check("needs it", works, needs="hangs"),
        a_check("needs that", works, needs="needs it"),
    ]
    first, second, third = examine(Facts(Asked(settings="s")), checks, each_s=0.1)
    assert not begun.is_set()
    # It is begun; whether it has an end within so short a time is up to the machine.
    list(examine(Facts(Asked(settings="s")), [checks[0], a_check("works", works)], each_s=0.1))
    assert begun.wait(PATIENCE_S)
    never.set()

    assert {line.finding.level for line in (first, second, third)} == {Level.RED}
    assert first.finding.found == "no end of it within 0.1 s"
    assert second.finding.found == "no end of it, or of hangs, which it needs, within 0.1 s"
    assert third.check == "needs that"


def test_a_check_that_fails_takes_nothing_along() -> None:
    def fails(_facts: Facts) -> list[Finding]:
        raise ValueError("with customer's data")

    checks = [
        a_check("fails", fails),
        a_check("works", lambda _facts: [green("yes")], needs="fails"),
    ]
    failed, works = examine(Facts(Asked(settings="s")), checks, each_s=PATIENCE_S)

    assert failed.finding == red("the check itself failed (ValueError)", "this is a bug: report it")
    assert works == Line("works", green("yes"))


def test_what_a_check_needs_comes_before_it() -> None:
    names = [check.name for check in CHECKS]
    for place, check in enumerate(CHECKS):
        assert check.needs is None or check.needs in names[:place]


def test_the_page_has_the_table_of_the_checks() -> None:
    page = (ROOT / PAGE).read_text(encoding="utf-8")

    assert with_table(page) == page, "run: python -m pipeline.doctor.table"
    assert page.count("<!-- table: checks -->") == 1
    for check in CHECKS:
        assert f"| {check.name} | {check.asks} |" in page
