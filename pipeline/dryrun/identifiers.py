"""Identifiers: which shapes they have, which are missing, and which look like mistakes.

No identifier is kept: only counts, and words from lists that stand here.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from pipeline.dryrun.bounded import BoundedCounter
from transforms.limits import value_bytes
from transforms.properties import PropertyPath
from transforms.records import Record
from transforms.resolve import MAX_IDENTIFIER_BYTES, identifier_text, identifiers_of

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
        self.longest = max(self.longest, value_bytes(text))
        [shape] = identifiers_of(text)
        self.shapes[shape] += 1
        self.mistakes.update(_faults(text, shape, record.fields.get("device_id")))


def _faults(text: str, shape: str, device_id: Any) -> Iterator[str]:
    if value_bytes(text) > MAX_IDENTIFIER_BYTES:
        yield TOO_LONG
    elif text.casefold() in PLACEHOLDERS:
        yield f'the word "{text.casefold()}"'
    elif not text.translate(_DASHES):
        yield ZEROS
    elif text == device_id:
        yield DEVICE
    elif any(character.isspace() or not character.isprintable() for character in text):
        yield SPACES
    elif shape == "id" and "@" in text:
        yield NO_ADDRESS
