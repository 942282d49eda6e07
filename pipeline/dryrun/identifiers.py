"""Identifiers: which shapes they have, which are missing, and which look like mistakes.

No identifier is kept: only counts, and words from lists that stand here.
"""

from collections import Counter
from typing import Any, Final

from pipeline.dryrun.bounded import BoundedCounter
from transforms.limits import MAX_IDENTIFIER_BYTES, value_bytes
from transforms.properties import PropertyPath
from transforms.records import Record
from transforms.resolve import identifier_text, identifiers_of

PLACEHOLDERS: Final = frozenset(
    {
        *("null", "nil", "none", "undefined", "nan", "n/a", "na", "-", "0", "-1", "true", "false"),
        *("unknown", "anonymous", "guest", "test", "user_id", "userid", "[object object]", "{}"),
    }
)
"""Texts that stand for "nobody", folded: what programs write where they have no identifier."""
TOO_LONG: Final = f"over {MAX_IDENTIFIER_BYTES} bytes: cannot be sent"
ZEROS: Final = "nothing but zeros"
DEVICE: Final = "the same text as the record's device_id"
SPACES: Final = "with a space or a control character in it"
NO_ADDRESS: Final = "with an @, but no e-mail address: becomes an id"
NO_TEXT: Final = "neither text nor a number: counts as missing"
_DASHES = str.maketrans("", "", "-0")


class Identifiers:
    """What was seen where the settings look for the person."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._path = PropertyPath(path)
        self.shapes: Counter[str] = Counter()
        """`id`, `email` or `cio_id` -> records."""
        self.missing: BoundedCounter[str] = BoundedCounter()
        """What kind of record -> records without an identifier."""
        self.mistakes: Counter[str] = Counter()
        """Why an identifier looks like a mistake -> records."""
        self.longest = 0
        """Bytes."""

    def note(self, record: Record, kind: str) -> None:
        """Looks at one record; `kind` says what it is, an event type for one."""
        value = self._path.read(record.fields)
        text = identifier_text(value)
        if text is None:
            self.missing.add(kind)
            if value is not None and not isinstance(value, str):
                self.mistakes[NO_TEXT] += 1
            return
        [(shape, sent)] = identifiers_of(text).items()
        size = value_bytes(sent)
        self.longest = max(self.longest, size)
        self.shapes[shape] += 1
        fault = _fault(text, shape, size, record.fields.get("device_id"))
        if fault is not None:
            self.mistakes[fault] += 1


def _fault(text: str, shape: str, size: int, device_id: Any) -> str | None:
    """Why an identifier looks like a mistake; None where it does not."""
    if size > MAX_IDENTIFIER_BYTES:
        return TOO_LONG
    if text.casefold() in PLACEHOLDERS:
        return f'the word "{text.casefold()}"'
    if not text.translate(_DASHES):
        return ZEROS
    if text == device_id:
        return DEVICE
    if any(character.isspace() or not character.isprintable() for character in text):
        return SPACES
    return NO_ADDRESS if shape == "id" and "@" in text else None
