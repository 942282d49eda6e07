"""A stand-in of Customer.io's Track API: its rules, its answers, its faults on order.

`CustomerIoStandIn` is the server, `.workspace` what was delivered, `.faults` what goes wrong.
It shares no code with the pipeline, because it is the judge of what the pipeline delivers.
"""

from pipeline.local.customerio.faults import (
    Busy,
    Fault,
    Faults,
    Flood,
    Hang,
    ItemErrors,
    Match,
    Reset,
    Respond,
    Trickle,
    Truncate,
    Weather,
    html_page,
    rate_limited,
    redirect,
    unavailable,
)
from pipeline.local.customerio.people import Person
from pipeline.local.customerio.records import (
    Counters,
    Event,
    Identify,
    Refusal,
    Rejection,
    RequestLine,
)
from pipeline.local.customerio.server import CustomerIoStandIn
from pipeline.local.customerio.weather import STORM
from pipeline.local.customerio.workspace import Workspace

__all__ = [
    "STORM",
    "Busy",
    "Counters",
    "CustomerIoStandIn",
    "Event",
    "Fault",
    "Faults",
    "Flood",
    "Hang",
    "Identify",
    "ItemErrors",
    "Match",
    "Person",
    "Refusal",
    "Rejection",
    "RequestLine",
    "Reset",
    "Respond",
    "Trickle",
    "Truncate",
    "Weather",
    "Workspace",
    "html_page",
    "rate_limited",
    "redirect",
    "unavailable",
]
