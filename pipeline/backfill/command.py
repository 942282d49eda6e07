"""`python -m pipeline backfill`: its own flags are checked before anything else is imported."""

import sys
from collections.abc import Sequence

from pipeline.backfill.options import parse
from pipeline.command_line import CommandLineError

_EXIT_USAGE = 2


def main(argv: Sequence[str]) -> int:
    """Sends history; returns the exit code, as `pipeline.backfill.run.run` says."""
    try:
        asked = parse(argv)
    except CommandLineError as error:
        for problem in error.args:
            print(f"error: {problem}", file=sys.stderr)
        return _EXIT_USAGE
    # Imported here: Beam takes seconds, and a wrong flag is told without it.
    from pipeline.backfill.run import run

    return run(asked)
