"""The errors of the emulator, with the wording of the real service where it is known."""


class PubSubError(Exception):
    """A request that is answered with an error status; the text is the status message."""


class ResourceNotFoundError(PubSubError):
    """NOT_FOUND: no topic or subscription of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Resource not found (resource={name.rpartition('/')[2]}).")


class ResourceExistsError(PubSubError):
    """ALREADY_EXISTS: the name is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Resource already exists in the project (resource={name.rpartition('/')[2]})."
        )


class InvalidArgumentError(PubSubError):
    """INVALID_ARGUMENT: the request breaks a rule of Pub/Sub."""


class UnsupportedError(PubSubError):
    """UNIMPLEMENTED: Pub/Sub can do it, this emulator cannot."""
