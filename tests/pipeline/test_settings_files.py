"""Where a settings file comes from: local paths, URLs through Beam, and what can go wrong."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from apache_beam.internal.gcp import auth

from pipeline.settings import SettingsError, load_settings

TEXT = b"status: disabled\n"


def _message(path: str) -> str:
    with pytest.raises(SettingsError) as refused:
        load_settings(path)
    return str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TEXT, id="yaml"),
        pytest.param(b'{"status": "disabled"}', id="json"),
        pytest.param(b"\xef\xbb\xbfstatus: disabled\r\n", id="byte-order-mark-and-windows-lines"),
    ],
)
def test_local_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.name"
    path.write_bytes(content)
    assert load_settings(str(path)).status == "disabled"


def test_missing_file(tmp_path: Path) -> None:
    path = str(tmp_path / "no.yaml")
    assert _message(path) == f"{path}: 1 problem\n  there is no such file; check the path"


def test_directory(tmp_path: Path) -> None:
    found = "this is a directory; name the file in it"
    assert _message(str(tmp_path)) == f"{tmp_path}: 1 problem\n  {found}"


def test_path_that_is_none() -> None:
    assert _message("a\0b").endswith("  the file cannot be read (ValueError)")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"", "the file is empty; start from settings.example.yaml", id="empty"),
        pytest.param(b"null", "the file is empty; start from settings.example.yaml", id="null"),
        pytest.param(
            b"status: x\nusers: \xff",
            "line 2  this is not UTF-8 text; save the file as UTF-8",
            id="latin-1",
        ),
        pytest.param(
            TEXT + b"#" * 1024 * 1024,
            "the file is larger than 1 MiB; is it the settings file?",
            id="too-large",
        ),
    ],
)
def test_content_that_is_no_settings_file(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    assert _message(str(path)) == f"{path}: 1 problem\n  {message}"


class _Storage(BaseHTTPRequestHandler):
    """As much of Cloud Storage as reading one object takes."""

    def do_GET(self) -> None:
        status, body = 200, TEXT
        if "missing" in self.path:
            status, body = 404, b'{"error": {"code": 404, "message": "no"}}'
        elif "forbidden" in self.path:
            status, body = 403, b'{"error": {"code": 403, "message": "no"}}'
        elif "alt=media" not in self.path:
            body = json.dumps({"name": "x", "bucket": "b", "size": str(len(TEXT))}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        pass


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Storage)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{server.server_port}")
    # Without this Beam looks for a login for half a minute before it goes on without one.
    monkeypatch.setattr(auth, "get_service_credentials", lambda _options: None)
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("storage")
def test_file_in_cloud_storage() -> None:
    assert load_settings("gs://bucket/settings.yaml").status == "disabled"


@pytest.mark.usefixtures("storage")
@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("gs://bucket/missing.yaml", "there is no such file"),
        ("gs://bucket/forbidden.yaml", "the file may not be read"),
        ("gs://bucket", "this is no URL of a file that Beam can open"),
        ("nowhere://settings.yaml", "this is no URL of a file that Beam can open"),
    ],
)
def test_url_that_cannot_be_read(path: str, found: str) -> None:
    assert _message(path) == f"{path}: 1 problem\n  {found}; check the URL and who may read it"
