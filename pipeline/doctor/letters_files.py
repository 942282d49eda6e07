"""Dead letters in local files: writable, and for nobody else to read."""

import os
import stat
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from pipeline.doctor.findings import Finding, green, red, yellow

_OTHERS: Final = stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH
_ANOTHER: Final = "give another prefix for --dead_letter_files, or mend its directory"


def look(prefix: str) -> list[Finding]:
    """The findings about files whose names begin with `prefix`. A probe file comes and goes."""
    directory = Path(prefix).parent
    if not directory.exists():
        return [_to_be_made(directory)]
    if not directory.is_dir():
        return [red(f"{directory} is a file, and has to be a directory", _ANOTHER)]
    try:
        with NamedTemporaryFile(prefix=f"{Path(prefix).name}-doctor-", dir=directory) as probe:
            mode = os.fstat(probe.fileno()).st_mode
    except OSError as error:
        return [red(f"{directory} cannot be written to: {error.strerror}", _ANOTHER)]
    return [judge_probe(directory, mode), *_neighbours(prefix, directory)]


def judge_probe(directory: Path, mode: int) -> Finding:
    """What it means that a file that was made for its owner alone has this mode."""
    if mode & _OTHERS:
        return red(
            f"{directory} is on a file system without permissions: all users of this machine could "
            "read the letters, which hold personal data",
            "give a prefix on another file system",
        )
    return green(f"files can be written in {directory}")


def _to_be_made(directory: Path) -> Finding:
    nearest = next(path for path in directory.absolute().parents if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return green(f"{directory} can be made in {nearest}; the job does so")
    return red(f"{directory} is not there, and cannot be made in {nearest}", _ANOTHER)


def _neighbours(prefix: str, directory: Path) -> list[Finding]:
    findings = []
    if directory.stat().st_mode & stat.S_IWOTH:
        findings.append(
            yellow(
                f"{directory} is open to all users of this machine: they could be in the way",
                "give a prefix in a directory of the job's own",
            )
        )
    name = Path(prefix).name
    open_ones = [
        path
        for path in directory.iterdir()
        if path.name.startswith(f"{name}-") and path.is_file() and path.stat().st_mode & _OTHERS
    ]
    if open_ones:
        findings.append(
            yellow(
                f"{len(open_ones)} of the files {prefix}-* can be read or written by other users",
                f"chmod 600 {prefix}-*",
            )
        )
    return findings
