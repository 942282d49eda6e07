"""A backfill on a runner that is not ours: one bounded job over all files, by the same command."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pipeline.backfill.command import main
from pipeline.local.customerio import CustomerIoStandIn
from tests.end_to_end.harness import API_KEY, SITE_ID


def record(number: int) -> bytes:
    fields = {
        "event_type": "Step",
        "user_id": f"user-{number % 7}",
        "event_time": 1_780_000_000 + number,
        "$insert_id": f"insert-{number}",
        "event_properties": {"number": number},
    }
    return json.dumps(fields).encode() + b"\n"


def test_all_files_are_one_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    history = tmp_path / "history"
    history.mkdir()
    with zipfile.ZipFile(history / "a.zip", "w") as archive:
        archive.writestr("1.json.gz", gzip.compress(b"".join(map(record, range(50)))))
        archive.writestr("2.json.gz", gzip.compress(b"".join(map(record, range(50, 90))))[:-6])
    (history / "b.json").write_bytes(b"".join(map(record, range(90, 150))))
    settings: dict[str, Any] = {"events": {"event_properties": "all"}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    monkeypatch.setenv("CUSTOMERIO_SITE_ID", SITE_ID)
    monkeypatch.setenv("CUSTOMERIO_API_KEY", API_KEY)
    with CustomerIoStandIn(SITE_ID, API_KEY) as customerio:
        code = main(
            [
                f"--from={history}",
                f"--settings={tmp_path / 'settings.json'}",
                f"--dead_letter_files={tmp_path / 'dead'}",
                f"--customerio_endpoint={customerio.url}",
                "--runner=BundleBasedDirectRunner",
                "--request_budget_processes=1",
                "--until=2026-05-28T20:29:00Z",
                "--yes",
            ]
        )
        sent = sorted(event.data["number"] for event in customerio.workspace.events(1_000))
    assert code == 0
    # The range ends two minutes and twenty seconds after the first record.
    assert sent == list(range(140))
    assert "What there is to send" in capfd.readouterr().out
    assert not list(tmp_path.glob("**/*.manifest"))
