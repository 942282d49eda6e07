"""A problem as the user reads it, and the error that carries all problems of a file."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.settings.faults import Path, quoted

UNKNOWN_KEY = "unknown key"

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,59}")


class Problem(NamedTuple):
    """One thing to mend in a settings file.

    `key` is the dotted path (events.where[0].op), "" when the file as a whole is at fault; `line`
    counts from 1; `found` says what is wrong; `allowed` is "" where nothing can be listed.
    """

    key: str
    line: int | None
    found: str
    allowed: str = ""
    hint: str | None = None

    def __str__(self) -> str:
        """The problem without its line."""
        text = f"{self.key}: {self.found}" if self.key else self.found
        if self.hint:
            text += f"; {self.hint}"
        if self.allowed:
            here = " here" if self.found == UNKNOWN_KEY else ""
            text += f"{'' if text.endswith('?') else ';'} allowed{here}: {self.allowed}"
        return text


class SettingsError(Exception):
    """The settings file is refused. `problems` holds everything that is wrong with it."""

    def __init__(self, problems: Sequence[Problem], source: str = "settings") -> None:
        """`source` is the name of the file as the user gave it."""
        super().__init__(problems, source)
        self.problems = list(problems)
        self.source = source

    def __str__(self) -> str:
        """A head line, then one line a problem."""
        count = len(self.problems)
        lines = [f"{self.source}: {count} problem{'' if count == 1 else 's'}"]
        width = max((len(str(p.line)) for p in self.problems if p.line is not None), default=0)
        for problem in self.problems:
            where = "" if problem.line is None else f"line {problem.line:<{width}}  "
            lines.append(f"  {where}{problem}")
        return "\n".join(lines)


def key_text(path: Path) -> str:
    """`("events", "where", 0, "op")` as events.where[0].op; odd keys stand in ["…"]."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif _PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{quoted(part)}]"
    return text
