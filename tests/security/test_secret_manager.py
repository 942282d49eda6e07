"""Secret Manager's real client against a server of ours: what it logs never holds the secret."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from google.cloud import secretmanager
from google.cloud.secretmanager_v1.services.secret_manager_service.transports import (
    SecretManagerServiceGrpcTransport,
)
from google.cloud.secretmanager_v1.types import (
    AccessSecretVersionRequest,
    AccessSecretVersionResponse,
    SecretPayload,
)

from pipeline.settings import CredentialReference
from tests.security.canaries import API_KEY, found_in

REFERENCE = CredentialReference("secret://projects/p/secrets/s/versions/1")
SERVICE = "google.cloud.secretmanager.v1.SecretManagerService"


@pytest.fixture
def secret_manager(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that holds one secret, and a client that finds it."""

    def access(_request: Any, _context: Any) -> Any:
        payload = SecretPayload(data=API_KEY.value.encode())
        return AccessSecretVersionResponse.pb(AccessSecretVersionResponse(payload=payload))

    method = grpc.unary_unary_rpc_method_handler(
        access,
        request_deserializer=AccessSecretVersionRequest.pb().FromString,
        response_serializer=AccessSecretVersionResponse.pb().SerializeToString,
    )
    handler = grpc.method_handlers_generic_handler(SERVICE, {"AccessSecretVersion": method})
    server = grpc.server(ThreadPoolExecutor(1), handlers=[handler])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    real = secretmanager.SecretManagerServiceClient

    def client() -> Any:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.enable_http_proxy", 0)])
        return real(transport=SecretManagerServiceGrpcTransport(channel=channel))

    monkeypatch.setattr(secretmanager, "SecretManagerServiceClient", client)
    yield
    server.stop(None).wait()


class _Everything(logging.Handler):
    """Keeps all that a record carries."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(repr(record.__dict__))


@pytest.mark.usefixtures("secret_manager")
@pytest.mark.parametrize(
    "logger",
    [
        "google",
        "google.cloud.secretmanager_v1",
        f"{SecretManagerServiceGrpcTransport.__module__}",
    ],
)
def test_no_log_holds_the_secret(logger: str) -> None:
    """Google's client logs whole answers at DEBUG, which GOOGLE_SDK_PYTHON_LOGGING_SCOPE sets."""
    everything = _Everything()
    watched = logging.getLogger(logger)
    level = watched.level
    watched.addHandler(everything)
    watched.setLevel(logging.DEBUG)
    try:
        assert REFERENCE.resolve() == API_KEY.value
    finally:
        watched.setLevel(level)
        watched.removeHandler(everything)
    assert found_in("\n".join(everything.records).encode()) == []
