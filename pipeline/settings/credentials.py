"""Credentials by reference: the settings name where a key is kept, never the key itself.

A reference may be pickled, logged and stored in a job's options. Only `resolve` touches the value,
on the worker, and what it returns is kept nowhere.
"""

import io
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from transforms.silence import silence

SECRET_ALLOWED = "secret://projects/P/secrets/S/versions/V"
CREDENTIAL_ALLOWED = f"${{ENV_NAME}} or {SECRET_ALLOWED}"
SECRET_PATTERN = (
    r"secret://projects/[a-z0-9.:-]+/secrets/[A-Za-z0-9_-]{1,255}/versions/[A-Za-z0-9_-]+"
)
"""Shapes of the three ids: https://cloud.google.com/secret-manager/docs/reference/rest"""

_ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SECRET = re.compile(SECRET_PATTERN)
_SECRET_MANAGER_TIMEOUT_S = 30.0
_LOGGER_OF_ANSWERS = "google.cloud.secretmanager_v1.services.secret_manager_service.transports.grpc"


class CredentialError(Exception):
    """A credential cannot be had. The text says what to do and never holds the value."""


@dataclass(frozen=True, slots=True)
class CredentialReference:
    """Where one credential is kept: `${ENV_NAME}` or `secret://projects/P/secrets/S/versions/V`.

    Raises:
        ValueError: `reference` has neither form. The text does not repeat it: it may be a key.
    """

    reference: str

    def __post_init__(self) -> None:
        """Refuse everything that is not one of the two forms."""
        if not (_ENVIRONMENT.fullmatch(self.reference) or _SECRET.fullmatch(self.reference)):
            raise ValueError(f"not a credential reference; allowed: {CREDENTIAL_ALLOWED}")

    def __str__(self) -> str:
        """The reference as it stands in the settings."""
        return self.reference

    @property
    def in_secret_manager(self) -> bool:
        """Whether every machine of the project can read it, and not only this process."""
        return _SECRET.fullmatch(self.reference) is not None

    def resolve(self, environment: Mapping[str, str | None] | None = None) -> str:
        """The credential, without white space around it; read afresh at every call.

        `environment`: variables that win over the process's own.

        Raises:
            CredentialError: it is not there, may not be read, is empty or is no plain text.
        """
        value = self._read(environment or {}).strip()
        if not value:
            raise CredentialError(f"{self.reference} is empty; store the credential there")
        if any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in value):
            raise CredentialError(
                f"{self.reference} holds control characters, for example a line break in the "
                "middle; store the credential alone, as one line"
            )
        return value

    def _read(self, environment: Mapping[str, str | None]) -> str:
        variable = _ENVIRONMENT.fullmatch(self.reference)
        if variable:
            return environment.get(variable[1]) or _from_environment(variable[1])
        return _from_secret_manager(self.reference.removeprefix("secret://"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """The pair that Customer.io's Track API asks for."""

    site_id_ref: CredentialReference
    api_key_ref: CredentialReference
    environment_file: str | None = None
    """A file of NAME=VALUE lines that wins over the environment: unlike that, it can change while
    the process runs."""

    def resolve(self) -> tuple[str, str]:
        """Site id and API key, in this order; read afresh at every call.

        Raises:
            CredentialError: one of them cannot be had.
        """
        environment = read_environment_file(self.environment_file) if self.environment_file else {}
        return self.site_id_ref.resolve(environment), self.api_key_ref.resolve(environment)

    def __call__(self) -> tuple[str, str]:
        """Same as `resolve`: what the sink calls on a worker. Equal references compare equal."""
        return self.resolve()


@dataclass(frozen=True, slots=True)
class Secret:
    """One credential, and the environment file to look into first: what a transform calls on a
    worker. Equal references compare equal.
    """

    reference: CredentialReference
    environment_file: str | None = None

    def __call__(self) -> str:
        """The value, read afresh at every call. Raises CredentialError."""
        file = self.environment_file
        return self.reference.resolve(read_environment_file(file) if file else {})


def read_environment_file(path: str) -> dict[str, str | None]:
    """The NAME=VALUE lines of a file. Raises CredentialError when it cannot be read."""
    try:
        # Read here: dotenv takes a file that is missing for an empty one.
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        # Not chained: the decoder's error holds what is in the file.
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise CredentialError(f"the environment file {path} cannot be read: {why}") from None
    return dotenv_values(stream=io.StringIO(text), interpolate=False)


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise CredentialError(
            f"environment variable {name} is not set; set it for the process that sends to "
            "Customer.io, or refer to Secret Manager: secret://projects/P/secrets/S/versions/V"
        )
    return value


def _from_secret_manager(version: str) -> str:
    # Imported here: it costs more than a second, and jobs that use the environment do without it.
    try:
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError
        from google.cloud import secretmanager
    except ImportError as error:
        raise CredentialError(
            f"cannot read {version}: install google-cloud-secret-manager"
        ) from error
    # At DEBUG Google's client logs whole answers, and this one holds the credential.
    silence(_LOGGER_OF_ANSWERS)
    try:
        client = secretmanager.SecretManagerServiceClient()
        response = client.access_secret_version(
            request={"name": version}, timeout=_SECRET_MANAGER_TIMEOUT_S
        )
    except GoogleAuthError as error:
        raise CredentialError(
            f"cannot read {version}: no usable Google credentials ({type(error).__name__}); run "
            "as a service account, or gcloud auth application-default login"
        ) from error
    except exceptions.NotFound as error:
        raise CredentialError(
            f"cannot read {version}: there is no such secret version; check project, name, version"
        ) from error
    except exceptions.Forbidden as error:
        raise CredentialError(
            f"cannot read {version}: access denied; grant roles/secretmanager.secretAccessor on "
            "this secret to the service account of the workers"
        ) from error
    except exceptions.GoogleAPIError as error:
        raise CredentialError(
            f"cannot read {version}: Secret Manager failed ({type(error).__name__}); check that "
            "the version is enabled and Secret Manager can be reached"
        ) from error
    try:
        return bytes(response.payload.data).decode()
    except UnicodeDecodeError:
        # Not chained: the decoder's error holds the bytes of the credential.
        raise CredentialError(f"{version} is not UTF-8 text; store the credential alone") from None
