"""Builds ``main.go`` with the Go of this machine, once for as long as its sources are the same."""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = ("go.mod", "go.sum", "main.go")
_PATIENCE_S = 600.0


class NoGoError(Exception):
    """Go is missing, too old, or cannot get the modules; the text says which."""


def path_of(directory: Path) -> Path:
    """Where the program of these sources is, once it is built."""
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in SOURCES))
    return directory / f"pstest-{digest.hexdigest()[:16]}"


def build(directory: Path) -> Path:
    """The program, in this directory.

    Go asks for modules at the proxies that its own settings name, never at a repository, and takes
    only those that go.sum knows.

    Raises:
        NoGoError: it cannot be built on this machine.
        RuntimeError: the modules are there, and it cannot be built.
    """
    directory.mkdir(parents=True, exist_ok=True)
    # Of several test processes one builds, and the others take what it built.
    with (directory / "pstest.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        program = path_of(directory)
        if not program.exists():
            _build(program)
    return program


def _build(program: Path) -> None:
    if shutil.which("go") is None:
        raise NoGoError("Go is not installed")
    environment = _environment()
    download = _go(environment, "mod", "download")
    if download.returncode:
        raise NoGoError(f"Go cannot get the modules: {_last_line(download.stderr)}")
    unfinished = program.with_suffix(f".{os.getpid()}")
    built = _go(environment, "build", "-o", str(unfinished), ".")
    if built.returncode:
        raise RuntimeError(f"main.go cannot be built:\n{built.stderr}")
    unfinished.replace(program)


def _environment() -> Mapping[str, str]:
    local = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    settings = _go(local, "env", "GOPROXY").stdout.strip()
    proxies = settings.replace("|", ",").split(",")
    return local | {"GOPROXY": ",".join(p for p in proxies if p and p != "direct") or "off"}


def _go(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["go", *arguments],
            cwd=HERE,
            env=environment,
            text=True,
            capture_output=True,
            timeout=_PATIENCE_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NoGoError(f"go {arguments[0]} did not end within {_PATIENCE_S:.0f} s") from error


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it does not say why"
