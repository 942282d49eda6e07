"""A stand-in of Customer.io's Track API: its rules, its answers, its faults on order.

`CustomerIoStandIn` is the server, `.workspace` what was delivered, `.faults` what goes wrong.
It shares no code with the pipeline, because it is the judge of what the pipeline delivers.
"""

from pipeline.local.customerio.faults import (
    Fault,
    Faults,
    Hang,
    ItemErrors,
    Match,
    Reset,
    Respond,
    html_page,
    rate_limited,
    redirect,
    unavailable,
)
from pipeline.local.customerio.people import Person
from pipeline.local.customerio.records import Counters, Event, Rejection, RequestLine
from pipeline.local.customerio.server import CustomerIoStandIn
from pipeline.local.customerio.workspace import Workspace

__all__ = [
    "Counters",
    "CustomerIoStandIn",
    "Event",
    "Fault",
    "Faults",
    "Hang",
    "ItemErrors",
    "Match",
    "Person",
    "Rejection",
    "RequestLine",
    "Reset",
    "Respond",
    "Workspace",
    "html_page",
    "rate_limited",
    "redirect",
    "unavailable",
]
