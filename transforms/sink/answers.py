"""What an answer of the Track API means for the items of the request it answers."""

import email.utils
from collections.abc import Callable, Mapping
from datetime import UTC
from enum import Enum, auto
from typing import Any

import msgspec
from msgspec import Struct


class Meaning(Enum):
    """What to do with the items of a request."""

    ACCEPTED = auto()
    """All items were taken, but for those in `Verdict.refused`."""
    SPLIT = auto()
    """Some item is at fault, and the answer does not say which."""
    RETRY = auto()
    """The request did not get through; send it again."""
    CREDENTIALS = auto()
    """No record is at fault: the credentials are wrong."""
    ENDPOINT = auto()
    """No record is at fault: the endpoint is wrong."""


class Answer(Struct, frozen=True):
    """What came back. `status` 0: nothing did; `body` then names the failure."""

    status: int
    body: bytes = b""
    retry_after: str | None = None
    date: str | None = None


Redact = Callable[[str], str]


class Verdict(Struct, frozen=True):
    """The meaning of an answer."""

    meaning: Meaning
    refused: Mapping[int, str] = {}
    """Index of an item -> Customer.io's reason, field and message."""
    detail: str = ""


_RETRIED = frozenset({0, 408, 425, 429})
_ITEM_AT_FAULT = frozenset({400, 413, 422})
_CREDENTIALS = frozenset({401, 403})
_DETAIL_CHARACTERS = 500


def read_answer(answer: Answer, items: int, redact: Redact = str) -> Verdict:
    """The verdict over a request of `items` items.

    `redact` takes what must not be quoted out of the texts of an answer: a proxy's page, for one,
    may hold the request's own head.

    Customer.io names refused items by index, in a 207 and, so its clients found, in a 200 too. An
    index that cannot be means that some item was refused but not which one: the request is split.
    """
    status = answer.status
    if status in _RETRIED or status >= 500:
        return Verdict(Meaning.RETRY, detail=_describe(answer, redact))
    if status in _CREDENTIALS:
        return Verdict(Meaning.CREDENTIALS, detail=_describe(answer, redact))
    if status in _ITEM_AT_FAULT:
        return Verdict(Meaning.SPLIT, detail=_describe(answer, redact))
    if 200 <= status < 300:
        return _read_success(answer, items, redact)
    return Verdict(Meaning.ENDPOINT, detail=_describe(answer, redact))


def _read_success(answer: Answer, items: int, redact: Redact) -> Verdict:
    body = _json(answer.body) if answer.body.strip() else {}
    if not isinstance(body, dict):
        # Whatever said 2xx (a proxy's page, say), it was not the Track API.
        return Verdict(Meaning.RETRY, detail=f"{answer.status} without a JSON object")
    errors = body.get("errors") or []
    if not isinstance(errors, list):
        return Verdict(Meaning.SPLIT, detail=_describe(answer, redact))
    if not errors and answer.status == 207:
        return Verdict(Meaning.SPLIT, detail=_describe(answer, redact))
    refused: dict[int, str] = {}
    for error in errors:
        index = error.get("batch_index") if isinstance(error, dict) else None
        if type(index) is not int or not 0 <= index < items:
            return Verdict(Meaning.SPLIT, detail=_describe(answer, redact))
        refused[index] = "; ".join(filter(None, (refused.get(index), _error_text(error, redact))))
    return Verdict(Meaning.ACCEPTED, refused=refused)


def _describe(answer: Answer, redact: Redact) -> str:
    """The status and what the body says, in one line."""
    if answer.status == 0:
        return answer.body.decode(errors="replace")
    body = _json(answer.body)
    said = ""
    if isinstance(body, dict):
        errors = body.get("errors")
        if isinstance(errors, list):
            said = "; ".join(_error_text(error, redact) for error in errors)
        meta = body.get("meta")
        if isinstance(meta, dict):
            texts = meta.get("errors") if isinstance(meta.get("errors"), list) else None
            said = "; ".join(_text(text, redact) for text in texts or [meta.get("error")])
    return f"{answer.status} {said}".strip()[:_DETAIL_CHARACTERS]


def _error_text(error: Any, redact: Redact) -> str:
    if not isinstance(error, dict):
        return _text(error, redact)
    said = [_text(error.get(key), redact) for key in ("reason", "field", "message")]
    return ": ".join(filter(None, said))[:_DETAIL_CHARACTERS]


def _text(value: Any, redact: Redact) -> str:
    # Texts are what is documented; of a list or an object nothing can be quoted.
    return "" if value is None or isinstance(value, list | dict) else _shown(redact(str(value)))


def _shown(text: str) -> str:
    """A server's words in one line; an answer that quotes a record brings what that holds."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode()
        for character in text[:_DETAIL_CHARACTERS]
    )


def _json(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def retry_after_s(answer: Answer, now: float) -> float | None:
    """Seconds that the answer asks to wait: a number of seconds or an HTTP date (RFC 9110).

    `now`: Unix seconds. An HTTP date is held against the answer's own Date when it has one, so that
    a clock that is off does no harm.
    """
    if answer.retry_after is None:
        return None
    text = answer.retry_after.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    moment = _http_date(text)
    if moment is None:
        return None
    return max(0.0, moment - (_http_date(answer.date or "") or now))


def _http_date(text: str) -> float | None:
    try:
        moment = email.utils.parsedate_to_datetime(text)
        # The form without a zone, C's asctime, is UTC as well (RFC 9110).
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
