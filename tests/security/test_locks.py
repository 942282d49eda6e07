"""What is installed is what was locked: every package by version and by hash, from no odd place."""

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
LOCKS = ("requirements.txt", "requirements-dev.txt")
_ENTRY = re.compile(
    r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[A-Za-z0-9.!+]+( ; [^;]+)?( --hash=sha256:[0-9a-f]{64})+"
)


def entries(lock: str) -> list[str]:
    """The requirements of a lock file, each as one line."""
    text = (REPOSITORY / lock).read_text().replace("\\\n", " ")
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines())
    return [line.split(" # ")[0] for line in lines if line and not line.startswith("#")]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_locked_by_hash(lock: str) -> None:
    found = entries(lock)
    assert len(found) > 50
    assert [entry[:80] for entry in found if not _ENTRY.fullmatch(entry)] == []


def test_the_development_lock_holds_what_runs() -> None:
    runs, develops = map(set, map(entries, LOCKS))
    assert {entry.split(" ")[0] for entry in runs} <= {entry.split(" ")[0] for entry in develops}


def test_nothing_is_installed_without_its_hash() -> None:
    """Wherever a script has pip install, it asks for hashes, or for nothing from elsewhere."""
    scripts = [
        *REPOSITORY.glob("*.sh"),
        *REPOSITORY.glob(".ci/*"),
        *REPOSITORY.glob("tests/*.sh"),
        *REPOSITORY.glob("templates/**/*"),
    ]
    commands = [
        command
        for script in scripts
        if script.is_file()
        for command in script.read_text(errors="replace").replace("\\\n", " ").splitlines()
        if re.search(r"\bpip3? install\b", command) and not command.lstrip().startswith("#")
    ]
    assert commands
    safe = ("--require-hashes", "--no-index")
    assert [command for command in commands if not any(flag in command for flag in safe)] == []
