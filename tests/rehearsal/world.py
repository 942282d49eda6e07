"""Where a rehearsal takes place: two fakes, a service account, and programs that see no more."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.rehearsal.fake_dataflow import FakeDataflow, fake_dataflow
from tests.rehearsal.fake_storage import FakeStorage, fake_storage
from tests.rehearsal.http_edge import ACCESS_TOKEN
from tests.security.canaries import AMPLITUDE_KEY, API_KEY, SITE_ID, Canary, Kind

PROJECT = "rehearsal-project"
REGION = "europe-west1"
_PATIENCE_S = 600.0
"""A program that takes longer waits for something that is not there."""
_NOWHERE = "http://127.0.0.1:9"
"""A proxy that is not there: what wants to leave this machine fails at once, and does not hang."""


class Ran(NamedTuple):
    """A program that has ended."""

    code: int
    said: str
    """Standard output and error."""


class World(NamedTuple):
    """One for all tests of a session."""

    dataflow: FakeDataflow
    storage: FakeStorage
    home: Path
    secrets: tuple[Canary, ...]
    """What may not be found in anything that leaves the submitting machine."""

    def run(self, *command: str | Path, at: Path) -> Ran:
        """Runs a program to its end, with credentials of all kinds in its environment."""
        ended = subprocess.run(
            [str(word) for word in command],
            cwd=at,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_PATIENCE_S,
        )
        return Ran(ended.returncode, ended.stdout)

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.home / "key.json"),
            "STORAGE_EMULATOR_HOST": self.storage.url,
            "NO_GCE_CHECK": "true",
            # gRPC knows the small letters only.
            "https_proxy": _NOWHERE,
            "http_proxy": _NOWHERE,
            "no_proxy": "localhost,127.0.0.1",
            "CUSTOMERIO_SITE_ID": SITE_ID.value,
            "CUSTOMERIO_API_KEY": API_KEY.value,
            "AMPLITUDE_API_KEY": AMPLITUDE_KEY.value,
        }


def _new_key(path: Path, token_uri: str) -> Canary:
    """Writes the key of a service account as Google hands it out; gives what is secret of it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "1",
        "private_key": pem,
        "client_email": f"launcher@{PROJECT}.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": token_uri,
    }
    path.write_text(json.dumps(key))
    runs = sorted(re.findall(r"[A-Za-z0-9]{16,}", pem), key=len)
    return Canary("private key", Kind.CREDENTIAL, pem, (runs[-1], runs[-2]))


@contextmanager
def world(home: Path) -> Iterator[World]:
    """Both fakes, running, and a home for the programs. Raises nothing but what sockets raise."""
    with fake_dataflow() as dataflow, fake_storage() as storage:
        private_key = _new_key(home / "key.json", dataflow.token_uri)
        secrets = SITE_ID, API_KEY, AMPLITUDE_KEY, ACCESS_TOKEN, private_key
        yield World(dataflow, storage, home, secrets)
