"""The pipeline with all its waits made shorter by one factor: `-m tests.endurance.hurried F ...`.

The code stays as it is; what changes are its numbers: `retry_for_s`, `request_timeout_s`, the
pauses between attempts and between generations, how often leases are extended, and how often an
alarm is logged.
"""

import functools
import sys
from typing import Any

import msgspec

from pipeline import generations, launch, plan
from pipeline.sources import leases, session
from transforms.sink import alarm, backoff
from transforms.sink.lanes import DeliveryPolicy

_PAUSES = (
    (backoff, "_FIRST_S"),
    (backoff, "_LONGEST_S"),
    (backoff, "LONGEST_RETRY_AFTER_S"),
    (generations, "_LONGEST_PAUSE_S"),
    (alarm, "_EVERY_S"),
)


_SHORTEST_LEASE_PAUSE_S = 0.08
"""Each extension tells Pub/Sub of every message that is held: more often, nothing else is done."""


def hurry(factor: float) -> None:
    """Divides every wait by the factor. Raises AttributeError when one is gone."""
    for module, name in _PAUSES:
        setattr(module, name, getattr(module, name) / factor)
    session.PullSession = functools.partial(  # type: ignore[assignment, misc]
        session.PullSession,
        extend_every_s=max(_SHORTEST_LEASE_PAUSE_S, leases.EXTEND_EVERY_S / factor),
    )
    make = plan.delivery_policy

    def hurried(*args: Any, **options: Any) -> DeliveryPolicy:
        policy = make(*args, **options)
        return msgspec.structs.replace(
            policy,
            retry_for_s=policy.retry_for_s / factor,
            request_timeout_s=policy.request_timeout_s / factor,
        )

    plan.delivery_policy = hurried


if __name__ == "__main__":
    hurry(float(sys.argv[1]))
    sys.exit(launch.main(sys.argv[2:]))
