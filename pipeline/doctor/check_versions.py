"""What is installed, against what the tests run with."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from pipeline.doctor.facts import Facts
from pipeline.doctor.findings import Finding, green, red, yellow

OLDEST_PYTHON: Final = (3, 11)
NEWEST_PYTHON: Final = (3, 13)
BEAM: Final = "2.77"
LOCK: Final = Path(__file__).parents[2] / "requirements.txt"
_PINNED: Final = re.compile(r"^([\w.\[\]-]+==[^\\\n]+?)[ \\]*$", re.MULTILINE)
_NAMED: Final = 5
_INSTALL: Final = "pip install --require-hashes -r requirements.txt"


def check(_facts: Facts) -> list[Finding]:
    """Python, Beam, and the packages of the lock file."""
    lock = LOCK.read_text(encoding="utf-8") if LOCK.exists() else ""
    return [
        judge_python(sys.version_info[:2]),
        judge_beam(installed("apache-beam")),
        judge_packages(list(differences(lock)), locked=bool(lock)),
    ]


def judge_python(found: tuple[int, ...]) -> Finding:
    """`found`: major and minor version."""
    name = f"Python {'.'.join(map(str, found))}"
    wanted = "use Python 3.11, 3.12 or 3.13"
    if found < OLDEST_PYTHON:
        return red(f"{name} is too old", wanted)
    if found > NEWEST_PYTHON:
        return yellow(f"{name} is newer than what Apache Beam {BEAM} was tested with", wanted)
    return green(name)


def judge_beam(found: str | None) -> Finding:
    """`found`: its version; None when it is not installed."""
    if found is None:
        return red("apache-beam is not installed", _INSTALL)
    if found == BEAM or found.startswith(f"{BEAM}."):
        return green(f"apache-beam {found}")
    # The source on one machine is an UnboundedSource, which Python has from 2.77 on.
    return red(f"apache-beam {found} is installed; the job is made for {BEAM}", _INSTALL)


def judge_packages(different: list[str], *, locked: bool) -> Finding:
    """`different`: the packages that are not as they are locked."""
    if not locked:
        return yellow("the lock file is not here, so packages are not compared", _INSTALL)
    if not different:
        return green("packages are those of requirements.txt")
    more = f" and {len(different) - _NAMED} more" if len(different) > _NAMED else ""
    return yellow(
        f"packages differ from requirements.txt: {', '.join(different[:_NAMED])}{more}", _INSTALL
    )


def differences(lock: str) -> Iterator[str]:
    """Each package that is not installed as the text of a lock file says, in words."""
    for requirement in pinned(lock):
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        found = installed(requirement.name)
        if found is None:
            yield f"{requirement.name} is missing"
        elif not requirement.specifier.contains(found, prereleases=True):
            yield f"{requirement.name} {found} ({requirement.specifier} locked)"


def pinned(lock: str) -> Iterator[Requirement]:
    """The packages of the text of a lock file."""
    return map(Requirement, _PINNED.findall(lock))


def installed(name: str) -> str | None:
    """The version of a package; None when it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
