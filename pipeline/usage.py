"""What --help shows: our flags. --help_beam shows them with Beam's, which are far more."""

import argparse
from collections.abc import Sequence
from typing import Any, Final

from pipeline.flags import FlinkOptions, StreamOptions

PROG: Final = "python -m pipeline.main"
_USAGE: Final = (
    f"{PROG} --settings FILE\n"
    "         (--input_subscription S | --input_files GLOB)\n"
    "         (--dead_letter_topic T | --dead_letter_files PREFIX)\n"
    "         [FLAG]... [OPTION OF BEAM]..."
)
_DESCRIPTION: Final = "Streams Amplitude records to Customer.io."
_OF_BEAM: Final = "--help_beam"
_EPILOG: Final = (
    "Any option of Beam may be given too, such as --runner=DataflowRunner and what Dataflow needs: "
    f"{_OF_BEAM} lists them. Other commands: python -m pipeline --help."
)


def parser() -> argparse.ArgumentParser:
    """A parser without flags but for those that ask for help; it does not exit on an error."""
    made = argparse.ArgumentParser(
        prog=PROG,
        usage=_USAGE,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        allow_abbrev=False,
        exit_on_error=False,
        add_help=False,
    )
    made.add_argument("-h", "--help", action=_Ours, help="show the flags of this program, and exit")
    made.add_argument(_OF_BEAM, action="help", help="show all options of Beam as well, and exit")
    return made


class _Ours(argparse.Action):
    """Shows our flags, and exits."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:  # noqa: A002
        super().__init__(option_strings, dest=argparse.SUPPRESS, nargs=0, help=help)

    def __call__(self, parser_: argparse.ArgumentParser, *_: Any) -> None:
        ours = parser()
        for options in (StreamOptions, FlinkOptions):
            options._add_argparse_args(ours)  # noqa: SLF001
        ours.print_help()
        parser_.exit()
