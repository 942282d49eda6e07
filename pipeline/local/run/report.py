"""What a local run shows at its end: the ledger, people, events, and what to do next."""

import json
from pathlib import Path
from typing import Any

import msgspec
import requests
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.ledger import Ledger, render

_SHOWN = 6
_LOOKED_AT = 500
"""Of the latest events one of each name is shown; of the people those with most attributes."""
_TIMEOUT_S = 10.0


def read_ledger_file(path: Path) -> Ledger | None:
    """The ledger that the pipeline wrote; None as long as there is none."""
    try:
        return msgspec.convert(json.loads(path.read_text(encoding="utf-8")), Ledger)
    except FileNotFoundError:
        return None


def show_ledger(console: Console, ledger: Ledger) -> None:
    """The ledger as a table."""
    console.print(render(ledger))


def show_workspace(console: Console, endpoint: str) -> dict[str, Any]:
    """A few people and events as Customer.io would show them; returns the stand-in's counters."""
    people = _get(endpoint, f"/_standin/people?limit={_LOOKED_AT}")
    people.sort(key=lambda person: len(person["attributes"]), reverse=True)
    latest = _get(endpoint, f"/_standin/events?limit={_LOOKED_AT}")
    events = list({event["name"]: event for event in latest}.values())[:_SHOWN]
    summary: dict[str, Any] = _get(endpoint, "/_standin/summary")
    table = Table(title=f"People ({summary['people']:,} in all)", title_justify="left")
    table.add_column("person", no_wrap=True)
    table.add_column("attributes")
    for person in people[:_SHOWN]:
        table.add_row(Text(_name(person)), Text(_short(person["attributes"])))
    console.print(table)
    table = Table(title=f"Events ({summary['events']:,} in all)", title_justify="left")
    table.add_column("event", no_wrap=True)
    table.add_column("person", no_wrap=True)
    table.add_column("data")
    for event in events:
        table.add_row(
            Text(_printable(event["name"])[:30]),
            Text(_name(event["identifiers"])),
            Text(_short(event["data"])),
        )
    console.print(table)
    return summary


def _get(endpoint: str, path: str) -> Any:
    response = requests.get(endpoint + path, timeout=_TIMEOUT_S)
    response.raise_for_status()
    return response.json()


def _name(identifiers: dict[str, Any]) -> str:
    """The identifier that a person is known by."""
    known = (identifiers.get(kind) for kind in ("id", "email", "cio_id"))
    return _printable(str(next(filter(None, known), "-")))[:28]


def _short(values: dict[str, Any]) -> str:
    text = _printable(
        ", ".join(
            f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in values.items()
        )
    )
    return text if len(text) <= 160 else text[:159] + "…"


def _printable(text: str) -> str:
    # A terminal must not obey what a record says.
    return "".join(character if character.isprintable() else "·" for character in text)
