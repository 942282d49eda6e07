"""Catches a run in its middle, on a machine of any speed: Customer.io holds what comes."""

import requests

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.customerio.faults import Hang

_PATIENCE_S = 240.0


def hold_after(customerio: CustomerIoStandIn, answered: int) -> None:
    """Lets Customer.io answer so many requests from now on, and none after them."""
    customerio.faults.next(Hang(seconds=0), times=answered)
    customerio.faults.next(Hang(), times=None)


def wait_until_held(customerio: CustomerIoStandIn) -> None:
    """Waits until a request is not answered. From then on none is, and its bundle cannot end.

    How many lanes have one depends on how many messages the bundle was given, and so on time.
    """
    assert customerio.faults.wait_until_hanging(1, _PATIENCE_S)


def let_go(customerio: CustomerIoStandIn) -> None:
    """Lets Customer.io answer again, also what it held; it carries that out for nobody, too."""
    # By the server's own thread: no request is between being told to hang and hanging then.
    answer = requests.post(
        f"{customerio.url}/_standin/faults",
        json={"clear": True, "release": True},
        timeout=_PATIENCE_S,
    )
    answer.raise_for_status()
