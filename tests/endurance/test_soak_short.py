"""A soak in short: a stream with faults in it loses nothing and keeps what it opens."""

from pathlib import Path

from tests.endurance import delivered
from tests.endurance.soak import run
from tests.endurance.trend import median

SECONDS, WARM_S, RATE, FAULTS = 16.0, 4.0, 250.0, 0.02
MOST_MIB = 80.0
"""Between the first and the last samples. The generations of the pipeline come and go."""


def test_steady_stream(tmp_path: Path) -> None:
    samples, state, subject = run(tmp_path, SECONDS, RATE, FAULTS, WARM_S)
    assert {path.name for path in tmp_path.glob("*.*")} >= {"log.txt", "ledger.json", "samples.csv"}
    checks = delivered.checks(state, subject.ledger)
    assert [check for check in checks if not check.holds] == []
    assert sum(state.answers.get(status, 0) for status in ("429", "500", "502", "503")) > 0

    steady = [sample for sample in samples if sample.phase == "steady"]
    third = len(steady) // 3
    begin, end = steady[:third], steady[-third:]
    for name in ("threads", "sockets"):
        most = max(getattr(sample, name) for sample in samples if sample.at_s < end[0].at_s)
        assert min(getattr(sample, name) for sample in end) <= most
    grown = median([s.rss_mib for s in end]) - median([s.rss_mib for s in begin])
    assert grown < MOST_MIB
