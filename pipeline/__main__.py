"""The commands beside the job: `python -m pipeline COMMAND`."""

import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import Final, NamedTuple

PROG: Final = "python -m pipeline"
EXIT_OK, EXIT_USAGE, EXIT_INTERRUPTED = 0, 2, 130


class Command(NamedTuple):
    """A sub-command: `module` has `main(argv) -> exit code`."""

    module: str
    summary: str


COMMANDS: Final[Mapping[str, Command]] = {
    "backfill": Command("pipeline.backfill.command", "send history from export files"),
    "doctor": Command("pipeline.doctor.command", "check what a job needs before it is started"),
    "preview": Command("pipeline.preview.command", "show what each record of a file would become"),
    "replay": Command("pipeline.replay.command", "send dead letters again"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command that the first argument names; returns its exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if not arguments:
        return _refuse("which command?")
    name, *rest = arguments
    if name in ("-h", "--help"):
        print(_overview())
        return EXIT_OK
    command = COMMANDS.get(name)
    if command is None:
        near = get_close_matches(name[:60], COMMANDS, n=1, cutoff=0.5)
        meant = f"; did you mean {near[0]}?" if near else ""
        return _refuse(f"{name!r} is no command{meant}")
    # Imported here: each command starts with what it needs itself, and no more.
    module = import_module(command.module)
    try:
        return int(module.main(rest))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def _refuse(problem: str) -> int:
    print(f"error: {problem}\n{_overview()}", file=sys.stderr)
    return EXIT_USAGE


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {command.summary}" for name, command in COMMANDS.items()]
    return "\n".join(
        [
            f"usage: {PROG} COMMAND [ARGUMENTS]; {PROG} COMMAND --help",
            "commands:",
            *lines,
            "The job itself is started with: python -m pipeline.main",
        ]
    )


if __name__ == "__main__":
    raise SystemExit(main())
