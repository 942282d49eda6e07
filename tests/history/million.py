"""A million records of history in one archive, with two kills in between; and a judge.

`python -m tests.history.million [--records N]`: exit code 0 when every event came, under its own
id and no other, and the manifest was true after each kill.
"""

import argparse
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct
from rich.console import Console

from benchmarks.accept import Acceptor, Seen, accepting
from benchmarks.settings import page
from tests.endurance.verdict import Check, at_most, exactly, show
from tests.history.export import Export, write_export
from tests.history.program import Backfill

KILLED_AT = (10, 25)
"""Percent of the events that Customer.io has then. More than a piece of a backfill: the manifest
says something after the first kill."""
MOST_GROWTH = 1.15
"""Of the memory of the last run, from its first tenth of the records to its end."""
_EVERY_S = 0.2


class Story(Struct):
    """What happened."""

    kept: list[int]
    """After each kill: the records that the manifest calls settled."""
    untrue: int
    """Records before the manifest's place that had not come when the program was killed, and
    differences between its count and its place."""
    early_mib: float
    """Largest memory of the last run when a tenth of the records had gone through it."""
    peak_mib: float
    """The same at its end."""
    last_run_s: float
    code: int
    finished: bool
    ledger: dict[str, int]
    seen: Seen


def run(
    export: Export, directory: Path, acceptor: Acceptor, killed_at: Sequence[int] = KILLED_AT
) -> Story:
    """Kills two backfills and lets the third one go on to the end."""
    kept, untrue = [], 0
    in_all = sum(map(bool, export.events))
    for percent in killed_at:
        # In the middle of a piece, which cannot end: what it has sent is not in the manifest.
        enough = in_all * percent // 100
        acceptor.hold(enough)
        program = _started(export, directory, acceptor)
        while acceptor.progress().events < enough:
            assert program.poll() is None, program.log()
            time.sleep(_EVERY_S / 20)
        program.kill()
        acceptor.hold(math.inf)
        kept.append(program.received())
        untrue += _untrue(export, program, set(acceptor.seen().arrivals))
    began_at = time.monotonic()
    program = _started(export, directory, acceptor)
    early = peak = 0.0
    while program.poll() is None:
        peak = max(peak, program.peak_mib())
        if program.received() < kept[-1] + export.total // 10:
            early = peak
        time.sleep(_EVERY_S)
    ledger = program.ledger()
    manifest = program.manifest()
    return Story(
        kept=kept,
        untrue=untrue,
        early_mib=early,
        peak_mib=peak,
        last_run_s=time.monotonic() - began_at,
        code=program.wait(),
        finished=manifest is not None and manifest.finished,
        ledger=ledger["outcomes"] | {"received": ledger["received"]},
        seen=acceptor.seen(),
    )


def _started(export: Export, directory: Path, acceptor: Acceptor) -> Backfill:
    return Backfill(directory, page(), acceptor.url, str(export.path), "--yes")


def _untrue(export: Export, program: Backfill, arrived: set[str]) -> int:
    manifest = program.manifest()
    if manifest is None:
        return 0
    place = manifest.place
    settled = export.total if place.file else export.before(place.text, place.line)
    events = set(filter(None, export.events[:settled]))
    return len(events - arrived) + abs(settled - manifest.counts["received"])


def checks(export: Export, story: Story) -> list[Check]:
    """What has to be true of a story."""
    expected = set(filter(None, export.events))
    arrived = set(story.seen.arrivals)
    settled = sum(count for name, count in story.ledger.items() if name != "received")
    return [
        exactly("exit code of the last run", story.code, 0),
        exactly("different events in the archive", len(expected), sum(map(bool, export.events))),
        exactly("of these missing at Customer.io", len(expected - arrived), 0),
        exactly("events there that nobody wrote", len(arrived - expected), 0),
        exactly(
            "records received, by the ledger of all runs", story.ledger["received"], export.total
        ),
        exactly("records settled, by that ledger", settled, export.total),
        exactly("manifest finished", int(story.finished), 1),
        exactly("what the manifest says wrongly after the kills", story.untrue, 0),
    ]


def memory_check(story: Story) -> Check:
    """The check of memory; it says something only of a long run."""
    return at_most(
        "MiB at the end of the last run",
        round(story.peak_mib),
        round(story.early_mib * MOST_GROWTH),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs it and prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.history.million", description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    given = parser.parse_args(arguments)
    with TemporaryDirectory() as folder, accepting(arrivals=True) as acceptor:
        export = write_export(Path(folder) / "export.zip", given.records)
        size = export.path.stat().st_size / 1e6
        print(f"{export.total:,} records in {len(export.sizes)} files, {size:.0f} MB", flush=True)
        story = run(export, Path(folder) / "run", acceptor)
    rate = (export.total - story.kept[-1]) / story.last_run_s
    print(
        f"killed with {' and '.join(f'{kept:,}' for kept in story.kept)} records in the manifest; "
        f"the last run: {story.last_run_s:.0f} s, {rate:,.0f} records/s, "
        f"{story.early_mib:.0f} MiB after a tenth, {story.peak_mib:.0f} MiB at its end; "
        f"sent twice: {story.seen.twice:,} events, {story.seen.requests:,} requests"
    )
    results = [*checks(export, story), memory_check(story)]
    return 0 if show("A million records of history", results, Console()) else 1


if __name__ == "__main__":
    sys.exit(main())
