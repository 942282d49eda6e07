"""Finding the files of a history: what --from names, without what need not be read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from apache_beam.io.filesystem import BeamIOError, FileMetadata
from apache_beam.io.filesystems import FileSystems
from msgspec import Struct

from pipeline.backfill.export_names import holds_merged_ids, last_event_ms
from pipeline.backfill.options import FORMS
from pipeline.sources.streams import FileReadError, no_such_file
from transforms.filter import TimeRange

_ENDINGS: Final = (".json", ".ndjson", ".gz", ".zip")
"""Of the files in a folder that are read; a file that is named is read whatever it is called."""


class SourceFile(Struct, frozen=True, array_like=True):
    """A file, and what tells whether it is still the same."""

    path: str
    size: int
    """Bytes."""
    modified: float
    """Unix seconds."""


class Found(Struct, frozen=True):
    """What there is to read, sorted by path, and how many files are passed over unread."""

    files: tuple[SourceFile, ...]
    merged_ids: int = 0
    """Files that hold no events."""
    too_early: int = 0
    """Files whose events all happened before --since."""
    other: int = 0
    """Files of a folder that are of another kind."""

    @property
    def total_bytes(self) -> int:
        """Of the files to read."""
        return sum(file.size for file in self.files)


def find(source: str, within: TimeRange | None, own: frozenset[str] = frozenset()) -> Found:
    """The files that a SOURCE names. Raises FileReadError when there is nothing to read.

    `own`: paths of files that are the backfill's own, such as its settings, and never read.
    """
    named, folder = _named(source)
    files: list[SourceFile] = []
    merged_ids = too_early = other = 0
    since = within.since_ms if within is not None else None
    for file in named:
        last = last_event_ms(file.path)
        if not file.path.startswith("gs://") and str(Path(file.path).resolve()) in own:
            continue
        if folder and not file.path.lower().endswith(_ENDINGS):
            other += 1
        elif holds_merged_ids(file.path):
            merged_ids += 1
        elif since is not None and last is not None and last <= since:
            too_early += 1
        else:
            files.append(file)
    if not files:
        raise FileReadError(
            f"--from: {source} holds nothing to read: {merged_ids} files of merged ids, "
            f"{too_early} of before --since, {other} that are no "
            f"{', '.join(_ENDINGS[:-1])} or {_ENDINGS[-1]}"
        )
    files.sort(key=lambda file: file.path)
    return Found(tuple(files), merged_ids, too_early, other)


def _named(source: str) -> tuple[list[SourceFile], bool]:
    """The files, and whether they are those of a folder."""
    if "://" not in source and Path(source).is_dir():
        return list(_in_folder(Path(source))), True
    if "://" not in source and Path(source).is_file():
        return [_local(Path(source))], False
    if not source.endswith("/"):
        files = _matching(source if "/" in source else f"./{source}")
        if files:
            return files, False
    # Objects have no folders: everything whose name goes on behind a slash.
    files = _matching(f"{source.rstrip('/')}/**") if "://" in source else []
    if not files:
        raise FileReadError(f"--from: {no_such_file(source, FORMS)}")
    return files, True


def _in_folder(folder: Path) -> Iterator[SourceFile]:
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden:
            yield _local(path)


def _local(path: Path) -> SourceFile:
    about = path.stat()
    return SourceFile(str(path), about.st_size, about.st_mtime)


def _matching(pattern: str) -> list[SourceFile]:
    try:
        [match] = FileSystems.match([pattern])
    except (BeamIOError, ValueError) as error:
        raise FileReadError(f"--from: {pattern} cannot be looked up: {error}") from error
    return [_source_file(each) for each in match.metadata_list if not each.path.endswith("/")]


def _source_file(about: FileMetadata) -> SourceFile:
    return SourceFile(
        about.path.removeprefix("./"), about.size_in_bytes, about.last_updated_in_seconds
    )
