"""The dashboard: every metric of the job, beside Pub/Sub's and Dataflow's own."""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pipeline.monitoring.alerts import LABELS
from pipeline.monitoring.queries import (
    Watched,
    exported,
    growth,
    job_value,
    subscription_value,
    values,
)
from transforms.metrics import METRICS, THROTTLING
from transforms.reasons import COALESCED, DELIVERED, RECEIVED
from transforms.tally import LATENCY

_COLUMNS: Final = 48
_WIDTH, _HEIGHT = 24, 16
_SECONDS: Final = 300


class Chart(NamedTuple):
    """A chart; `unit` is the text at its axis. A legend "" is Cloud Monitoring's own."""

    title: str
    unit: str
    lines: tuple[tuple[str, str], ...]
    """Legend and PromQL of each."""


def charts(watched: Watched) -> Iterator[Chart]:
    """Every chart, from left to right, from top to bottom."""
    yield from _flow(watched)
    yield from _sending(watched)


def _flow(watched: Watched) -> Iterator[Chart]:
    backlog = watched.subscription
    yield Chart(
        "Backlog: age of the oldest record",
        "seconds",
        (("oldest", subscription_value(backlog, "oldest_unacked_message_age")),),
    )
    yield Chart(
        "Backlog: messages",
        "messages",
        (
            ("waiting", subscription_value(backlog, "num_undelivered_messages")),
            (
                "given up by Pub/Sub",
                subscription_value(watched.undelivered, "num_undelivered_messages"),
            ),
        ),
    )
    yield Chart(
        "Records",
        "records/s",
        tuple((name, _per_second(watched, name)) for name in (RECEIVED, DELIVERED, COALESCED)),
    )
    for title, prefixes in (
        ("Dead letters by reason", ("dead_lettered.",)),
        ("Filtered and skipped", ("filtered.", "skipped.")),
        ("Left out, trimmed, clashes", ("dropped.", "unapplied.", "trimmed.", "clash.")),
        ("Updates that the memory has no place for", ("memory.",)),
    ):
        names = [metric.name for metric in METRICS if metric.name.startswith(prefixes)]
        yield Chart(f"{title}, in 5 minutes", "in 5 min", (("", _by_name(watched, *names)),))


def _sending(watched: Watched) -> Iterator[Chart]:
    def share(*parts: str, of: tuple[str, ...]) -> str:
        return f"{_grown(watched, *parts)} / {_grown(watched, *of)}"

    requests = exported("requests")
    yield Chart(
        "Latency from the event's own time, since the start of the job",
        "ms",
        tuple(
            (part.lower(), f"max({values(watched, exported(LATENCY, part))})")
            for part in ("MIN", "MEAN", "MAX")
        ),
    )
    yield Chart(
        "Accepted over a minute after the event",
        "share",
        (("late", share(exported("late"), of=(exported(LATENCY, "COUNT"),))),),
    )
    yield Chart("Requests", "requests/s", (("requests", _per_second(watched, requests)),))
    yield Chart(
        "Size of a request",
        "operations, kB",
        (
            ("operations", share(exported("batch_items"), of=(requests,))),
            ("kB", share(exported("request_bytes"), of=(requests,)) + " / 1000"),
        ),
    )
    accepted = exported("first_attempt"), exported("after_retry")
    yield Chart(
        "Operations that needed more than one request",
        "share",
        (("after a retry", share(accepted[1], of=accepted)),),
    )
    yield Chart(
        "Time at Customer.io that is waiting for the request budget",
        "share",
        (
            ("waiting", share(exported("throttled_ms"), of=(exported("delivering_ms"),))),
            ("seconds told to the runner, a second", _per_second(watched, exported(THROTTLING))),
        ),
    )
    yield Chart(
        "Blocked, seen by bundles that got through afterwards",
        "answers in 5 min",
        (("", _by_name(watched, exported("blocked.credentials"), exported("blocked.endpoint"))),),
    )
    yield Chart(
        "Workers",
        "vCPUs, seconds",
        (
            ("vCPUs", job_value(watched, "current_num_vcpus")),
            ("system lag, seconds", job_value(watched, "system_lag")),
        ),
    )


def _grown(watched: Watched, *names: str) -> str:
    return growth(watched, *names, window=f"{_SECONDS}s")


def _per_second(watched: Watched, name: str) -> str:
    return f"{_grown(watched, exported(name))} / {_SECONDS}"


def _by_name(watched: Watched, *names: str) -> str:
    return f"sum by (metric_name) (delta({values(watched, *names)}[{_SECONDS}s]))"


def dashboard(watched: Watched) -> dict[str, Any]:
    """A Dashboard of the Cloud Monitoring API, version 1.

    https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.dashboards
    """
    tiles = []
    for number, chart in enumerate(charts(watched)):
        row, column = divmod(number, _COLUMNS // _WIDTH)
        place = {"xPos": column * _WIDTH, "yPos": row * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
        tiles.append(place | {"widget": {"title": chart.title, "xyChart": _xy_chart(chart)}})
    return {
        "displayName": "Amplitude to Customer.io",
        "labels": LABELS,
        "mosaicLayout": {"columns": _COLUMNS, "tiles": tiles},
    }


def _xy_chart(chart: Chart) -> dict[str, Any]:
    return {
        "dataSets": [
            {"timeSeriesQuery": {"prometheusQuery": query}, "plotType": "LINE"}
            | ({"legendTemplate": legend} if legend else {})
            for legend, query in chart.lines
        ],
        "yAxis": {"label": chart.unit, "scale": "LINEAR"},
    }
