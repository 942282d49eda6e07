"""Where a replay reads from: what SOURCE on the command line means."""

import re
from enum import Enum
from pathlib import Path, PurePosixPath
from typing import Final

from msgspec import Struct

FORMS: Final = (
    "a prefix or a glob of files, projects/P/subscriptions/S, or projects/P/topics/T "
    "(a directory called projects: ./projects/…)"
)
_NAME: Final = re.compile(r"projects/[^/\s]+/(subscriptions|topics)/[^/\s]+")
_GLOB: Final = re.compile(r"[*?\[]")
_FILE_ENDINGS: Final = (".jsonl", ".ndjson", ".json", ".gz")


class Kind(Enum):
    """What a name names."""

    FILES = "files"
    SUBSCRIPTION = "subscriptions"
    TOPIC = "topics"


class Source(Struct, frozen=True):
    """One SOURCE."""

    kind: Kind
    name: str
    """Of files: the glob that finds them."""


def parse_source(text: str) -> Source:
    """What a SOURCE means. Raises ValueError when it means nothing."""
    kind = resource_kind(text)
    if kind is not None:
        return Source(kind, text)
    if text.startswith("projects/"):
        raise ValueError(f"found {text!r}; the forms are {FORMS}")
    as_it_stands = _GLOB.search(text) or text.endswith(_FILE_ENDINGS)
    return Source(Kind.FILES, text if as_it_stands else f"{text}-*.jsonl")


def resource_kind(text: str) -> Kind | None:
    """Whether a text names a subscription or a topic; None when it does not."""
    found = _NAME.fullmatch(text)
    return Kind(found[1]) if found else None


def covers(pattern: str, prefix: str) -> bool:
    """Whether a glob of files finds those that a store of dead letters with this prefix writes."""
    written = f"{prefix}-20200101T000000Z-1.jsonl"
    remote = ["://" in name for name in (pattern, prefix)]
    if any(remote):
        return all(remote) and PurePosixPath(written).match(pattern)
    return Path(written).resolve().match(str(Path(pattern).resolve()))
