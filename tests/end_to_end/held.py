"""Catches a run in its middle, on a machine of any speed: Customer.io holds what comes."""

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.customerio.faults import Hang

_PATIENCE_S = 240


def hold_after(customerio: CustomerIoStandIn, requests: int) -> None:
    """Lets Customer.io answer so many requests from now on, and none after them."""
    customerio.faults.next(Hang(seconds=0), times=requests)
    customerio.faults.next(Hang(), times=None)


def wait_until_held(customerio: CustomerIoStandIn) -> None:
    """Waits until a request is not answered. From then on none is, and its bundle cannot end.

    How many lanes have one depends on how many messages the bundle was given, and so on time.
    """
    assert customerio.faults.wait_until_hanging(1, _PATIENCE_S)


def let_go(customerio: CustomerIoStandIn) -> None:
    """Lets Customer.io answer again, also what it held; it carries that out for nobody, too."""
    customerio.faults.clear()
    customerio.faults.release()
