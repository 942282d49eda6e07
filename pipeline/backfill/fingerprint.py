"""What of the settings a backfill is tied to, key by key, and which of it differs.

Kept in the manifest, so that a refusal can name the key. Values that conditions compare with may be
somebody's data: of the conditions there is a digest only.
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, Final

import msgspec

from pipeline.preview.words import brief, listed
from pipeline.settings import Settings

Fingerprint = Mapping[str, Any]
"""Key of the settings -> its value, as JSON has it."""

_NOT_WHAT_IS_SENT: Final = ("delivery", "status", "preset", "customerio")
"""What may change under way. A preset stands for other keys, and those are looked at; of the
account it is the endpoint that tells where things go, not the credentials."""
_DIGESTED: Final = "events.where"


def fingerprint(settings: Settings) -> Fingerprint:
    """What settings say about what is sent and where; not about how fast."""
    page = settings.model_dump(exclude=set(_NOT_WHAT_IS_SENT))
    values = {"customerio.endpoint": settings.customerio.base_url} | {
        f"{name}.{key}": value for name, section in page.items() for key, value in section.items()
    }
    conditions = msgspec.json.encode(values[_DIGESTED], order="deterministic")
    values[_DIGESTED] = blake2b(conditions, digest_size=16).hexdigest()
    decoded: Fingerprint = msgspec.json.decode(msgspec.json.encode(values))
    return decoded


def differences(before: Fingerprint, now: Fingerprint) -> Iterator[str]:
    """The keys that differ, each with what it was and what it is."""
    for key in dict.fromkeys((*before, *now)):
        old, new = before.get(key), now.get(key)
        if old == new:
            continue
        if key == _DIGESTED:
            yield f"{key} has other conditions"
        else:
            yield f"{key} {_change(old, new)}"


def _change(old: Any, new: Any) -> str:
    was, now = _parts(old), _parts(new)
    gone = [brief(part) for part in was if part not in now]
    come = [brief(part) for part in now if part not in was]
    if not was or not now or not (gone or come):
        return f"was {brief(old)}, is {brief(new)}"
    told = ((gone, "no longer has"), (come, "now has"))
    return ", ".join(f"{words} {listed(parts)}" for parts, words in told if parts)


def _parts(value: Any) -> list[Any]:
    """What a list or a mapping holds; nothing for anything else."""
    if isinstance(value, dict):
        return [{name: of} for name, of in value.items()]
    return value if isinstance(value, list) else []
