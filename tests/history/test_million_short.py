"""The measurement of a million records in its short form: 20 000, two kills, one judge."""

from pathlib import Path

from benchmarks.accept import accepting
from tests.history.export import write_export
from tests.history.million import checks, run

KILLED_AT = (60, 80)
"""A piece is 16 MiB, about half of it all."""


def test_killed_twice_and_every_event_once(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export.zip", 20_000)
    with accepting(arrivals=True) as acceptor:
        story = run(export, tmp_path / "run", acceptor, KILLED_AT)
    assert [check for check in checks(export, story) if not check.holds] == []
    assert 0 < story.kept[0] <= story.kept[1] < export.total
