"""The input of every row: export records of 55 keys, no two of them alike."""

import json
import random
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.settings.model import Settings

PEOPLE = 50_000
"""As many people as records are spread over, unless a row says otherwise."""
_SAMPLE = Path(__file__).parents[1] / "tests" / "samples" / "export_lines.ndjson"
_FIRST_MS = 1_777_888_867_001
_STEP_MS = 7

SETTINGS = Settings.model_validate(
    {
        "events": {
            "event_properties": [
                "format",
                "rows",
                "ok",
                "source",
                "duration_ms",
                "team",
                "tags",
                "price",
            ],
            "user_properties": ["plan", "seats"],
        },
        "users": {"user_properties": ["plan", "seats", "beta", "ltv"]},
    }
)
"""Allow-lists of eight event properties and four user properties; every check is on."""

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
_USER_UPDATE = "$identify"
_PLANS = ("free", "team", "pro", "enterprise")


@cache
def _templates() -> tuple[bytes, bytes]:
    """An event and a user update as bytes with places for `_values`."""
    fields = json.loads(_SAMPLE.read_bytes().splitlines()[0])
    fields |= {
        "$insert_id": "5100%(serial)012x-5000-8000-%(insert)012x",
        "device_id": "53000000-0000-5000-8000-%(person)012x",
        "user_id": "user-%(person)06d",
        "amplitude_id": "@900000%(person)06d@",
        "event_id": "@%(serial)d@",
        "ip_address": "198.51.100.%(octet)d",
        "uuid": "52%(insert)012x-0000-5000-8000-%(serial)06x",
    }
    for field in ("event_time", "client_event_time", "server_received_time"):
        fields[field] = "%(time)s"
    fields["user_properties"] = {
        "initial_utm_source": "EMPTY",
        "initial_referrer": "EMPTY",
        "initial_gclid": "EMPTY",
        "email": "person%(person)d@example.com",
        "plan": "%(plan)s",
        "seats": "@%(seats)d@",
        "beta": True,
        "ltv": "@%(price)s@",
    }
    event = fields | {
        "event_type": "%(event_type)s",
        "event_properties": {
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
        },
    }
    update = fields | {"event_type": _USER_UPDATE, "event_properties": {}}
    return _template(event), _template(update)


def _template(fields: dict[str, Any]) -> bytes:
    text = json.dumps(fields, separators=(",", ":"), ensure_ascii=False)
    # Numbers stand as texts in the dictionary: "@…@" loses its quotes.
    return text.replace('"@', "").replace('@"', "").encode()


def export_records(
    count: int, *, seed: int = 1, updates: float = 0.2, hot: float = 0.0, people: int = PEOPLE
) -> Iterator[bytes]:
    """`count` records, about 1.6 kB each, in the order of their times; a seed gives the same ones.

    `updates`: share of user updates. `hot`: share of records that one person has.
    """
    rng = random.Random(seed)
    event, update = (template.decode() for template in _templates())
    for serial in range(count):
        second, millisecond = divmod(_FIRST_MS + serial * _STEP_MS, 1000)
        of_day = second % 86_400
        number = rng.getrandbits(30)
        values = {
            "serial": serial,
            "insert": number,
            "person": 0 if hot and rng.random() < hot else 1 + number % people,
            "octet": number % 250,
            "time": f"2026-05-{4 + (second - _FIRST_MS // 1000) // 86_400:02d} "
            f"{of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}.{millisecond:03d}000",
            "plan": _PLANS[number % 4],
            "seats": number % 97,
            "price": f"{number % 10_000 / 100:.2f}",
            "event_type": _EVENT_TYPES[number % 8],
        }
        template = update if number % 1000 < updates * 1000 else event
        yield (template % values).encode()
