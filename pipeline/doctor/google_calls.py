"""Calls to Google, each once and with a short deadline; what went wrong is a value."""

from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeVar

from google.api_core.exceptions import Forbidden, GoogleAPICallError, GoogleAPIError, Unauthorized
from google.auth.exceptions import GoogleAuthError

from pipeline.doctor.findings import Finding, green, red, yellow

T = TypeVar("T")

ONCE: Final = {"timeout": 5.0, "retry": None}
"""Seconds for an answer; the clients' own retries would go on for minutes."""
NO_CREDENTIALS: Final = "NO_CREDENTIALS"
UNAUTHENTICATED: Final = "UNAUTHENTICATED"
NOT_FOUND: Final = "NOT_FOUND"
DENIED: Final = "PERMISSION_DENIED"
UNIMPLEMENTED: Final = "UNIMPLEMENTED"
_GET_CREDENTIALS: Final = (
    "run as a service account, set GOOGLE_APPLICATION_CREDENTIALS, or gcloud auth "
    "application-default login"
)
_AWAY: Final = (
    "check the network, the firewall, HTTPS_PROXY, and PUBSUB_EMULATOR_HOST, if it is set"
)


class Refusal(NamedTuple):
    """`status`: the name of a gRPC status, or NO_CREDENTIALS."""

    status: str


def ask(call: Callable[[], T]) -> T | Refusal:
    """What a call gives, or why it gives nothing."""
    try:
        return call()
    except GoogleAuthError:
        return Refusal(NO_CREDENTIALS)
    # Of an answer over HTTP these two know no gRPC status.
    except Unauthorized:
        return Refusal(UNAUTHENTICATED)
    except Forbidden:
        return Refusal(DENIED)
    except GoogleAPICallError as error:
        status: Any = error.grpc_status_code
        return Refusal(status.name if status is not None else type(error).__name__)
    except GoogleAPIError as error:
        return Refusal(type(error).__name__)


def unreachable(what: str, refusal: Refusal) -> Finding:
    """Google could not be asked about something."""
    if refusal.status in (NO_CREDENTIALS, UNAUTHENTICATED):
        return red(f"{what}: no usable Google credentials", _GET_CREDENTIALS)
    return red(f"{what}: {refusal.status}", _AWAY)


def judge_right(what: str, granted: Iterable[str] | Refusal, permission: str, role: str) -> Finding:
    """Whether a permission was among those that testIamPermissions says are granted."""
    if isinstance(granted, Refusal):
        if granted.status == UNIMPLEMENTED:
            return yellow(
                f"{what}: {permission} not checked, for an emulator knows no rights",
                f"with Google Cloud: unset PUBSUB_EMULATOR_HOST, and grant {role}",
            )
        return yellow(
            f"{what}: {permission} could not be checked ({granted.status})",
            f"make sure that the job's account has {role}",
        )
    if permission in granted:
        return green(f"{what}: {permission} is granted")
    return red(f"{what}: {permission} is not granted", f"grant {role} to the job's account")
