"""Both servers, one after the other, for every test here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conformance.pubsub.build import NoGoError, build
from tests.conformance.pubsub.client import Client, client_of
from tests.conformance.pubsub.servers import Emulator, Pstest, PubSubServer


def _directory(request: pytest.FixtureRequest) -> Path:
    """Where the program is kept from one run to the next, if pytest keeps anything."""
    cache = getattr(request.config, "cache", None)
    if cache is not None:
        return Path(cache.mkdir("pstest"))
    temporary: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
    return temporary.mktemp("pstest")


@pytest.fixture(scope="session", params=["emulator", "pstest"])
def pubsub_server(request: pytest.FixtureRequest) -> Iterator[PubSubServer]:
    """A server for the whole session; tests have names of their own on it."""
    server: PubSubServer
    if request.param == "emulator":
        server = Emulator()
    else:
        try:
            server = Pstest(build(_directory(request)))
        except NoGoError as error:
            pytest.skip(f"Google's pstest was not compared with: {error}")
    yield server
    server.close()


@pytest.fixture
def client(pubsub_server: PubSubServer) -> Iterator[Client]:
    """A topic and a subscription, and the means to use them."""
    with client_of(pubsub_server) as client:
        yield client
