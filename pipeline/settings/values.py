"""Checks of single settings that are more than a type and a range.

Each takes whatever stood in the file and returns the typed value, or raises every fault in it.
"""

import ipaddress
import re
from difflib import get_close_matches
from typing import Final, Literal
from urllib.parse import urlsplit

from pipeline.settings.credentials import CREDENTIAL_ALLOWED, CredentialReference
from pipeline.settings.faults import Fault, describe, kind_of, quoted, refusal
from pipeline.settings.names import fits_brackets

Scalar = str | int | float | bool

PROPERTY_ALLOWED: Final = "a top-level field, user_properties.NAME or event_properties.NAME"
VALUES_ALLOWED: Final = "a list of texts, numbers, true, false"
RENAME_ALLOWED: Final = "a mapping of event type to new name (1 to 100 bytes)"
OBJECT_TYPES_ALLOWED: Final = "a mapping of group type to object type id (1 to 150 bytes)"
ENDPOINT_ALLOWED: Final = "null, or https://HOST[:PORT][/PATH] (http only to this machine)"
HASH_SALT_ALLOWED: Final = f"{CREDENTIAL_ALLOWED}; or none"

# Limits of an event's name and of an identifier: https://docs.customer.io/files/journeys-track.json
_MAX_EVENT_NAME_BYTES = 100
_MAX_IDENTIFIER_BYTES = 150

_PROPERTY_BAGS = ("user_properties", "event_properties")
_TOP_LEVEL_FIELD = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_LOOPBACK_4 = ipaddress.IPv4Network("127.0.0.0/8")
_LOOPBACK_6 = ipaddress.IPv6Address("::1")


def property_path(value: object) -> str:
    """A top-level field of the record, or user_properties.NAME / event_properties.NAME.

    NAME may hold dots itself: only the first one separates.
    """
    if not isinstance(value, str):
        raise refusal(Fault((), f"found {describe(value)}", PROPERTY_ALLOWED))
    head, dot, name = value.partition(".")
    in_bag = head in _PROPERTY_BAGS
    if in_bag and name.strip():
        return value
    if not dot and not in_bag and _TOP_LEVEL_FIELD.fullmatch(head):
        return value
    hint = None
    if in_bag:
        hint = f"name one property: {head}.NAME"
    elif name.strip():
        close = get_close_matches(head[:100], _PROPERTY_BAGS, n=1)
        hint = f"did you mean {close[0]}.NAME?" if close else None
    raise refusal(Fault((), f"found {quoted(value)}", PROPERTY_ALLOWED, hint))


def clause_values(value: object) -> tuple[Scalar, ...]:
    """What a where clause compares with."""
    if not isinstance(value, list | tuple):
        hint = None
        if isinstance(value, str):
            hint = f"did you mean [{value}]?" if fits_brackets(value) else "put it in a list"
        elif isinstance(value, int | float):
            hint = f"did you mean [{describe(value)}]?"
        raise refusal(Fault((), f"found {describe(value)}", VALUES_ALLOWED, hint))
    faults = [
        Fault((index,), f"found {describe(item)}", "a text, a number, true, false")
        for index, item in enumerate(value)
        if not isinstance(item, str | int | float)
    ]
    if faults:
        raise refusal(*faults)
    return tuple(value)


def new_names(value: object) -> dict[str, str]:
    """Event type -> its name in Customer.io."""
    return _texts(value, RENAME_ALLOWED, "event type", "name", _MAX_EVENT_NAME_BYTES)


def object_types(value: object) -> dict[str, str]:
    """Group type -> object_type_id."""
    return _texts(
        value, OBJECT_TYPES_ALLOWED, "group type", "object type id", _MAX_IDENTIFIER_BYTES
    )


def _texts(value: object, allowed: str, key: str, what: str, limit: int) -> dict[str, str]:
    """A mapping of texts to texts of 1 to `limit` bytes; `key` and `what` are their names."""
    if not isinstance(value, dict):
        raise refusal(Fault((), f"found {describe(value)}", allowed))
    faults = []
    for old, new in value.items():
        found = _text_fault(new, what, limit)
        if not str(old).strip():
            faults.append(Fault((str(old),), f"the {key} is blank"))
        elif found:
            hint = "put quotes round it" if isinstance(new, int | float) else None
            of_text = f"a text of 1 to {limit} bytes that is not blank"
            faults.append(Fault((str(old),), found, of_text, hint))
    if faults:
        raise refusal(*faults)
    return dict(value)


def endpoint(value: object) -> str | None:
    """Base URL without a slash at its end, or None: the endpoint of the region."""
    if value is None:
        return None
    fault = _endpoint_fault(value) if isinstance(value, str) else f"found {describe(value)}"
    if fault:
        raise refusal(Fault((), fault, ENDPOINT_ALLOWED))
    return str(value).rstrip("/")


def credential(value: object, allowed: str = CREDENTIAL_ALLOWED) -> CredentialReference:
    """A reference to a credential. The value is never repeated: it may be the key itself."""
    if isinstance(value, CredentialReference):
        return value
    if not isinstance(value, str):
        raise refusal(Fault((), f"found {kind_of(value)} (not shown)", allowed))
    try:
        return CredentialReference(value)
    except ValueError:
        hint = "a key in clear is not accepted in the file"
        found = "found a text that is no reference (not shown)"
        raise refusal(Fault((), found, allowed, hint)) from None


def hash_salt(value: object) -> CredentialReference | Literal["none"] | None:
    """A reference to the salt; `none` to do without one; null where nothing is hashed."""
    if value is None:
        return None
    return "none" if value == "none" else credential(value, HASH_SALT_ALLOWED)


def hash_salt_text(salt: CredentialReference | Literal["none"] | None) -> str | None:
    """The salt as it stands in the settings."""
    return None if salt is None else str(salt)


def _text_fault(new: object, what: str, limit: int) -> str | None:
    if not isinstance(new, str):
        return f"found {describe(new)}"
    size = len(new.encode())
    if size > limit:
        article = "an" if what[0] in "aeio" else "a"
        return f"found {quoted(new)}, {article} {what} of {size} bytes"
    return None if new.strip() else f"found {quoted(new)}"


def _endpoint_fault(text: str) -> str | None:
    """What is wrong with the URL. Parts that can hold a credential are not repeated."""
    if "@" in text:
        return "found a URL with credentials in it (not shown)"
    if "?" in text or "#" in text:
        return "found a URL with a query or a fragment (not shown)"
    if not text.isprintable() or " " in text or "\\" in text:
        return f"found {quoted(text)}, which holds white space or a backslash"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return f"found {quoted(text)}, which is no URL"
    if parts.scheme not in ("https", "http") or not host or port == 0:
        return f"found {quoted(text)}"
    if parts.scheme == "http" and not _is_loopback(host):
        return f"found {quoted(text)}; http would send the credentials in clear"
    return None if _is_sendable(text) else f"found {quoted(text)}, which is no URL"


def _is_sendable(url: str) -> bool:
    """Whether the HTTP client takes the URL too, and its host can be looked up at all.

    The client is the stricter one: urlsplit takes http://[::1]example.com for ::1.
    """
    # Imported here: only a file with an endpoint needs it.
    from requests import PreparedRequest, RequestException

    request = PreparedRequest()
    try:
        request.prepare_url(url, None)
        (urlsplit(request.url or "").hostname or "").encode("idna")
    except (RequestException, ValueError):
        return False
    return True


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address == _LOOPBACK_6 or (
        isinstance(address, ipaddress.IPv4Address) and address in _LOOPBACK_4
    )
