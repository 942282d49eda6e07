"""Files that a flag names to be written: what speaks against them, before anything is read."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WRITTEN = ("ledger_file", "state_file")
"""Names of the job's flags, without dashes, that name a file on this machine to be written."""


def problems_of_places(given: Any) -> Iterator[str]:
    """What speaks against the places that a job on this machine would write to.

    `given`: what has the flags as attributes, those of WRITTEN and `dead_letter_files`.
    """
    for name in WRITTEN:
        if path := getattr(given, name):
            yield from unwritable(f"--{name}", path)
    letters = given.dead_letter_files
    if letters and "://" not in letters:
        # A prefix: the names of the files go on behind it.
        yield from unwritable("--dead_letter_files", f"{letters}-", makes_folder=True)


def unwritable(flag: str, name: str, *, makes_folder: bool = False) -> Iterator[str]:
    """Why a file on this machine cannot be written; nothing when it can, as far as is seen.

    `makes_folder`: whoever writes the file makes its directory, and those above it.
    """
    if "://" in name:
        yield f"{flag}: found {name!r}; it has to be a path on this machine"
        return
    path = Path(name)
    if path.is_dir():
        yield f"{flag}: {name!r} is a directory; name a file in it"
        return
    folder = path.parent
    while makes_folder and not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.exists():
        yield f"{flag}: there is no directory {str(folder)!r}; make it, or name another"
    elif not folder.is_dir():
        yield f"{flag}: {str(folder)!r} is a file, so nothing can be in it; name another directory"
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield (
            f"{flag}: this user may not write into the directory {str(folder)!r}; change its "
            "permissions, or name another"
        )
