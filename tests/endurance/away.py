"""The ways in which Customer.io can be away, carried out on its stand-in."""

from collections.abc import Callable, Mapping

from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.customerio.faults import Hang, Respond, unavailable


def _refuse(stand_in: CustomerIoStandIn) -> None:
    stand_in.stop()


def _hang(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Hang(), times=None)


def _unavailable(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(unavailable(503), times=None)


def _unauthorized(stand_in: CustomerIoStandIn) -> None:
    stand_in.faults.next(Respond(401, body='{"meta":{"error":"Unauthorized request"}}'), None)


AWAY: Mapping[str, Callable[[CustomerIoStandIn], None]] = {
    "refuse": _refuse,
    "hang": _hang,
    "503": _unavailable,
    "401": _unauthorized,
}
"""refuse: nobody listens. hang: requests are taken and not answered; what hangs is carried out
when Customer.io is back, so it arrives twice. 503 and 401: every request is answered so."""


def back(stand_in: CustomerIoStandIn, mode: str) -> None:
    """Everything is as it was before `mode`."""
    if mode == "refuse":
        stand_in.start()
    stand_in.faults.clear()
    stand_in.faults.release()
