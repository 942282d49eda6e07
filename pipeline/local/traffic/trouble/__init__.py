"""The catalogue of trouble: every reason of a dead letter, every skip, filter and odd case."""

from pipeline.local.traffic.trouble import (
    deliveries,
    identities,
    properties,
    routes,
    sizes,
    times,
    unreadable,
)
from pipeline.local.traffic.trouble.case import Case

# A label never changes its meaning: tests and readers of dead letters go by it.
CASES: dict[str, Case] = {
    **unreadable.CASES,
    **routes.CASES,
    **times.CASES,
    **identities.CASES,
    **sizes.CASES,
    **properties.CASES,
    **deliveries.CASES,
}

# Too costly to read for every turn of the catalogue.
ONLY_ONCE = frozenset({"too_large"})

__all__ = ["CASES", "ONLY_ONCE", "Case"]
