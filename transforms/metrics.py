"""Every metric that the pipeline exports to its runner: the one list for whatever watches it.

Names and meanings are those of `transforms.reasons`; here they get a kind and a unit. A test runs
the graph and holds this list to the metrics that Beam then shows.
"""

from typing import Final, Literal, NamedTuple

from transforms.reasons import (
    BESIDE_THE_LEDGER,
    COALESCED,
    DEAD_LETTER_REASONS,
    DELIVERED,
    FILTERED,
    RECEIVED,
    SKIPPED,
    dead_lettered,
)
from transforms.tally import LATENCY

Kind = Literal["counter", "distribution"]


class Metric(NamedTuple):
    """A metric in Beam's namespace `transforms.tally.NAMESPACE`."""

    name: str
    kind: Kind
    unit: str
    """In UCUM, as Cloud Monitoring writes units; in braces what is counted."""
    meaning: str


THROTTLING: Final = "cumulativeThrottlingSeconds"
"""Beam's name, not ours: `apache_beam.io.components.adaptive_throttler.ThrottlingSignaler`."""

_UNITS: Final = {
    "clash.property": "{property}",
    "dropped.reserved_property": "{property}",
    "dropped.empty_property": "{property}",
    "dropped.unhashable_property": "{property}",
    "unapplied.unix_seconds": "{property}",
    "dropped.group_type": "{group}",
    "unapplied.operator": "{operator}",
    "memory.late_update": "{update}",
    "memory.full_journal": "{update}",
    "trimmed.event_name_too_long": "{event}",
    "trimmed.event_data_too_large": "{event}",
    "trimmed.too_many_attributes": "{identify}",
    "trimmed.attribute_name_too_long": "{attribute}",
    "trimmed.attribute_value_too_long": "{attribute}",
    "requests": "{request}",
    "request_bytes": "By",
    "batch_items": "{operation}",
    "first_attempt": "{operation}",
    "after_retry": "{operation}",
    "late": "{operation}",
    "throttled_ms": "ms",
    "delivering_ms": "ms",
    "blocked.credentials": "{answer}",
    "blocked.endpoint": "{answer}",
}

_RECORDS: Final = {
    RECEIVED: "Records read.",
    DELIVERED: "Customer.io took it.",
    COALESCED: "It became one identify with a later one of the same person.",
    **FILTERED,
    **SKIPPED,
    **{dead_lettered(reason): text for reason, text in DEAD_LETTER_REASONS.items()},
}

METRICS: Final[tuple[Metric, ...]] = (
    *(Metric(name, "counter", "{record}", text) for name, text in _RECORDS.items()),
    *(Metric(name, "counter", _UNITS[name], text) for name, text in BESIDE_THE_LEDGER.items()),
    Metric(
        THROTTLING,
        "counter",
        "s",
        "`throttled_ms` in whole seconds, for the runner: a job that waits for the request budget "
        "needs no more workers.",
    ),
    Metric(LATENCY, "distribution", "ms", "From the event's own time to its acceptance."),
)
"""Counters only grow while a job runs; a bundle that fails adds nothing to them."""
