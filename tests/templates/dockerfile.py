"""As much of a Dockerfile as ours has: its stages and what they do, in order."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "templates" / "Dockerfile"
_CONTINUED = re.compile(r"\\\n\s*")


class Instruction(NamedTuple):
    """COPY, RUN, …, and what follows it."""

    name: str
    words: str


def instructions() -> list[Instruction]:
    """All of them; comments are left out."""
    text = _CONTINUED.sub("", DOCKERFILE.read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [Instruction(*line.split(maxsplit=1)) for line in lines]


def words_of(name: str) -> list[str]:
    """What follows each instruction of that name."""
    return [one.words for one in instructions() if one.name == name]


def arguments() -> dict[str, str]:
    """Build arguments that have a default."""
    return dict(words.split("=", 1) for words in words_of("ARG") if "=" in words)


class Build:
    """Carries out COPY, WORKDIR, ENV and RUN below a directory, which stands for the image's /.

    Files that other images bring are left out; all commands run with `environment`.
    """

    def __init__(self, root: Path, environment: Mapping[str, str], given: Mapping[str, str]):
        self.root = root
        self.workdir = "/"
        self.image_environment: dict[str, str] = {}
        self._environment = dict(environment)
        self._given = dict(given)

    def run(self) -> None:
        """All instructions of all stages, one after the other."""
        for name, words in instructions():
            if name == "WORKDIR":
                self.workdir = words
                self._path(words).mkdir(parents=True, exist_ok=True)
            elif name == "COPY":
                self._copy(words)
            elif name == "ENV":
                key, value = words.split("=", 1)
                self.image_environment[key] = self._filled(value)
            elif name == "RUN":
                self._run(words)

    def _path(self, path: str) -> Path:
        return self.root / self.workdir.lstrip("/") / path if path[0] != "/" else self._at(path)

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _filled(self, text: str) -> str:
        return re.sub(r"\$\{(\w+)\}", lambda found: self._given[found[1]], text)

    def _copy(self, words: str) -> None:
        if words.startswith("--from="):
            # Of another stage, which lies below the same root here, or of another image.
            return
        *sources, to = words.split()
        for source in sources:
            target = self._path(to)
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, target, ignore=ignored)
            else:
                target = target / source if target.is_dir() else target
                shutil.copy(ROOT / source, target)

    def _run(self, words: str) -> None:
        command = re.sub(r"(?<=\s)/(?=[a-z])", f"{self.root}/", words)
        done = subprocess.run(
            ["sh", "-euc", command],
            cwd=self._path("."),
            env=self._environment | self._given | self.image_environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}"


def entrypoint() -> list[str]:
    """The image's program."""
    [words] = words_of("ENTRYPOINT")
    program: list[str] = json.loads(words)
    return program
