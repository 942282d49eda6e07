"""From a path and flags to checked settings, or to everything that is wrong with them."""

from collections.abc import Mapping
from pathlib import Path as FilePath

from pydantic import ValidationError

from pipeline.settings import contradictions
from pipeline.settings.document import Document, read_document
from pipeline.settings.explain import explain
from pipeline.settings.faults import Fault, kind_of
from pipeline.settings.flags import FLAGS, overlay
from pipeline.settings.model import Settings
from pipeline.settings.problems import UNKNOWN_KEY, Problem, SettingsError, key_text
from pipeline.settings.yaml_tree import UnreadableError

_MAX_BYTES = 1024 * 1024

_COMMAND_LINE = "the command line"
_NO_FILE = "there is no such file"
_NO_ACCESS = "the file may not be read"
# By name: the backends' own exception classes come with packages that a local run does without.
_URL_FAULTS = {
    "FileNotFoundError": _NO_FILE,
    "NotFound": _NO_FILE,
    "ValueError": "this is no URL of a file that Beam can open",
    "PermissionError": _NO_ACCESS,
    "Forbidden": _NO_ACCESS,
    "Unauthorized": _NO_ACCESS,
    "DefaultCredentialsError": "there are no Google credentials to read the file with",
    "RefreshError": "there are no usable Google credentials to read the file with",
}


def load_settings(path: str | None, flags: Mapping[str, str] | None = None) -> Settings:
    """Read the settings file at `path`: a local path, or a URL that Beam can open (gs://…).

    `flags`: values that win over the file's, by the names of `flags.FLAGS`. Without a path they
    stand alone.

    Raises:
        SettingsError: the file cannot be read, or it or a flag is wrong; it holds every problem at
            once.
    """
    document = _read(path) if path else Document({})
    overlay(document, flags or {})
    return _settings(document, path or "")


def parse_settings(text: str, source: str = "settings") -> Settings:
    """Check the text of a settings file; `source` is its name in messages.

    Raises:
        SettingsError: the text is wrong; it holds every problem at once.
    """
    return _settings(_parsed(text, source), source)


def _read(path: str) -> Document:
    try:
        text = _decoded(_read_url(path) if "://" in path else _read_local(path))
    except UnreadableError as error:
        raise _as_settings_error(error, path) from error.__cause__
    return _parsed(text, path)


def _parsed(text: str, source: str) -> Document:
    try:
        return read_document(text)
    except UnreadableError as error:
        raise _as_settings_error(error, source) from None


def _settings(document: Document, source: str) -> Settings:
    settings, faults = _checked(document.data)
    faults = document.faults + [fault for fault in faults if not _is_known(fault, document)]
    if settings is None or faults:
        # Outside of any except block: pydantic's error would drag the input along.
        raise SettingsError(_problems(faults, document), _sources(faults, document, source))
    return settings


def _checked(data: object) -> tuple[Settings | None, list[Fault]]:
    if not isinstance(data, dict):
        return None, [Fault((), f"found {kind_of(data)}", "a mapping of settings (key: value)")]
    try:
        return Settings.model_validate(data), []
    except ValidationError as error:
        faults = list(explain(error))
    places = {fault.path for fault in faults}
    # Pydantic leaves out checks of pairs where a single value is wrong.
    return None, faults + [f for f in contradictions.in_file(data) if f.path not in places]


def _is_known(fault: Fault, document: Document) -> bool:
    """Whether the reader of the document has told already what is wrong with the value there."""
    return fault.found != UNKNOWN_KEY and fault.path in document.unreadable


def _problems(faults: list[Fault], document: Document) -> list[Problem]:
    problems = [_problem(fault, document) for fault in faults]
    return sorted(problems, key=lambda problem: problem.line or 0)


def _problem(fault: Fault, document: Document) -> Problem:
    path, found, allowed, hint = fault
    flag = document.flag(path)
    if flag is None:
        return Problem(key_text(path), document.line(path), found, allowed, hint)
    inside = path[len(FLAGS[flag].path) :]
    return Problem(f"--{key_text((flag, *inside))}", None, found, allowed, hint)


def _sources(faults: list[Fault], document: Document, file: str) -> str:
    """What the problems are in: the file, the command line or both."""
    of_flags = [document.flag(fault.path) is not None for fault in faults]
    if not any(of_flags):
        return file
    return _COMMAND_LINE if all(of_flags) else f"{file} and {_COMMAND_LINE}"


def _as_settings_error(error: UnreadableError, source: str) -> SettingsError:
    return SettingsError([Problem("", error.line, error.found, hint=error.hint)], source)


def _read_local(path: str) -> bytes:
    try:
        with FilePath(path).open("rb") as file:
            return file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        raise UnreadableError(_NO_FILE, hint="check the path") from None
    except IsADirectoryError:
        raise UnreadableError("this is a directory", hint="name the file in it") from None
    except PermissionError:
        raise UnreadableError(_NO_ACCESS, hint="check its permissions") from None
    except (OSError, ValueError) as error:
        raise UnreadableError(f"the file cannot be read ({type(error).__name__})") from None


def _read_url(path: str) -> bytes:
    # Imported here: Beam takes seconds, and a local path does without it.
    from apache_beam.io.filesystem import CompressionTypes
    from apache_beam.io.filesystems import FileSystems

    try:
        with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            return bytes(file.read(_MAX_BYTES + 1))
    # Each file system raises exceptions of its own.
    except Exception as error:
        kind = type(error).__name__
        found = _URL_FAULTS.get(kind, f"the file cannot be read ({kind})")
        raise UnreadableError(found, hint="check the URL and who may read it") from error


def _decoded(content: bytes) -> str:
    if len(content) > _MAX_BYTES:
        raise UnreadableError("the file is larger than 1 MiB", hint="is it the settings file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableError("this is not UTF-8 text", line, "save the file as UTF-8") from None
