"""What the files hold: a file of records is one text, an archive has one in each of its members."""

from collections.abc import Sequence

from msgspec import Struct

from pipeline.backfill.export_names import holds_merged_ids
from pipeline.backfill.find import SourceFile
from pipeline.backfill.manifest import Place
from pipeline.preview.words import amount
from pipeline.sources.archives import is_archive, open_archive
from pipeline.sources.files import FileReadError


class Holding(Struct, frozen=True):
    """A file, and the stored bytes of each text in it; 0 for a text of merged ids."""

    file: SourceFile
    texts: tuple[int, ...]
    archive: bool
    """Whether the texts are members. One that cannot be opened counts as a file."""


class Stock(Struct, frozen=True):
    """All files of a backfill, in their order."""

    holdings: tuple[Holding, ...]

    @property
    def texts(self) -> int:
        """Of all files."""
        return sum(len(each.texts) for each in self.holdings)

    def behind(self, place: Place) -> "Stock":
        """What is left at a place; a text that was begun is left whole."""
        left = self.holdings[place.file :]
        if not left or not place.text:
            return Stock(left)
        begun = left[0]
        return Stock((Holding(begun.file, begun.texts[place.text :], begun.archive), *left[1:]))

    def settled(self, place: Place) -> str:
        """How far a place is: `3 of 8 members`."""
        kinds = {each.archive for each in self.holdings}
        nouns = " and ".join(
            noun for archive, noun in ((False, "files"), (True, "members")) if archive in kinds
        )
        return f"{self.texts - self.behind(place).texts:,} of {self.texts:,} {nouns}"

    def __str__(self) -> str:
        """`3 files`, `1 archive of 8 members`, `3 files and 1 archive of 8 members`."""
        archives = [each for each in self.holdings if each.archive]
        files = len(self.holdings) - len(archives)
        parts = [amount(files, "file")] if files or not archives else []
        if archives:
            members = sum(len(each.texts) for each in archives)
            parts.append(f"{amount(len(archives), 'archive')} of {amount(members, 'member')}")
        return " and ".join(parts)


def take_stock(files: Sequence[SourceFile]) -> Stock:
    """Opens the archives among the files, and reads their tables of contents."""
    return Stock(tuple(map(_holding, files)))


def _holding(file: SourceFile) -> Holding:
    if is_archive(file.path):
        try:
            with open_archive(file.path) as archive:
                sizes = (0 if holds_merged_ids(m.name) else m.size for m in archive.members)
                return Holding(file, tuple(sizes), archive=True)
        except FileReadError:
            # It is told when it is sent.
            pass
    return Holding(file, (file.size,), archive=False)
