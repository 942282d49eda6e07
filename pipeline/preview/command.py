"""`python -m pipeline preview`: flags and settings, checked before anything is read."""

import argparse
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from pipeline.settings import SettingsError, load_settings

PROG: Final = "python -m pipeline preview"
EXIT_OK, EXIT_FAILED, EXIT_USAGE = 0, 1, 2
_FLAGS: Final = ("--settings", "--limit", "--json", "--help")


def main(argv: Sequence[str]) -> int:
    """Shows the preview; returns the exit code.

    0: it was made. 1: whoever reads the output went away. 2: flags or settings are wrong, or the
    file cannot be read.
    """
    parser = _parser()
    given, unknown = parser.parse_known_args(argv)
    problems = _problems(given, unknown)
    if problems:
        return _refuse(*problems)
    try:
        settings = load_settings(given.settings)
    except SettingsError as error:
        return _refuse(error)
    # Imported here: Beam takes seconds, and a wrong flag is told without it.
    from pipeline.preview.show import show
    from pipeline.sources.files import FileReadError

    try:
        show(given.file, settings, limit=given.limit, as_json=given.json)
    except FileReadError as error:
        return _refuse(error)
    except BrokenPipeError:
        # Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROG,
        usage=f"{PROG} FILE --settings FILE [--limit N] [--json]",
        description="Shows what each record of a file would become in Customer.io, and why. "
        "Nothing is sent, and no credentials are needed.",
        allow_abbrev=False,
    )
    # Neither is required for argparse, so that everything that is wrong is told at once.
    parser.add_argument("file", nargs="?", metavar="FILE", help=_FILE_HELP)
    parser.add_argument("--settings", metavar="FILE", help="settings file, YAML or JSON")
    parser.add_argument("--limit", type=_limit, metavar="N", help="stop after N records")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a record, one a line, nothing else"
    )
    return parser


_FILE_HELP: Final = (
    ".json, .ndjson, .gz or .zip, one record a line or one array; - is standard input"
)


def _limit(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"found {text!r}; a number of records, 1 or more")
    return min(int(text), sys.maxsize)


def _refuse(*problems: object) -> int:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)
    return EXIT_USAGE


def _problems(given: argparse.Namespace, unknown: Sequence[str]) -> list[str]:
    # A flag that is not known leaves its value behind, which then stands where FILE should: what
    # else seems to be wrong may come from that alone.
    flags = [_unknown_flag(argument) for argument in unknown if argument.startswith("-")]
    if flags:
        return flags
    problems = [
        f"{argument!r} is one argument too many: one FILE is previewed at a time"
        for argument in unknown
    ]
    if not given.file:
        problems.append("FILE is missing: name the file to preview, or - for standard input")
    if not given.settings:
        problems.append("--settings FILE is missing: the settings say what would be sent")
    return problems


def _unknown_flag(argument: str) -> str:
    name = argument.partition("=")[0]
    near = get_close_matches(name[:60], _FLAGS, n=1)
    meant = f"did you mean {near[0]}?" if near else f"{PROG} --help lists them"
    return f"{name} is no flag of preview; {meant}"
