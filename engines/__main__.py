"""``python -m engines flink prism``: runs the job on these engines, and judges. See run.sh."""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engines.processes import EngineError
from engines.run import on_flink, on_prism
from engines.verdict import Figures, faults

WORKERS = 2
"""Both have to have had a part in it: before the kill, and after it."""


NAMES = ["flink", "prism"]
LEAST_RECORDS = 50_000


def table(figures: Figures) -> Table:
    """The figures of a run, for a terminal."""
    rows = Table(title=f"{figures.engine}", title_justify="left", show_header=False)
    rows.add_column()
    rows.add_column(justify="right")
    for name, value in (
        ("records published", f"{figures.published:,}"),
        ("events at the stand-in", f"{figures.arrived:,}"),
        ("missing", f"{figures.published - figures.arrived:,}"),
        ("sent once more, counted once", f"{figures.again:,}"),
        ("messages acknowledged", f"{figures.acknowledged:,}"),
        (f"acknowledged before delivery, in {figures.looks:,} looks", f"{figures.ahead:,}"),
        (f"killed: {figures.killed or 'nothing'}, at", f"{figures.arrived_at_kill:,}"),
        *((f"operations from {name}", f"{share:,}") for name, share in figures.shares.items()),
        ("seconds", f"{figures.seconds:,.1f}"),
    ):
        rows.add_row(name, value)
    return rows


def main() -> int:
    """0: every engine kept the promise. 1: one did not. 2: one could not be run."""
    parser = argparse.ArgumentParser(prog="make engines", description=__doc__)
    parser.add_argument("engines", nargs="*", default=NAMES, metavar="|".join(NAMES))
    parser.add_argument("--cache", type=Path, required=True, help="where the engines are kept")
    parser.add_argument("--records", type=int, default=100_000)
    given = parser.parse_args()
    unknown = [name for name in given.engines if name not in NAMES]
    if unknown:
        parser.error(f"no engine is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
    if given.records < LEAST_RECORDS:
        parser.error(
            f"--records: found {given.records}; at least {LEAST_RECORDS}, for fewer are delivered "
            "before there is a middle to kill in"
        )
    console = Console()
    broken = False
    for engine in given.engines:
        with tempfile.TemporaryDirectory(prefix=f"{engine}-") as name:
            directory = Path(name)

            def say(text: str, engine: str = engine) -> None:
                console.print(f"{engine}: {text}", highlight=False)

            try:
                if engine == "flink":
                    figures = on_flink(given.cache / "flink", directory, given.records, say)
                else:
                    figures = on_prism(given.cache / "prism", directory, given.records, say)
            except (EngineError, OSError) as error:
                console.print(f"{engine}: {error}", markup=False)
                return 2
            console.print(table(figures))
            wrong = faults(figures, WORKERS)
            for fault in wrong:
                console.print(f"{engine}: WRONG: {fault}", markup=False)
            broken = broken or bool(wrong)
            if not wrong:
                say("nothing missing, nothing counted twice, nothing acknowledged too early")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
