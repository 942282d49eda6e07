"""`python -m pipeline doctor`: flags checked before anything else is even imported."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from pipeline.command_line import CommandLineError
from pipeline.doctor.options import Asked, parse

EXIT_OK, EXIT_RED, EXIT_USAGE = 0, 1, 2
_EXIT_NOBODY_READS: Final = 1


def main(argv: Sequence[str]) -> int:
    """Prints the report; returns the exit code.

    0: nothing is red. 1: something is, or whoever reads the output went away. 2: the command line
    is wrong, and nothing was looked at.
    """
    try:
        asked = parse(argv)
    except CommandLineError as error:
        for problem in error.args:
            print(f"error: {problem}", file=sys.stderr)
        return EXIT_USAGE
    try:
        return _report(asked)
    except BrokenPipeError:
        # Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_NOBODY_READS


def _report(asked: Asked) -> int:
    # Imported here: Google's clients take a second, and a wrong flag is told without them.
    from rich.console import Console

    from pipeline.doctor.checks import CHECKS
    from pipeline.doctor.examine import examine
    from pipeline.doctor.facts import Facts
    from pipeline.doctor.render import as_json, is_ready, show

    lines = examine(Facts(asked), CHECKS)
    if asked.json:
        report = list(lines)
        print(as_json(report).decode())
    else:
        report = show(lines, Console(highlight=False))
    return EXIT_OK if is_ready(report) else EXIT_RED
