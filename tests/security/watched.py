"""A program under watch: all that it leaves behind, as places that are searched."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from tests.security.canaries import API_KEY, CANARIES, SITE_ID, Kind, found_in

_REPOSITORY = Path(__file__).parents[2]
_PATIENCE_S = 240.0
_INFO = 20
_OURS = ("pipeline", "transforms", "__main__")
LETTERS, LOGS, STDOUT, STDERR = "letters", "watch/logs.jsonl", "stdout.txt", "stderr.txt"


class Place(NamedTuple):
    """Something that a run left behind, and whether a person may be named there."""

    name: str
    content: bytes
    personal: bool = False


def leaks(places: Iterable[Place]) -> list[str]:
    """Every canary in a place where it may not be, as a line."""
    return [
        f"{canary.name} in {place.name}"
        for place in places
        for canary in found_in(place.content, CANARIES)
        if canary.kind is Kind.CREDENTIAL or not place.personal
    ]


def places_in(directory: Path, *, loud: bool = False) -> Iterator[Place]:
    """Every file below a directory, with its name.

    `loud`: every logger was at DEBUG. The loggers of libraries may then name people, but only at
    DEBUG; so may stderr, where all of it goes.
    """
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory).as_posix()
        yield Place("the name of a file", name.encode())
        try:
            content = path.read_bytes()
        except (IsADirectoryError, FileNotFoundError):
            # A draft may have got its name since.
            continue
        if name == LOGS:
            # The program may be writing: of its last line only a part may be there yet.
            yield from _places_of_logs(content[: content.rfind(b"\n") + 1])
        else:
            yield Place(name, content, name.startswith(LETTERS) or (loud and name == STDERR))


def _places_of_logs(content: bytes) -> Iterator[Place]:
    texts: defaultdict[tuple[str, bool], list[str]] = defaultdict(list)
    for line in content.splitlines():
        logger, level, text, carried = json.loads(line)
        ours = logger.split(".")[0] in _OURS
        texts[logger, not ours and level < _INFO] += [text, carried]
    for (logger, personal), found in texts.items():
        yield Place(f"the log of {logger}", "\n".join(found).encode(), personal)


def places_of_process(pid: int, given: Mapping[str, str]) -> Iterator[Place]:
    """What any process of the same user reads about a process.

    `given`: variables that it was started with, by somebody else; these are no leaks.
    """
    process = Path("/proc") / str(pid)
    yield Place("the command line", (process / "cmdline").read_bytes().replace(b"\0", b"\n"))
    known = {f"{name}={value}".encode() for name, value in given.items()}
    variables = (process / "environ").read_bytes().split(b"\0")
    yield Place("the environment", b"\n".join(one for one in variables if one not in known))


def children_of(pid: int) -> list[int]:
    """The processes that a process has started with its main thread."""
    listed = (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text()
    return [int(child) for child in listed.split()]


class WatchedProgram:
    """`python -m pipeline.main` with marked credentials, in a directory that is its whole world.

    `loud`: every logger at DEBUG, and all of it written down, together with graphs and metrics.
    """

    _started: ClassVar[list["WatchedProgram"]] = []

    def __init__(
        self,
        directory: Path,
        settings: Mapping[str, Any],
        *flags: str,
        loud: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self.loud = loud
        for name in ("home", "tmp", "here", "watch"):
            (directory / name).mkdir(parents=True)
        (directory / "settings.json").write_text(json.dumps(settings))
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory / "home"),
            "TMPDIR": str(directory / "tmp"),
            "PYTHONPATH": str(_REPOSITORY),
            "WATCH": str(directory / "watch"),
            "CUSTOMERIO_SITE_ID": SITE_ID.value,
            "CUSTOMERIO_API_KEY": API_KEY.value,
            **(environment or {}),
        }
        module = "tests.security.watched_main" if loud else "pipeline.main"
        arguments = [f"--settings={directory / 'settings.json'}", *flags]
        with (directory / STDOUT).open("wb") as out, (directory / STDERR).open("wb") as err:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=self._environment,
                cwd=directory / "here",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
        self._started.append(self)

    @classmethod
    def end_all(cls) -> None:
        """Ends every program that still runs."""
        while cls._started:
            cls._started.pop().kill()

    def wait(self) -> int:
        """Waits for the end; the exit code."""
        return self._process.wait(_PATIENCE_S)

    def kill(self) -> None:
        """Ends it as kill -9 does."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def said(self) -> str:
        """What it wrote to stderr."""
        return (self.directory / STDERR).read_text(errors="replace")

    def wait_until_said(self, text: str) -> None:
        """Waits until it has said something; fails when it ends before."""
        deadline = time.monotonic() + _PATIENCE_S
        while text not in self.said():
            assert self._process.poll() is None, self.said()[-3000:]
            assert time.monotonic() < deadline, self.said()[-3000:]
            time.sleep(0.05)

    def ledger(self) -> dict[str, Any]:
        """The ledger that it wrote last."""
        content: dict[str, Any] = json.loads((self.directory / "ledger.json").read_text())
        return content

    def places_now(self) -> list[Place]:
        """What can be seen while it runs: its files, its command line, its environment."""
        assert children_of(self._process.pid) == []
        return [*places_of_process(self._process.pid, self._environment), *self.places()]

    def places(self) -> list[Place]:
        """Everything that it has left in its directory."""
        return list(places_in(self.directory, loud=self.loud))
