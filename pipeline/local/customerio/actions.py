"""What can happen to a request instead of, or besides, its answer.

The classes are also the JSON of POST /_standin/faults, told apart by their field "do".
"""

from typing import Literal

import msgspec


class _Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    """Common settings of the actions below."""


class Respond(_Action, frozen=True, tag="respond"):
    """Answer this; ``apply`` carries the request out nevertheless, unseen by the sender."""

    status: int
    headers: dict[str, str] = {}
    body: str = ""
    content_type: str = "application/json"
    apply: bool = False


class Reset(_Action, frozen=True, tag="reset"):
    """Reset the connection without an answer, before or after the request was carried out."""

    apply: bool = False


class Hang(_Action, frozen=True, tag="hang"):
    """Wait ``seconds`` (None: until `Faults.release`), then answer as usual.

    ``apply_first`` carries the request out before the wait. A request whose sender has left
    meanwhile is carried out all the same.
    """

    seconds: float | None = None
    apply_first: bool = False


class Trickle(_Action, frozen=True, tag="trickle"):
    """Send the answer byte after byte, ``bytes_per_second`` of them: its body, or its ``head`` too.

    Spaces before the JSON fill the body up to ``size`` bytes. With ``apply`` the request is
    carried out before the first byte leaves and the answer is its own; without, it is a 503.
    """

    bytes_per_second: float = 50.0
    size: int = 200
    head: bool = False
    apply: bool = True


class Truncate(_Action, frozen=True, tag="truncate"):
    """Close the connection ``missing`` bytes before the length that the head announced.

    With ``head`` it ends in the middle of the head, after a status line that looks like a success.
    With ``apply`` the request is carried out first; without, not at all, although the part that
    arrives looks like a success.
    """

    missing: int = 10
    head: bool = False
    apply: bool = True


class Flood(_Action, frozen=True, tag="flood"):
    """Carry the request out, and put spaces before the answer's JSON up to ``size`` bytes."""

    size: int = 8_000_000


class Busy(_Action, frozen=True, tag="busy"):
    """429 with a Retry-After that is an HTTP date, ``seconds`` from now."""

    seconds: int = 1


class ItemErrors(_Action, frozen=True, tag="item_errors"):
    """Refuse the items at ``indexes`` of a v2 request, in an ``errors`` array; apply the others.

    With status 200 it is the answer that a careless client takes for a success. An index beyond
    the batch is reported as it stands. Without ``apply`` no item is carried out, whatever the
    indexes say. Requests of version 1 are answered as usual.
    """

    indexes: tuple[int, ...]
    status: Literal[200, 207] = 200
    reason: str = "invalid"
    field: str = "attributes"
    message: str = "refused by a scripted fault"
    apply: bool = True


Action = Respond | Reset | Hang | Trickle | Truncate | Flood | Busy | ItemErrors


def rate_limited(retry_after_s: int | None = 1) -> Respond:
    """429, with Retry-After unless None."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return Respond(429, headers, '{"meta":{"error":"too many requests"}}')


def unavailable(status: int = 503) -> Respond:
    """A server error with an HTML body, as a proxy in between would send it."""
    return html_page(status)


def redirect(location: str, status: int = 302) -> Respond:
    """Another address."""
    return Respond(status, {"Location": location})


def html_page(status: int) -> Respond:
    """A page where JSON was expected."""
    page = f"<html><body><h1>Error {status}</h1></body></html>"
    return Respond(status, body=page, content_type="text/html")


def name_of(action: Action) -> str:
    """A short name for counting: the kind of action, and what tells it from others of the kind."""
    kind = str(action.__struct_config__.tag)
    details: list[str] = []
    match action:
        case Respond():
            html = action.content_type == "text/html"
            kind = f"{action.status} html" if html else f"{action.status}"
            after = action.headers.get("Retry-After")
            details = [f"Retry-After {after}"] if after is not None else []
        case Trickle():
            details = [f"{action.size:,} B at {action.bytes_per_second:g} B/s"]
            details += ["with head"] if action.head else []
        case Truncate(head=True):
            details = ["head"]
        case Busy():
            kind, details = "429", ["Retry-After date"]
        case ItemErrors():
            details = [str(action.status), ",".join(map(str, action.indexes))]
        case _:
            pass
    applied = action.apply_first if isinstance(action, Hang) else getattr(action, "apply", False)
    return " ".join([kind, *details, *(["applied"] if applied else [])])
