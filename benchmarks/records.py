"""The input of every row: export records of 55 keys, no two of them alike."""

import json
import random
from collections.abc import Iterator
from functools import cache
from itertools import count, islice
from pathlib import Path
from typing import Any, NamedTuple

PEOPLE = 50_000
"""As many people as records are spread over, unless a row says otherwise."""
_SAMPLE = Path(__file__).parents[1] / "tests" / "samples" / "export_lines.ndjson"
_FIRST_MS = 1_777_888_867_001
_STEP_MS = 7

USUAL_BYTES = 1_600
"""About the size of a record with all of its keys."""
_EVENT_TYPES = (
    "Report Exported",
    "Pricing Viewed",
    "session_start",
    "[Amplitude] Page Viewed",
    "Seat Added",
    "Plan Upgraded",
    "Invoice Paid",
    "App Opened",
)
USER_UPDATE = "$identify"
_PLANS = ("free", "team", "pro", "enterprise")

_SMALL = ("app", "$insert_id", "device_id", "user_id", "event_type", "event_time", "uuid")
_SMALL_PROPERTIES = ("rows", "ok", "source", "price", "[Amplitude] Page Path")
"""Of a record of about 400 bytes."""
_ELEMENT_BYTES = 15
_POOL = 20_000
"""Elements that larger records are filled with, each time other ones."""


class Made(NamedTuple):
    """A record and what is known of it."""

    line: bytes
    event: bool
    """False for a user update."""
    person: int
    """Its number; 0 is the hot one."""


class Shape(NamedTuple):
    """What records are made like.

    `updates`: share of user updates. `hot`: share of records that one person has. `size`: bytes of
    a record, about; what is over the usual size is in an event property that is sent, and in a user
    property that is not.
    """

    seed: int = 1
    updates: float = 0.2
    hot: float = 0.0
    people: int = PEOPLE
    size: int = USUAL_BYTES


@cache
def _templates(size: int) -> tuple[bytes, bytes]:
    """An event and a user update as bytes with places for the values of one record."""
    fields = json.loads(_SAMPLE.read_bytes().splitlines()[0])
    fields |= {
        "$insert_id": "5100%(serial)012x-5000-8000-%(insert)012x",
        "device_id": "53000000-0000-5000-8000-%(person)012x",
        "user_id": "user-%(seed)d-%(person)06d",
        "amplitude_id": "@900000%(person)06d@",
        "event_id": "@%(serial)d@",
        "ip_address": "198.51.100.%(octet)d",
        "uuid": "52%(insert)012x-0000-5000-8000-%(serial)06x",
        "event_type": "%(event_type)s",
    }
    for field in ("event_time", "client_event_time", "server_received_time"):
        fields[field] = "%(time)s"
    person = {
        "initial_utm_source": "EMPTY",
        "initial_referrer": "EMPTY",
        "initial_gclid": "EMPTY",
        "email": "person%(person)d@example.com",
        "plan": "%(plan)s",
        "seats": "@%(seats)d@",
        "beta": True,
        "ltv": "@%(price)s@",
    }
    properties = {
        "format": "csv",
        "rows": "@%(serial)d@",
        "ok": True,
        "source": "toolbar",
        "duration_ms": "@%(octet)d@",
        "team": "Team %(octet)d",
        "tags": ["a", "b"],
        "price": "@%(price)s@",
        "[Amplitude] Page Path": "/r/%(serial)d",
        "[Amplitude] Page Counter": "@%(octet)d@",
    }
    if size < USUAL_BYTES:
        fields = {name: fields[name] for name in _SMALL}
        person = {name: person[name] for name in ("plan", "seats")}
        properties = {name: properties[name] for name in _SMALL_PROPERTIES}
    filled = {"fill": "@[%(fill)s]@"} if size > USUAL_BYTES else {}
    sent = {"tags": filled["fill"]} if filled else {}
    event = fields | {"user_properties": person, "event_properties": properties | sent}
    update = fields | {
        "user_properties": person | filled,
        "event_type": USER_UPDATE,
        "event_properties": {},
    }
    return _template(event), _template(update)


def _template(fields: dict[str, Any]) -> bytes:
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    # Numbers stand as texts in the dictionary: "@…@" loses its quotes.
    return text.replace('"@', "").replace('@"', "").encode()


@cache
def _pool() -> str:
    return ",".join(f'"{number:012x}"' for number in random.Random(0).sample(range(16**12), _POOL))


def _fill(number: int, size: int) -> str:
    """Texts for a list of about `size` - `USUAL_BYTES` bytes, of fixed width each."""
    elements = (size - USUAL_BYTES) // _ELEMENT_BYTES
    start = number % (_POOL - elements) * _ELEMENT_BYTES
    return _pool()[start : start + elements * _ELEMENT_BYTES - 1]


def time_ms(serial: int) -> int:
    """The time of the record of this number, Unix milliseconds."""
    return _FIRST_MS + serial * _STEP_MS


def records(shape: Shape) -> Iterator[Made]:
    """Records without end, in the order of their times; a shape gives the same ones."""
    rng = random.Random(shape.seed)
    event, update = (template.decode() for template in _templates(shape.size))
    updates_of_1000 = round(shape.updates * 1000)
    for serial in count():
        second, millisecond = divmod(time_ms(serial), 1000)
        of_day = second % 86_400
        number = rng.getrandbits(30)
        hot = bool(shape.hot) and rng.random() < shape.hot
        person = 0 if hot else 1 + number % shape.people
        values = {
            "seed": shape.seed,
            "serial": serial,
            "insert": number,
            "person": person,
            "octet": number % 250,
            "time": f"2026-05-{4 + (second - _FIRST_MS // 1000) // 86_400:02d} "
            f"{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}.{millisecond:03d}000",
            "plan": _PLANS[number % 4],
            "seats": number % 97,
            "price": f"{number % 10_000 / 100:.2f}",
            "event_type": _EVENT_TYPES[number % 8],
        }
        if shape.size > USUAL_BYTES:
            values["fill"] = _fill(number, shape.size)
        is_update = number % 1000 < updates_of_1000
        yield Made(((update if is_update else event) % values).encode(), not is_update, person)


def export_records(total: int, shape: Shape | None = None) -> Iterator[bytes]:
    """The first `total` records of a shape."""
    return (made.line for made in islice(records(shape or Shape()), total))
