"""The table, the page, the JSON, the drawing and the command line."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from benchmarks import report
from benchmarks.chart import goodness
from benchmarks.command import ROWS, main, run
from benchmarks.figures import Figure, Target
from benchmarks.flame import titled
from benchmarks.machine import Machine, this_machine
from benchmarks.sizes import FULL

FIGURES = [
    Figure("core", "core / floor", "ratio", (0.7, 0.9, 0.61), Target(0.6, 0.8)),
    Figure("core", "core", "events/s", (59_999.0,), Target(60_000), "a note"),
    Figure("latency", "400 records/s, p95", "s", (0.2,), Target(1.0, 0.25, more_is_better=False)),
    Figure("latency", "400 records/s, p99", "s", (1.234,)),
]
MACHINE = Machine("A CPU", 2, 8.0, "3.11.9", "Linux 6", {"apache-beam": "2.77.0"})
RESULT = report.Result(MACHINE, "2026-05-04T10:00:00+00:00", 120.0, True, FIGURES, {"budget": "no"})


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (61_234.5, "events/s", "61,234"),
        (0.756, "ratio", "0.76"),
        (37.4, "ratio", "37"),
        (0.25, "s", "250 ms"),
        (2.345, "s", "2.35 s"),
        (12.34, "us", "12.3 us"),
        (95.83, "% of allowed", "95.8 %"),
        (-2.04, "%", "-2.0 %"),
    ],
)
def test_number(value: float, unit: str, text: str) -> None:
    assert report.number(value, unit) == text


def test_verdicts() -> None:
    assert [report.verdict(figure) for figure in FIGURES] == ["yes", "no", "aim", ""]


def test_terminal_table_says_it_all() -> None:
    console = Console(width=150, record=True, file=StringIO())
    console.print(report.table(FIGURES))
    text = console.export_text()
    for part in ("0.70", "0.61 … 0.90", "≥ 60,000", "59,999", "a note", "≤ 250 ms", "1.23 s"):
        assert part in text


def test_page_block_is_replaced() -> None:
    page = "before\n<!-- measured -->\nold\n<!-- end -->\nafter\n"
    filled = report.into_page(page, RESULT)
    assert filled.startswith("before\n<!-- measured -->\n")
    assert filled.endswith("<!-- end -->\nafter\n")
    assert "old" not in filled
    assert "| core | core / floor | 0.70 | 0.61 … 0.90 | ≥ 0.60 | ≥ 0.80 | yes |" in filled
    assert "A CPU" in filled
    assert "| budget | failed |" in filled
    assert report.into_page(filled, RESULT) == filled


def test_page_without_a_block() -> None:
    with pytest.raises(ValueError, match="measured"):
        report.into_page("nothing here", RESULT)


def test_the_page_of_this_repository_has_a_block_and_names_every_row() -> None:
    page = (Path(__file__).parents[2] / "docs" / "performance.md").read_text()
    assert report.into_page(page, RESULT) != page
    for row in ROWS:
        assert f"### {row}\n" in page


def test_json_has_single_values_and_verdicts() -> None:
    content = json.loads(report.to_json(RESULT))
    first, second, _, last = content["figures"]
    assert first["values"] == [0.7, 0.9, 0.61]
    assert (first["median"], first["met"]) == (0.7, True)
    assert second["met"] is False
    assert last["met"] is None
    assert content["machine"]["cpu"] == "A CPU"


@pytest.mark.parametrize(
    ("target", "value", "multiple"),
    [
        pytest.param(Target(60.0), 90.0, 1.5, id="more"),
        pytest.param(Target(4.0, more_is_better=False), 2.0, 2.0, id="less"),
        pytest.param(Target(10.0, more_is_better=False), -3.0, 10.0, id="below nothing"),
    ],
)
def test_goodness(target: Target, value: float, multiple: float) -> None:
    assert goodness(Figure("r", "n", "u", (value,), target), value) == multiple


def test_goodness_takes_a_target() -> None:
    with pytest.raises(ValueError, match="no target"):
        goodness(FIGURES[-1], 1.0)


def test_flame_graph_gets_a_title() -> None:
    svg = '<svg><text id="title" x="1">/usr/bin/py-spy record</text><text>all</text></svg>'
    assert titled(svg, "core") == '<svg><text id="title" x="1">core</text><text>all</text></svg>'


def test_this_machine_has_a_line() -> None:
    assert "Python 3." in this_machine().line()


def test_unknown_row(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--rows", "core,cor"])
    assert "no row is called cor; there are core, streaming" in capsys.readouterr().err


def test_a_row_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unbalanced(_bench: object) -> None:
        raise RuntimeError("accepted 1 of 2 events")

    monkeypatch.setitem(ROWS, "core", unbalanced)
    result = run(FULL, ["core"], Console(quiet=True), quick=False)
    assert result.failed == {"core": "RuntimeError: accepted 1 of 2 events"}
    assert result.figures == []
