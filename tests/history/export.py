"""An export archive of many records, and the ids of the events in it, worked out a second time."""

import gzip
import zipfile
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from io import BytesIO
from itertools import islice
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.records import Made, Shape, records, time_ms

SHARES = (1, 3, 0, 2, 14, 30, 4, 46)
"""Of the members, in percent: one holds nothing, one nearly half."""
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class _Ids(Struct):
    app: int
    device_id: str
    insert_id: str = msgspec.field(name="$insert_id")


class Export(Struct):
    """An archive, and what it holds."""

    path: Path
    sizes: list[int]
    """Records of each member."""
    events: list[str]
    """Of each record: the id of its event; empty for a user update."""

    @property
    def total(self) -> int:
        """Records."""
        return len(self.events)

    def before(self, member: int, line: int) -> int:
        """How many records come before a place; `line`: the last one, counted from 1."""
        return sum(self.sizes[:member]) + line


def write_export(path: Path, total: int, shares: Sequence[int] = SHARES) -> Export:
    """Writes an archive like the Export API's: .json.gz files of unequal size in one .zip."""
    made = enumerate(records(Shape()))
    export = Export(path, [], [])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for hour, share in enumerate(shares):
            size = total * share // 100
            lines = BytesIO()
            with gzip.GzipFile(fileobj=lines, mode="wb", compresslevel=1, mtime=0) as member:
                for serial, each in islice(made, size):
                    member.write(each.line + b"\n")
                    export.events.append(event_id(each, serial))
            archive.writestr(f"100001/100001_2026-05-04_{hour}#{share}.json.gz", lines.getvalue())
            export.sizes.append(size)
    return export


def event_id(made: Made, serial: int) -> str:
    """The ULID that the contract promises for an event; empty for a user update."""
    if not made.event:
        return ""
    ids = msgspec.json.decode(made.line, type=_Ids)
    digest = blake2b(
        b"".join(
            _with_length(str(part).encode()) for part in (ids.app, ids.device_id, ids.insert_id)
        ),
        digest_size=10,
    ).digest()
    number = time_ms(serial) << 80 | int.from_bytes(digest, "big")
    return "".join(_digits(number))


def _with_length(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _digits(number: int) -> Iterator[str]:
    for shift in range(125, -1, -5):
        yield _ALPHABET[number >> shift & 31]
