"""``python -m engines flink prism``: runs the job on these engines, and judges. See run.sh."""

import argparse
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engines.processes import EngineError
from engines.run import on_flink, on_prism
from engines.verdict import Figures, faults
from engines.waiting import in_files, in_pubsub
from engines.world import Waiting, world

ENGINES = {"flink": on_flink, "prism": on_prism}
SIDE_BY_SIDE = {"flink": 2, "prism": 1}
"""Workers that are to deliver at the same time: the TaskManagers; Prism has one."""
INPUTS = ("subscription", "files")
LEAST_RECORDS = 50_000


def table(figures: Figures, title: str) -> Table:
    """The figures of a run, for a terminal."""
    rows = Table(title=title, title_justify="left", show_header=False)
    rows.add_column()
    rows.add_column(justify="right")
    seen = figures.acknowledged
    of_acknowledging = (
        ()
        if seen is None
        else (
            ("messages acknowledged", f"{seen.messages:,}"),
            (f"acknowledged before delivery, in {seen.looks:,} looks", f"{seen.ahead:,}"),
        )
    )
    for name, value in (
        ("records published", f"{figures.published:,}"),
        ("events at the stand-in", f"{figures.arrived:,}"),
        ("missing", f"{figures.published - figures.arrived:,}"),
        ("sent once more, counted once", f"{figures.again:,}"),
        ("of these before the kill", f"{figures.again_before_kill:,}"),
        *of_acknowledging,
        (f"killed: {figures.killed or 'nothing'}, at", f"{figures.arrived_at_kill:,}"),
        *(
            (f"operations from {name}, before the kill", f"{share:,}")
            for name, share in sorted(figures.shares_before_kill.items())
        ),
        *(
            (f"operations from {name}, in the end", f"{share:,}")
            for name, share in sorted(figures.shares.items())
        ),
        ("seconds", f"{figures.seconds:,.1f}"),
    ):
        rows.add_row(name, value)
    return rows


def waiting(kind: str, count: int, directory: Path) -> AbstractContextManager[Waiting]:
    """`count` records, where a run of this kind reads them."""
    if kind == "files":
        return nullcontext(in_files(count, directory / "records"))
    return in_pubsub(count)


def figures_of(engine: str, kind: str, count: int, cache: Path, console: Console) -> Figures:
    """Runs the job once. Raises EngineError, OSError."""
    with (
        tempfile.TemporaryDirectory(prefix=f"{engine}-") as name,
        waiting(kind, count, Path(name)) as records,
        world(count, records) as here,
    ):
        say = partial(console.print, f"{engine}, {kind}:", highlight=False, soft_wrap=True)
        return ENGINES[engine](cache / engine, Path(name), here, say)


def main() -> int:
    """0: every engine kept the promise. 1: one did not. 2: one could not be run."""
    parser = argparse.ArgumentParser(prog="make engines", description=__doc__)
    parser.add_argument("engines", nargs="*", default=[*ENGINES], metavar="|".join(ENGINES))
    parser.add_argument("--cache", type=Path, required=True, help="where the engines are kept")
    parser.add_argument("--records", type=int, default=100_000, help="of each run")
    parser.add_argument("--input", choices=INPUTS, help="what is read; default: both, in turn")
    given = parser.parse_args()
    unknown = [name for name in given.engines if name not in ENGINES]
    if unknown:
        parser.error(f"no engine is called {', '.join(unknown)}; there are {', '.join(ENGINES)}")
    if given.records < LEAST_RECORDS:
        parser.error(
            f"--records: found {given.records}; at least {LEAST_RECORDS}, for fewer are delivered "
            "before there is a middle to kill in"
        )
    console = Console()
    broken = False
    for engine in given.engines:
        for kind in [given.input] if given.input else INPUTS:
            title = f"{engine}, {kind}"
            try:
                figures = figures_of(engine, kind, given.records, given.cache, console)
            except (EngineError, OSError) as error:
                console.print(f"{title}: {error}", markup=False, soft_wrap=True)
                return 2
            console.print(table(figures, title))
            wrong = faults(figures, SIDE_BY_SIDE[engine])
            for fault in wrong:
                console.print(f"{title}: WRONG: {fault}", markup=False, soft_wrap=True)
            broken = broken or bool(wrong)
            if not wrong:
                console.print(f"{title}: {_kept(figures)}", soft_wrap=True)
    return 1 if broken else 0


def _kept(figures: Figures) -> str:
    early = "" if figures.acknowledged is None else ", nothing acknowledged too early"
    return f"nothing missing, nothing counted twice{early}"


if __name__ == "__main__":
    sys.exit(main())
