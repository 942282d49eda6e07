"""A settings file as plain data that remembers the line of every key."""

from dataclasses import dataclass, field

from pipeline.settings.faults import Fault, Path
from pipeline.settings.yaml_tree import (
    MAX_DEPTH,
    Mapping,
    Node,
    Scalar,
    Sequence,
    UnreadableError,
    read_tree,
)

# Aliases of aliases can stand for far more values than a file has bytes.
_MAX_VALUES = 100_000
_PLAIN = "plain texts, numbers, true, false, null, lists and mappings"


@dataclass
class Document:
    """`data` is made of texts, numbers, booleans, None, lists and dicts.

    `faults` are those that `data` cannot show. Where a value itself cannot be read its path is
    also in `unreadable`, and `data` holds None. `flags` are the values that flags have put there.
    """

    data: object = None
    lines: dict[Path, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unreadable: set[Path] = field(default_factory=set)
    flags: dict[Path, str] = field(default_factory=dict)

    def line(self, path: Path) -> int | None:
        """Line of the key or list item at `path`, else of the nearest one that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def put(self, path: Path, value: "Document", flag: str) -> None:
        """Puts the value of a flag to `path`, in place of what the file has there.

        Where the file has something else than the mapping that the value belongs to, nothing is
        put: the model is going to refuse the file for that.
        """
        holder = self.data
        for part in path[:-1]:
            holder = holder.setdefault(part, {}) if isinstance(holder, dict) else None
        if not isinstance(holder, dict):
            return
        holder[path[-1]] = value.data
        self.lines = {at: line for at, line in self.lines.items() if not _is_under(at, path)}
        self.faults = [fault for fault in self.faults if not _is_under(fault.path, path)]
        self.faults += [fault.under(*path) for fault in value.faults]
        self.unreadable = {at for at in self.unreadable if not _is_under(at, path)}
        self.unreadable |= {(*path, *at) for at in value.unreadable}
        self.flags[path] = flag

    def flag(self, path: Path) -> str | None:
        """The flag that has put the value at `path`, if one has."""
        return next((flag for at, flag in self.flags.items() if _is_under(path, at)), None)


def _is_under(path: Path, holder: Path) -> bool:
    return path[: len(holder)] == holder


def read_document(text: str, *, nullable: bool = False) -> Document:
    """Read YAML or JSON. `nullable`: it may be null, which a whole file may not be.

    Raises:
        UnreadableError: the text as a whole cannot be read; single values that cannot are faults.
    """
    line, root = read_tree(text, nullable=nullable)
    document = Document(lines={(): line})
    document.data = _Reader(document).value(root, ())
    return document


class _Reader:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._values = 0

    def value(self, node: Node, path: Path) -> object:
        self._values += 1
        if self._values > _MAX_VALUES or len(path) > MAX_DEPTH:
            raise UnreadableError(
                "too many values, or aliases nested too deep", self._document.line(path)
            )
        if node.fault:
            self._document.faults.append(Fault(path, node.fault, _PLAIN))
            self._document.unreadable.add(path)
            return None
        if isinstance(node, Scalar):
            return node.value
        return self._list(node, path) if isinstance(node, Sequence) else self._dict(node, path)

    def _list(self, node: Sequence, path: Path) -> list[object]:
        items = []
        for index, (line, item) in enumerate(node.items):
            self._document.lines[*path, index] = line
            items.append(self.value(item, (*path, index)))
        return items

    def _dict(self, node: Mapping, path: Path) -> dict[str, object]:
        result: dict[str, object] = {}
        lines: dict[str, list[int]] = {}
        for key, line, value in node.pairs:
            if key is None:
                found = f"the key on line {line} is not a text"
                hint = "a key that begins with [ or { needs quotes round it"
                self._document.faults.append(Fault(path, found, hint=hint))
                continue
            lines.setdefault(key, []).append(line)
            if key not in result:
                self._document.lines[*path, key] = line
                result[key] = self.value(value, (*path, key))
        for key, where in lines.items():
            if len(where) > 1:
                found = f"given {len(where)} times, on lines {' and '.join(map(str, where))}"
                self._document.faults.append(Fault((*path, key), found, hint="keep one"))
        return result
