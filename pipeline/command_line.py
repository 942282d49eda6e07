"""A command line of our own programs: everything that is wrong with it is told at once."""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Final

_COMPARED_CHARACTERS: Final = 60


class CommandLineError(Exception):
    """The command line is wrong; `args` are the problems."""


def parse(
    parser: argparse.ArgumentParser,
    argv: Sequence[str],
    problems: Callable[[argparse.Namespace], Iterable[str]],
) -> argparse.Namespace:
    """The flags, as the parser reads them.

    `parser` has no required argument, no abbreviations and `exit_on_error=False`; its `prog` ends
    with the command's name. `problems`: what else is wrong with flags that can be read one by one.
    Raises CommandLineError.
    """
    try:
        given, unknown = parser.parse_known_args(list(argv))
    except argparse.ArgumentError as error:
        raise CommandLineError(str(error)) from error
    # The value of a flag that is not known stands about: what else seems wrong may come from it.
    flags = [_unknown(argument, parser) for argument in unknown if argument.startswith("-")]
    found = flags or [*_words(unknown), *problems(given)]
    if found:
        raise CommandLineError(*found)
    return given


def nearest(text: str, names: Iterable[str]) -> str | None:
    """The name that was meant, if one is near."""
    near = get_close_matches(text[:_COMPARED_CHARACTERS], names, n=1)
    return near[0] if near else None


def _unknown(argument: str, parser: argparse.ArgumentParser) -> str:
    name = argument.partition("=")[0]
    near = nearest(name, parser._option_string_actions)  # noqa: SLF001
    meant = f"did you mean {near}?" if near else f"{parser.prog} --help lists them"
    return f"{name} is no flag of {parser.prog.rpartition(' ')[2]}; {meant}"


def _words(words: Sequence[str]) -> Iterator[str]:
    for _ in words:
        # Not repeated: it may be a key.
        yield "a word on the command line is no flag, and no flag takes it (not shown)"
