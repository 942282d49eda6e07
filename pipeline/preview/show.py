"""Reading a file and writing its preview to standard output, record by record."""

import io
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Final

from msgspec.structs import replace
from rich.console import Console

from pipeline.preview.closing import closing
from pipeline.preview.explain import Explainer
from pipeline.preview.explained import Explained
from pipeline.preview.json_lines import json_line
from pipeline.preview.render import block
from pipeline.preview.summary import DISABLED, REMEMBERED_HERE, Summary
from pipeline.settings import Settings
from pipeline.sources.files import FileReadError, read_messages
from transforms.records import Message

STDIN: Final = "-"
_STDIN_PATH: Final = "/dev/stdin"


def show(file: str, settings: Settings, *, limit: int | None, as_json: bool) -> None:
    """Writes the preview of `file` (`-`: standard input), of its first `limit` records if given.

    Raises FileReadError, after what could be read was shown.
    """
    records = islice(_explained(file, settings), limit)
    if as_json:
        _write_json(records, settings)
    else:
        _write_text(records, settings, limit)


def _write_json(records: Iterator[Explained], settings: Settings) -> None:
    _set_output(encoding="utf-8")
    for explained in records:
        sys.stdout.write(json_line(explained) + "\n")
    sys.stdout.flush()
    if settings.users.state == "person":
        print(REMEMBERED_HERE, file=sys.stderr)
    if settings.status == "disabled":
        print(DISABLED, file=sys.stderr)


def _write_text(records: Iterator[Explained], settings: Settings, limit: int | None) -> None:
    _set_output(encoding=None)
    console = Console(markup=False, emoji=False, highlight=False)
    summary = Summary()
    try:
        for explained in records:
            summary.add(explained)
            console.print(block(explained, console), soft_wrap=True)
    except FileReadError:
        if summary.records:
            console.print(closing(summary, settings, limit))
        raise
    console.print(closing(summary, settings, limit))


def _set_output(encoding: str | None) -> None:
    """Never fails on a character: JSON is UTF-8, and text escapes what the terminal has not."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding=encoding, errors="backslashreplace")


def _explained(file: str, settings: Settings) -> Iterator[Explained]:
    explainer = Explainer(settings)
    for message in _messages(file):
        yield from explainer.records(message)


def _messages(file: str) -> Iterator[Message]:
    if file == STDIN:
        for message in read_messages(_STDIN_PATH, _never):
            line = message.message_id.removeprefix(_STDIN_PATH)
            yield replace(message, message_id=f"stdin{line}")
        return
    try:
        yield from read_messages(file, _never)
    except FileReadError:
        raise
    except ValueError as error:
        raise FileReadError(f"{file} is no path or URL of a file that Beam can open") from error
    # Each file system behind a URL raises exceptions of its own.
    except Exception as error:
        raise FileReadError(f"{file} cannot be read ({type(error).__name__})") from error


def _never() -> bool:
    return False
