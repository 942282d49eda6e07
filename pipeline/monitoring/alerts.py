"""The alerts: when somebody has to look, and which section of the runbook says what to do."""

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from pipeline.monitoring.queries import Watched, exported, growth, subscription_value
from transforms.metrics import METRICS
from transforms.reasons import RECEIVED
from transforms.tally import LATENCY

RUNBOOK: Final = "docs/runbook.md"
LABELS: Final = {"product": "amplitude_customerio_stream"}

Severity = Literal["CRITICAL", "ERROR", "WARNING"]


class Alert(NamedTuple):
    """An alert. `slug` is its file's name and its section of the runbook.

    Of `query` (PromQL, true when it gives something) and `log` (a filter of Cloud Logging) it has
    one.
    """

    slug: str
    title: str
    severity: Severity
    meaning: str
    query: str = ""
    for_s: int = 0
    """Seconds for which the query has to hold."""
    log: str = ""


def alerts(watched: Watched) -> Iterator[Alert]:
    """Every alert, in the order of the runbook."""
    yield from _backlog(watched)
    yield from _blocked(watched)
    yield from _quality(watched)


def _backlog(watched: Watched) -> Iterator[Alert]:
    age = subscription_value(watched.subscription, "oldest_unacked_message_age")
    received = growth(watched, RECEIVED, window="10m")
    yield Alert(
        "backlog-age",
        "Oldest record has waited for over 10 minutes",
        "ERROR",
        "Records arrive faster than they are settled, or are not settled at all.",
        f"{age} > 600",
        for_s=300,
    )
    yield Alert(
        "retention",
        "Oldest record has waited for over 4 of its 7 days",
        "CRITICAL",
        "Pub/Sub deletes a message when the subscription's retention is over: the one way in which "
        "records are lost.",
        f"{age} > {4 * 24 * 3600}",
    )
    yield Alert(
        "no-deliveries",
        "Nothing is settled while records wait",
        "CRITICAL",
        "For ten minutes no bundle was committed, and the oldest record has waited for over five.",
        f"({age} > 300) unless ({received} > 0)",
        for_s=600,
    )
    yield Alert(
        "undelivered",
        "Pub/Sub gave up on a message",
        "ERROR",
        "A message was tried as often as the subscription's dead-letter policy allows. It waits in "
        f"the subscription {watched.undelivered}.",
        subscription_value(watched.undelivered, "num_undelivered_messages") + " > 0",
    )


def _blocked(watched: Watched) -> Iterator[Alert]:
    # By the log: a bundle that is blocked does not commit, and Beam drops its counters.
    yield Alert(
        "blocked-credentials",
        "Customer.io refuses the credentials",
        "CRITICAL",
        "Customer.io answers 401 or 403. Everything waits in Pub/Sub; nothing is lost yet.",
        log=_logged(watched, "Customer.io refuses the credentials"),
    )
    yield Alert(
        "blocked-endpoint",
        "The endpoint is not Customer.io's Track API",
        "CRITICAL",
        "The endpoint answers 3xx or 404. Everything waits in Pub/Sub; nothing is lost yet.",
        log=_logged(watched, "What answers at the endpoint is not Customer.io's Track API"),
    )


def _logged(watched: Watched, text: str) -> str:
    return (
        f'resource.type="dataflow_step" AND resource.labels.job_name="{watched.job}" AND '
        f'log_id("dataflow.googleapis.com/worker") AND severity>=ERROR AND '
        f'jsonPayload.message:"{text}"'
    )


def _quality(watched: Watched) -> Iterator[Alert]:
    def grown(*names: str, window: str = "10m") -> str:
        return growth(watched, *names, window=window)

    dead = [metric.name for metric in METRICS if metric.name.startswith("dead_lettered.")]
    accepted = grown(exported("first_attempt"), exported("after_retry"))
    yield Alert(
        "dead-letters",
        "Over 1 % of the records become dead letters",
        "WARNING",
        "Records that cannot be read, break Customer.io's limits, or are refused by it. They are "
        "kept; see their reasons.",
        f"{grown(*map(exported, dead))} / {grown(exported(RECEIVED))} > 0.01",
        for_s=600,
    )
    yield Alert(
        "internal-error",
        "A bug of the pipeline's own made a dead letter",
        "ERROR",
        "A transform raised. The record is kept as a dead letter, with the stack.",
        f"{grown(exported('dead_lettered.internal_error'))} > 0",
    )
    yield Alert(
        "latency-p95",
        "Over 5 % of the operations are accepted late",
        "WARNING",
        "The 95th percentile from an event's own time to its acceptance is above a minute.",
        f"{grown(exported('late'))} / {grown(exported(LATENCY, 'COUNT'))} > 0.05",
        for_s=900,
    )
    yield Alert(
        "budget-saturation",
        "Over 80 % of the time at Customer.io goes into waiting for the request budget",
        "WARNING",
        "Requests wait for delivery.max_requests_per_second, or Customer.io answers 429.",
        f"{grown(exported('throttled_ms'))} / {grown(exported('delivering_ms'))} > 0.8",
        for_s=1800,
    )
    yield Alert(
        "retry-share",
        "Over 10 % of the operations need more than one request",
        "WARNING",
        "Customer.io answers 408, 429 or 5xx, or connections fail; what was tried again got "
        "through.",
        f"{grown(exported('after_retry'))} / {accepted} > 0.1",
        for_s=600,
    )


def policy(alert: Alert) -> dict[str, Any]:
    """The alert as an AlertPolicy of the Cloud Monitoring API, version 3.

    https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.alertPolicies
    """
    condition: dict[str, Any] = {"displayName": alert.title}
    strategy: dict[str, Any] = {"autoClose": "3600s"}
    if alert.log:
        condition["conditionMatchedLog"] = {"filter": alert.log}
        # The API demands one with a match of the log; the job says it once a minute.
        strategy["notificationRateLimit"] = {"period": "3600s"}
    else:
        condition["conditionPrometheusQueryLanguage"] = {
            "query": alert.query,
            "duration": f"{alert.for_s}s",
            "evaluationInterval": "60s",
        }
    return {
        "displayName": alert.title,
        "documentation": {
            "subject": alert.title,
            "content": f"{alert.meaning}\n\nWhat to do: {RUNBOOK}#{alert.slug}",
            "mimeType": "text/markdown",
        },
        "userLabels": LABELS,
        "severity": alert.severity,
        "combiner": "OR",
        "conditions": [condition],
        "alertStrategy": strategy,
    }
