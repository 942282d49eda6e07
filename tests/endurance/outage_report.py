"""What an outage looked like: figures of each phase, and the checks."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.endurance.outage_plan import Plan, failures
from tests.endurance.sampler import Sample
from tests.endurance.trend import line, median
from tests.endurance.verdict import Check, at_most, exactly, near, show
from tests.endurance.world import State

_PHASES = ("before", "away", "back", "after")
_MEMORY_SHARE = 0.10
_SPARE_THREADS = 2
"""gRPC starts and ends threads of its own."""


def report(
    plan: Plan,
    samples: Sequence[Sample],
    state: State,
    code: int,
    checks: Sequence[Check],
    log: Path,
    console: Console,
) -> bool:
    """Prints phases and checks; True when all checks hold."""
    by_phase = {p: [sample for sample in samples if sample.phase == p] for p in _PHASES}
    before, away, after = (by_phase[phase] for phase in ("before", "away", "after"))
    how = "" if plan.factor == 1 else f", one hour compressed by {plan.factor:g}"
    title = f"Customer.io away: {plan.mode}{how}; {plan.rate:g} records/s"
    console.print(_phases(title, by_phase))
    failed = failures(log)
    console.print(
        f"{failed} bundles failed; {state.handling.extended:,} leases were extended, in "
        f"{state.handling.extensions:,} calls; {state.handling.given_back:,} messages were given "
        f"back, {state.broker['redelivered']:,} delivered again "
        f"({state.broker['redelivered'] / max(1, state.broker['published']):.2f} each; one was "
        f"handed out {state.handling.most_attempts} times). Customer.io got "
        f"{state.customerio['duplicate_events']:,} events again and dropped them. "
        f"Answers: {state.answers}."
    )
    if failed > 2 and len(away) > 2:
        grown = line([sample.at_s for sample in away], [sample.rss_mib for sample in away])
        per_failure = (away[-1].at_s - away[0].at_s) / failed
        console.print(
            f"Memory while it is away: {grown.slope * 60:+.3f} ± {grown.error * 60:.3f} MiB/min, "
            f"{grown.slope * per_failure:+.3f} MiB for each bundle that failed."
        )
    grown_lines = away[-1].log_lines - away[0].log_lines
    minutes = (away[-1].at_s - away[0].at_s) / 60 * plan.factor
    return show(
        title,
        [
            *checks,
            exactly("exit code after SIGTERM", code, 0),
            near(
                "memory after",
                median([sample.rss_mib for sample in after]),
                median([sample.rss_mib for sample in before]),
                _MEMORY_SHARE,
                " MiB",
            ),
            at_most(
                "threads more than before",
                median([sample.threads for sample in after])
                - median([sample.threads for sample in before]),
                _SPARE_THREADS,
            ),
            at_most(
                "sockets more than before",
                median([sample.sockets for sample in after])
                - median([sample.sockets for sample in before]),
                0,
            ),
            at_most("log lines a minute while it was away", grown_lines / minutes, 4),
        ],
        console,
    )


def _phases(title: str, by_phase: dict[str, list[Sample]]) -> Table:
    table = Table(title=title, title_justify="left")
    names = ("phase", "seconds", "memory MiB (median)", "min", "max", "threads", "sockets")
    for name in (*names, "held", "backlog", "CPU %", "log lines"):
        table.add_column(name, justify="left" if name == "phase" else "right")
    for phase, samples in by_phase.items():
        if not samples:
            continue
        memory = [sample.rss_mib for sample in samples]
        first, last = samples[0], samples[-1]
        seconds = last.at_s - first.at_s
        table.add_row(
            phase,
            f"{seconds:.0f}",
            f"{median(memory):.1f}",
            f"{min(memory):.1f}",
            f"{max(memory):.1f}",
            f"{median([sample.threads for sample in samples]):.0f}",
            f"{median([sample.sockets for sample in samples]):.0f}",
            f"{max(sample.outstanding for sample in samples):,}",
            f"{max(sample.undelivered for sample in samples):,}",
            f"{100 * (last.cpu_s - first.cpu_s) / max(seconds, 1):.0f}",
            f"{last.log_lines - first.log_lines}",
        )
    return table
