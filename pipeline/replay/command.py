"""`python -m pipeline replay`: flags checked before anything else is even imported."""

import sys
from collections.abc import Sequence

from pipeline.command_line import CommandLineError
from pipeline.replay.options import parse

_EXIT_USAGE = 2


def main(argv: Sequence[str]) -> int:
    """Replays; returns the exit code, as `pipeline.replay.run.run` says."""
    try:
        asked = parse(argv)
    except CommandLineError as error:
        for problem in error.args:
            print(f"error: {problem}", file=sys.stderr)
        return _EXIT_USAGE
    # Imported here: Beam takes seconds, and a wrong flag is told without it.
    from pipeline.replay.run import run

    return run(asked)
