"""What a soak looked like: levels, slopes, latency, and the verdict."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from tests.endurance.sampler import Sample
from tests.endurance.trend import line, median, quantile
from tests.endurance.verdict import Check, show
from tests.endurance.world import State

FLAT = {"rss_mib": 0.05, "sockets": 0.02, "threads": 0.02}
"""By how much of its level each curve may rise from end to end."""
_UNITS = {"rss_mib": "resident memory, MiB", "sockets": "open sockets", "threads": "threads"}


def flat(samples: Sequence[Sample], name: str) -> Check:
    """Whether a curve is flat: the rise of its line, from end to end, beside its level."""
    ys = [float(getattr(sample, name)) for sample in samples]
    xs = [sample.at_s for sample in samples]
    fitted = line(xs, ys)
    rise, level = fitted.slope * (xs[-1] - xs[0]), median(ys)
    return Check(
        f"{_UNITS[name]}: rise of the line from end to end",
        f"{rise:+.2f} of {level:,.1f} ({rise / level:+.2%})",
        f"below {FLAT[name]:.0%}",
        rise < FLAT[name] * level,
    )


def report(
    samples: Sequence[Sample],
    state: State,
    rate: float,
    checks: Sequence[Check],
    console: Console,
) -> bool:
    """Prints levels and checks over the samples after the warm-up; True when all checks hold."""
    first, last = samples[0], samples[-1]
    seconds = last.at_s - first.at_s
    table = Table(title=f"{seconds / 60:.1f} minutes after the warm-up", title_justify="left")
    for name in ("curve", "median", "p5", "p95", "max", "slope an hour", "standard error"):
        table.add_column(name, justify="left" if name == "curve" else "right")
    for name, title in _UNITS.items():
        _add_curve(table, title, samples, [float(getattr(sample, name)) for sample in samples])
    _add_curve(table, "messages held", samples, [float(sample.outstanding) for sample in samples])
    console.print(table)
    console.print(
        f"{(last.published - first.published) / seconds:,.1f} records/s published (asked for: "
        f"{rate:g}), {(last.settled - first.settled) / seconds:,.1f} settled; "
        f"{100 * (last.cpu_s - first.cpu_s) / seconds:.0f} % of a core; "
        f"{(last.requests - first.requests) / seconds:.1f} requests/s; "
        f"{last.log_lines - first.log_lines} log lines; most waiting in Pub/Sub: "
        f"{max(sample.undelivered for sample in samples):,}. Answers: {state.answers}."
    )
    return show("Verdict", [*checks, *(flat(samples, name) for name in FLAT)], console)


def _add_curve(
    table: Table, title: str, samples: Sequence[Sample], values: Sequence[float]
) -> None:
    fitted = line([sample.at_s / 3600 for sample in samples], values)
    figures = (median(values), quantile(values, 0.05), quantile(values, 0.95), max(values))
    table.add_row(
        title,
        *(f"{figure:,.1f}" for figure in figures),
        f"{fitted.slope:+.2f}",
        f"{fitted.error:.2f}",
    )
