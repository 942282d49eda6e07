"""The command: measures rows one after the other, side by side within each, and tells about it."""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from benchmarks import chart, report
from benchmarks.bench import Bench
from benchmarks.figures import Figure
from benchmarks.inputs import Inputs
from benchmarks.machine import CORES, cores, keep_to, this_machine
from benchmarks.report import Result
from benchmarks.rows import budget, core, distance, growth, latency, peers, start, streaming
from benchmarks.sizes import FULL, QUICK, Sizes

ROWS: dict[str, Callable[[Bench], Iterator[Figure]]] = {
    "core": core.measure,
    "streaming": streaming.measure,
    "distance": distance.measure,
    "latency": latency.measure,
    "growth": growth.measure,
    "budget": budget.measure,
    "peers": peers.measure,
    "start": start.measure,
}
_WIDTH = 150


def _rows(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in ROWS]
    if unknown or not names:
        raise argparse.ArgumentTypeError(
            f"no row is called {', '.join(unknown) or repr(text)}; there are {', '.join(ROWS)}"
        )
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: two minutes")
    parser.add_argument("--rows", type=_rows, default=list(ROWS), help="such as core,latency")
    parser.add_argument("--json", type=Path, help="write all single values here")
    parser.add_argument("--plot", type=Path, help="draw the run into this SVG or PNG")
    parser.add_argument("--page", type=Path, help="put the table into the block of this page")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; 0 when every row has its figures, whether they reach their targets or not."""
    given = _parser().parse_args(arguments)
    if given.plot:
        chart.require()
    keep_to(cores()[:CORES])
    console = Console(width=None if Console().is_terminal else _WIDTH)
    result = run(QUICK if given.quick else FULL, given.rows, console, quick=given.quick)
    console.print(report.table(result.figures))
    for row, why in result.failed.items():
        console.print(f"[red]{row} failed:[/] ", end="")
        console.print(why, markup=False, highlight=False)
    if given.json:
        given.json.write_bytes(report.to_json(result))
    if given.plot:
        chart.draw(result.figures, given.plot)
    if given.page:
        given.page.write_text(report.into_page(given.page.read_text(), result))
    return 1 if result.failed else 0


def run(sizes: Sizes, rows: Sequence[str], console: Console, *, quick: bool) -> Result:
    """Measures rows. One that fails does not take the others with it."""
    began, began_at = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    machine = this_machine()
    console.print(machine.line(), highlight=False)
    figures: list[Figure] = []
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as name:
        inputs = Inputs(Path(name))
        for row in rows:

            def say(text: str, row: str = row) -> None:
                passed = time.monotonic() - began
                console.print(f"{passed:6.1f} s  {row}: {text}", highlight=False, markup=False)

            bench = Bench(sizes, inputs, Path(name), say)
            try:
                figures += ROWS[row](bench)
            except Exception as error:
                # Whatever went wrong, this row has no figures; the others may have.
                failed[row] = f"{type(error).__name__}: {error}"
                say(failed[row])
    return Result(machine, began_at, time.monotonic() - began, quick, figures, failed)
