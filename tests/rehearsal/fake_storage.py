"""Cloud Storage: the emulator of PyPI's gcp-storage-emulator, and a list of what it was asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import HTTPServer
from typing import Any
from urllib.parse import quote

import requests
from gcp_storage_emulator.handlers.buckets import create_bucket
from gcp_storage_emulator.server import RequestHandler
from gcp_storage_emulator.storage import Storage

from tests.rehearsal.http_edge import ACCESS_TOKEN, Call, may_come_in, serving, take_body

BUCKET = "rehearsal-bucket"


class FakeStorage:
    """One bucket, in memory. `url`: for STORAGE_EMULATOR_HOST. `calls`: all requests up to now."""

    def __init__(self, url: str, stored: Any, calls: list[Call]) -> None:
        self.url = url
        self.calls = calls
        self._stored = stored

    def put(self, name: str, content: bytes) -> str:
        """Stores an object, as an operator does before the launch; gives its gs:// URL."""
        answer = requests.post(
            f"{self.url}/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={quote(name, '')}",
            content,
            headers={"Authorization": f"Bearer {ACCESS_TOKEN.value}", "Content-Type": "text/plain"},
            timeout=60,
        )
        answer.raise_for_status()
        return f"gs://{BUCKET}/{name}"

    def objects(self, prefix: str) -> dict[str, bytes]:
        """The objects whose names begin like that: name in the bucket -> content."""
        found, _prefixes = self._stored.get_file_list(BUCKET, prefix)
        names = [str(each["name"]) for each in found]
        return {name: self._stored.get_file(BUCKET, name) for name in names}


class _Handler(RequestHandler):  # type: ignore[misc]
    """The emulator's own handler, behind a door."""

    def __init__(self, calls: list[Call], stored: Any, *arguments: Any) -> None:
        self._calls = calls
        super().__init__(stored, *arguments)

    def parse_request(self) -> bool:
        if not super().parse_request():
            return False
        self._calls.append(take_body(self))
        if may_come_in(self):
            return True
        self.send_error(401)
        return False

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
        """Says nothing: `calls` holds it all."""


@contextmanager
def fake_storage() -> Iterator[FakeStorage]:
    """A Cloud Storage that runs, with one empty bucket."""
    stored = Storage(use_memory_fs=True)
    create_bucket(BUCKET, stored)
    calls: list[Call] = []
    with serving(HTTPServer(("127.0.0.1", 0), partial(_Handler, calls, stored))) as url:
        yield FakeStorage(url, stored, calls)
