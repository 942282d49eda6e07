"""The figures of a dry run are those of a real run of the same records."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.dryrun.look import Look
from pipeline.dryrun.reading import Bounds, End, Reading
from pipeline.launch import EXIT_OK, main
from pipeline.ledger import read_ledger
from pipeline.local.customerio import CustomerIoStandIn
from pipeline.local.traffic import generate
from pipeline.sources.files import find_files
from tests.pipeline.dryrun_world import chain
from transforms.sink.sink import PART_ITEMS

pytestmark = pytest.mark.usefixtures("fresh_process")

NOW = 1_777_888_867.0
SECOND = 1_500
"""Records of the second file: it goes out at once, spread by request. The first one is larger and
goes out in parts, spread by person."""
OF_THE_REQUESTS = ("requests", "request_bytes", "batch_items")

CASES: list[Any] = [
    pytest.param(
        {
            "events": {
                "exclude": ["Internal Heartbeat"],
                "where": [
                    {"property": "event_properties.environment", "op": "is_not", "values": ["s"]}
                ],
                "event_properties": ["plan", "amount"],
                "user_properties": ["email"],
            },
            "users": {"user_properties": ["plan", "email"]},
            "mappings": {"anonymous": "dead_letter"},
            "delivery": {"max_requests_per_second": 0},
        },
        19_000,
        id="lists",
    ),
    pytest.param(
        {
            "preset": "all_properties",
            "users": {"user_properties": "all", "trigger": "always", "update_only": True},
            "limits": {"on_violation": "trim"},
            "delivery": {"max_requests_per_second": 0, "max_batch_items": 37, "lanes": 3},
        },
        9_500,
        id="everything",
    ),
]


def write_files(folder: Path, first: int) -> None:
    """Two files with every kind of trouble."""
    for seed, count in ((1, first), (2, SECOND)):
        lines = [
            each.data.strip()
            for each in generate(count, seed=seed, now=NOW, trouble=0.1)
            if b"\n" not in each.data.strip() and len(each.data) < 1_000_000
        ]
        (folder / f"{seed}.ndjson").write_bytes(b"\n".join(lines))


@pytest.mark.parametrize(("settings", "first"), CASES)
def test_it_is_what_the_job_sends(
    settings: dict[str, Any], first: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", "site")
    monkeypatch.setenv("CUSTOMERIO_API_KEY", "key")
    write_files(tmp_path, first)
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    files = str(tmp_path / "*.ndjson")
    with CustomerIoStandIn("site", "key") as stand_in:
        code = main(
            [
                f"--settings={tmp_path / 'settings.json'}",
                f"--input_files={files}",
                f"--dead_letter_files={tmp_path / 'dead'}",
                f"--customerio_endpoint={stand_in.url}",
            ]
        )
        people = len(stand_in.workspace.people(10**6))
    ledger = read_ledger()
    assert code == EXIT_OK
    assert ledger.outcomes["delivered"] > first / 2
    assert ledger.outcomes["coalesced.identify"] > 0
    assert "dead_lettered.rejected" not in ledger.outcomes

    look = Look(chain(settings))

    def take(message: Any) -> int:
        look.take(message)
        return look.traffic.records

    end = Reading(Bounds(None, None), take, look.end_bundle).files(find_files(files))
    assert end is End.ALL
    ours = look.chain
    assert dict(ours.outcomes()) == ledger.outcomes
    assert ours.operations.total() - 2 * SECOND > PART_ITEMS
    assert look.traffic.records == ledger.received == ours.outcomes().total()
    packing = ours.packing
    assert [packing.requests, packing.bytes, packing.items] == [
        ledger.beside[name] for name in OF_THE_REQUESTS
    ]
    sending = {*OF_THE_REQUESTS, "first_attempt", "late", "delivering_ms", "throttled_ms"}
    assert dict(ours.beside) == {
        name: count for name, count in ledger.beside.items() if name not in sending
    }
    assert ours.operations.total() == ledger.beside["first_attempt"]
    assert len(ours.people.counts) >= people > 0
