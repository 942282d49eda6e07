"""As much of Cloud Storage and Dataflow as the submission of a job takes, on this machine."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c

_BUCKET = re.compile(r"/storage/v1/b/[^/]+")
_JOBS = re.compile(r"/v1b3/projects/[^/]+/locations/[^/]+/jobs")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    google: "FakeGoogle"

    def do_GET(self) -> None:
        self._do()

    def do_POST(self) -> None:
        self._do()

    def do_PUT(self) -> None:
        self._do()

    def _do(self) -> None:
        body = self._body()
        url = urlsplit(self.path)
        self.google.calls.append((f"{self.command} {self.path}", body))
        if url.path.startswith("/upload/"):
            self._upload(url.path, parse_qs(url.query), body)
        elif self.command == "GET" and _BUCKET.fullmatch(url.path):
            self._say(200, {"name": "bucket", "id": "bucket", "location": "US"})
        elif self.command == "POST" and _JOBS.fullmatch(url.path):
            job = json.loads(body)
            self.google.jobs.append(job)
            self._say(200, job | {"id": "job-1", "currentState": "JOB_STATE_PENDING"})
        elif url.path.endswith("/metrics"):
            self._say(200, {"metrics": []})
        elif _JOBS.fullmatch(url.path.rpartition("/")[0]):
            self._say(200, {"id": "job-1", "currentState": "JOB_STATE_RUNNING"})
        else:
            self._say(404, {"error": {"code": 404, "message": "no such thing"}})

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _upload(self, path: str, query: dict[str, list[str]], body: bytes) -> None:
        """A resumable upload: its name first, then its bytes, at an address of its own."""
        if path != "/upload/bytes":
            name = json.loads(body)["name"]
            self._say(200, {}, Location=f"{self.google.url}/upload/bytes?name={name}")
            return
        name = unquote(query["name"][0])
        self.google.files[name] = body
        self._say(
            200,
            {
                "name": name,
                "bucket": "bucket",
                "size": str(len(body)),
                "md5Hash": base64.b64encode(hashlib.md5(body).digest()).decode(),
                "crc32c": base64.b64encode(google_crc32c.value(body).to_bytes(4)).decode(),
            },
        )

    def _say(self, status: int, answer: dict[str, Any], **headers: str) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as inherited
        pass


class FakeGoogle:
    """`jobs`: documents of jobs that were made. `files`: name -> bytes. `calls`: everything."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.calls: list[tuple[str, bytes]] = []
        handler = type("Handler", (_Handler,), {"google": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
