"""The ledger: its balance, its percentiles, its file and its table."""

import json
import math
import os
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from pipeline.ledger import Ledger, percentile, read_ledger, render, write_ledger
from transforms.reasons import BESIDE_THE_LEDGER, DEAD_LETTER_REASONS, FILTERED, OUTCOMES, SKIPPED
from transforms.tally import ProcessLedger, bucket_ceiling_ms, latency_bucket

EMPTY = Ledger(received=0, outcomes={}, beside={}, latency_ms={})


@pytest.mark.parametrize(
    ("received", "outcomes", "settled", "balanced"),
    [
        pytest.param(0, {}, 0, True, id="nothing yet"),
        pytest.param(
            5, {"delivered": 3, "filtered.where": 1, "skipped.anonymous": 1}, 5, True, id="all"
        ),
        pytest.param(5, {"delivered": 4}, 4, False, id="one in flight"),
        pytest.param(5, {"delivered": 4, "dead_lettered.rejected": 2}, 6, False, id="one too many"),
    ],
)
def test_it_balances_when_every_record_is_accounted_for(
    received: int, outcomes: dict[str, int], settled: int, balanced: bool
) -> None:
    ledger = Ledger(received=received, outcomes=outcomes, beside={"requests": 9}, latency_ms={})
    assert (ledger.settled, ledger.balanced) == (settled, balanced)


def test_what_is_beside_the_ledger_does_not_count(fresh_process: ProcessLedger) -> None:
    fresh_process.open({"received": 2, "delivered": 2, "requests": 7, "clash.property": 1}, [])
    fresh_process.commit()
    ledger = read_ledger()
    assert ledger.outcomes == {"delivered": 2}
    assert ledger.beside == {"clash.property": 1, "requests": 7}
    assert ledger.balanced


def test_a_bundle_under_way_counts_on_request_and_a_failed_one_never(
    fresh_process: ProcessLedger,
) -> None:
    fresh_process.open({"received": 2, "delivered": 2}, [10])
    fresh_process.commit()
    fresh_process.open({"received": 3, "delivered": 1}, [1_000])
    assert (read_ledger().received, read_ledger(with_open=True).received) == (2, 5)
    assert not read_ledger(with_open=True).balanced
    fresh_process.count_now("blocked.credentials", 1)
    fresh_process.roll_back()
    ledger = read_ledger(with_open=True)
    assert (ledger.received, ledger.balanced) == (2, True)
    assert ledger.beside == {"blocked.credentials": 1}
    assert ledger.latency_ms["p99"] < 11


def exact(sorted_ms: list[int], rank: int) -> int:
    """The latency that `rank` percent do not exceed, by its definition."""
    return sorted_ms[math.ceil(len(sorted_ms) * rank / 100) - 1]


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=300), st.integers(1, 100))
def test_percentiles_are_at_most_nine_percent_too_high(latencies: list[int], rank: int) -> None:
    buckets = Counter(map(latency_bucket, latencies))
    truth = exact(sorted(latencies), rank)
    assert truth <= percentile(buckets, rank) <= truth * 1.09 + 0.1


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_buckets_keep_the_order(one: int, other: int) -> None:
    low, high = sorted((one, other))
    assert latency_bucket(low) <= latency_bucket(high)
    assert low <= bucket_ceiling_ms(latency_bucket(low))


def test_nothing_measured_has_no_percentile(fresh_process: ProcessLedger) -> None:
    with pytest.raises(ValueError, match="no latency was measured"):
        percentile(Counter(), 50)
    assert read_ledger().latency_ms == {}


def test_latencies_are_read_by_their_names(fresh_process: ProcessLedger) -> None:
    fresh_process.open({}, list(range(1, 1_001)))
    fresh_process.commit()
    latencies = read_ledger().latency_ms
    assert list(latencies) == ["p50", "p95", "p99"]
    for name, truth in (("p50", 500), ("p95", 950), ("p99", 990)):
        assert truth <= latencies[name] <= truth * 1.09


def read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def test_the_file_says_everything(fresh_process: ProcessLedger, tmp_path: Path) -> None:
    fresh_process.open({"received": 3, "delivered": 2, "requests": 1}, [0])
    path = tmp_path / "ledger.json"
    write_ledger(path, final=False)
    expected = {
        "final": False,
        "balanced": False,
        "received": 3,
        "settled": 2,
        "outcomes": {"delivered": 2},
        "beside": {"requests": 1},
        "latency_ms": {"p50": 0.0, "p95": 0.0, "p99": 0.0},
    }
    assert read(path) == expected
    fresh_process.roll_back()
    write_ledger(path, final=True)
    assert read(path) == {
        "final": True,
        "balanced": True,
        "received": 0,
        "settled": 0,
        "outcomes": {},
        "beside": {},
        "latency_ms": {},
    }
    assert [each.name for each in tmp_path.iterdir()] == ["ledger.json"]


def test_a_reader_never_sees_half_of_the_file(fresh_process: ProcessLedger, tmp_path: Path) -> None:
    fresh_process.open(dict.fromkeys(OUTCOMES, 1) | {"received": len(OUTCOMES)}, [])
    path = tmp_path / "ledger.json"
    write_ledger(path, final=False)
    ended = threading.Event()

    def keep_writing() -> None:
        while not ended.is_set():
            write_ledger(path, final=False)

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        assert all(read(path)["balanced"] for _ in range(300))
    finally:
        ended.set()
        writer.join()


def test_a_draft_that_fails_leaves_the_file_as_it_was(
    fresh_process: ProcessLedger, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.json"
    write_ledger(path, final=False)
    before = path.read_bytes()
    (tmp_path / f".ledger.json.{os.getpid()}").mkdir()
    fresh_process.open({"received": 1}, [])
    with pytest.raises(OSError, match="directory"):
        write_ledger(path, final=False)
    assert path.read_bytes() == before


def shown(ledger: Ledger) -> str:
    """What a terminal shows, each cell on one line."""
    console = Console(width=400, color_system=None)
    with console.capture() as capture:
        console.print(render(ledger))
    return capture.get()


def test_the_table_shows_every_outcome_and_what_it_means() -> None:
    meanings = {
        "delivered": "Customer.io took it.",
        "coalesced.identify": "Became one with a later update.",
        **FILTERED,
        **SKIPPED,
        **{f"dead_lettered.{reason}": text for reason, text in DEAD_LETTER_REASONS.items()},
    }
    assert list(meanings) == list(OUTCOMES)
    ledger = Ledger(
        received=sum(range(1, len(OUTCOMES) + 1)) * 1_000,
        outcomes={name: number * 1_000 for number, name in enumerate(OUTCOMES, 1)},
        beside={name: number for number, name in enumerate(BESIDE_THE_LEDGER, 1)},
        latency_ms={"p50": 12.4, "p99": 1_234_567.0},
    )
    rows = {cells[1]: cells[2:] for line in shown(ledger).splitlines() if (cells := cut(line))}
    for number, name in enumerate(OUTCOMES, 1):
        assert rows[name] == [f"{number},000", meanings[name]]
    for number, name in enumerate(BESIDE_THE_LEDGER, 1):
        assert rows[name] == [str(number), BESIDE_THE_LEDGER[name]]
    assert rows["latency_ms p50"][0] == "12"
    assert rows["latency_ms p99"][0] == "1,234,567"
    assert rows["received"] == [f"{ledger.received:,}", "balanced"]


def cut(line: str) -> list[str]:
    """The cells of a row, after an empty one; nothing for a rule."""
    cells = [cell.strip() for cell in line.replace("┃", "│").split("│")][:-1]
    return cells if len(cells) == 4 else []


def test_the_table_says_how_many_are_open() -> None:
    text = shown(Ledger(received=1_005, outcomes={"delivered": 3}, beside={}, latency_ms={}))
    assert "1,002 open" in text
    assert "Beside the ledger" not in text


def test_an_empty_ledger_is_balanced() -> None:
    assert "balanced" in shown(EMPTY)
