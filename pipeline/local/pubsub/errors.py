"""The errors of the emulator, with the wording of the real service where it is known."""

from typing import ClassVar


class PubSubError(Exception):
    """A request that is answered with an error status; the text is the status message.

    ``status`` is the name of the gRPC status code.
    """

    status: ClassVar[str]


class ResourceNotFoundError(PubSubError):
    """NOT_FOUND: no topic or subscription of this name."""

    status = "NOT_FOUND"

    def __init__(self, name: str) -> None:
        super().__init__(f"Resource not found (resource={name.rpartition('/')[2]}).")


class ResourceExistsError(PubSubError):
    """ALREADY_EXISTS: the name is taken."""

    status = "ALREADY_EXISTS"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Resource already exists in the project (resource={name.rpartition('/')[2]})."
        )


class InvalidArgumentError(PubSubError):
    """INVALID_ARGUMENT: the request breaks a rule of Pub/Sub."""

    status = "INVALID_ARGUMENT"


class UnsupportedError(PubSubError):
    """UNIMPLEMENTED: Pub/Sub can do it, this emulator cannot."""

    status = "UNIMPLEMENTED"


class UnavailableError(PubSubError):
    """UNAVAILABLE: the service is away or busy; the same call may succeed later."""

    status = "UNAVAILABLE"


class DeadlineExceededError(PubSubError):
    """DEADLINE_EXCEEDED: nobody knows whether the call was carried out."""

    status = "DEADLINE_EXCEEDED"


class InternalError(PubSubError):
    """INTERNAL: the service failed; the same call may succeed later."""

    status = "INTERNAL"
