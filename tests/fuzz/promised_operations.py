"""What is promised of one operation: its shape, its sizes, and where its values come from.

The judge's own reading of the mapping contract. No product code.
"""

import json
import re
from typing import Any

from tests.fuzz.plain_reading import same

Json = dict[str, Any]

_ULID = re.compile("[0-7][0-9A-HJKMNP-TV-Z]{25}")
_CROCKFORD = {sign: value for value, sign in enumerate("0123456789ABCDEFGHJKMNPQRSTVWXYZ")}
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")
_EARLIEST, _LATEST = 1_000_000_000, 100_000_000_000
_OPERATORS = {
    *("$set", "$unset", "$setOnce", "$add", "$append", "$prepend"),
    *("$preInsert", "$postInsert", "$remove", "$clearAll"),
}
_MAIL = ("recipient", "from_address", "reply_to")
_OWN = ("id", "email", "cio_id")
_SHAPES = {
    "event": {"type", "action", "identifiers", "name", "id", "timestamp", "attributes"},
    "identify": {"type", "action", "identifiers", "attributes", "timestamp"},
}


def strict(body: bytes) -> Any:
    """The value of a JSON text that is sent: no NaN, no name twice, nothing but UTF-8."""
    return _STRICT.decode(body.decode())


def _never(text: str) -> Any:
    raise AssertionError(f"{text} goes out")


def _once(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    assert len(found) == len(pairs), "a name twice"
    return found


_STRICT = json.JSONDecoder(parse_constant=_never, object_pairs_hook=_once)


def check_operation(body: bytes, *, alone: bool) -> Json:
    """Checks one item as it would stand in a batch; returns it, read."""
    operation = strict(body)
    action = operation["action"]
    assert operation.keys() == _SHAPES[action]
    assert operation["type"] == "person"
    _check_person(operation["identifiers"])
    second = operation["timestamp"]
    assert type(second) is int
    assert _EARLIEST <= second < _LATEST
    assert alone == (len(body) > 32_000)
    if action == "event":
        _check_event(operation, body)
    else:
        assert not alone
        _check_identify(operation["attributes"])
    return operation  # type: ignore[no-any-return]


def _check_person(identifiers: Json) -> None:
    [(kind, value)] = identifiers.items()
    assert 1 <= len(value.encode()) <= 150
    written = f"cio_{value}" if kind == "cio_id" else value
    assert written == written.strip()
    shape = "email" if _EMAIL.fullmatch(written) else "id"
    if shape == "id" and written.startswith("cio_") and written != "cio_":
        shape = "cio_id"
    assert kind == shape


def _check_event(event: Json, body: bytes) -> None:
    assert event["name"].strip()
    assert len(event["name"].encode()) <= 100
    assert _ULID.fullmatch(event["id"])
    milliseconds = 0
    for sign in event["id"][:10]:
        milliseconds = milliseconds * 32 + _CROCKFORD[sign]
    assert milliseconds // 1000 == event["timestamp"]
    assert None not in event["attributes"].values()
    # Attributes are the last member, and within strings the quotes of their name are escaped.
    assert len(body) - 1 - body.index(b'"attributes":') - 13 <= 100_000


def _check_identify(attributes: Json) -> None:
    assert attributes.get("_update", True) is True
    own = {name: value for name, value in attributes.items() if name != "_update"}
    assert 1 <= len(own) <= 300
    for name, value in own.items():
        assert len(name.encode()) <= 150
        assert value_size(value) <= 1_000


def value_size(value: Any) -> int:
    """Bytes of a text; of anything else the compact JSON, or a little less for numbers."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, float):
        return 1
    if isinstance(value, list):
        return 2 + sum(map(value_size, value)) + max(0, len(value) - 1)
    if isinstance(value, dict):
        inner = sum(len(name.encode()) + 3 + value_size(of) for name, of in value.items())
        return 2 + inner + max(0, len(value) - 1)
    return len(json.dumps(value))


def check_source(page: Json, record: Json, operation: Json) -> None:
    """Checks that every attribute is a selected property of the record, unchanged, and all are."""
    events, trim = page.get("events", {}), page.get("limits", {}).get("on_violation") == "trim"
    preset = "all" if page.get("preset") else "none"
    attributes = dict(operation["attributes"])
    user = _user_properties(record)
    if operation["action"] == "event":
        chosen = _select(user, events.get("user_properties", preset), _MAIL)
        own = _object(record.get("event_properties"))
        chosen |= _select(own, events.get("event_properties", preset), _MAIL)
        groups = attributes.get("groups")
        if "groups" not in chosen and groups is not None:
            _check_groups(groups, _object(record.get("group_properties")))
            del attributes["groups"]
    else:
        update_only = page.get("users", {}).get("update_only", False)
        assert ("_update" in attributes) is update_only
        attributes.pop("_update", None)
        selection = page.get("users", {}).get("user_properties", "none")
        unset = _object(_object(record.get("user_properties")).get("$unset"))
        chosen = _select(user, selection, _OWN, prefix="_")
        removed = dict.fromkeys(unset)
        if selection != "all":
            removed = {name: None for name in removed if name in selection}
        else:
            removed = {n: None for n in removed if n not in _OWN and not n.startswith("_")}
        chosen |= removed
    for name, value in attributes.items():
        assert name in chosen, f"{name!r} is not selected"
        assert same(value, chosen[name]), f"the value of {name!r} is changed"
    assert trim or len(attributes) == len(chosen), "a selected property is left out"


def _select(properties: Json, selection: Any, reserved: tuple[str, ...], prefix: str = "") -> Json:
    if selection == "none":
        return {}
    present = {name: value for name, value in properties.items() if value is not None}
    if selection != "all":
        return {name: present[name] for name in selection if name in present}
    return {
        name: value
        for name, value in present.items()
        if name not in reserved and not (prefix and name.startswith(prefix))
    }


def _user_properties(record: Json) -> Json:
    given = _object(record.get("user_properties"))
    plain = {name: value for name, value in given.items() if name not in _OPERATORS}
    over = {name: of for name, of in _object(given.get("$set")).items() if of is not None}
    return plain | over


def _check_groups(groups: Json, given: Json) -> None:
    for kind, names in groups.items():
        for name, properties in names.items():
            source = _object(_object(given[kind])[name])
            assert properties
            assert all(same(value, source[key]) for key, value in properties.items())


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
