"""The sample files, read by the expectation; the outcomes were read off the files by eye."""

from collections import Counter
from pathlib import Path

import pytest

from tests.end_to_end.expectation import expect

SAMPLES = Path(__file__).parents[1] / "samples"
DELIVERED = "delivered"
ANONYMOUS = "skipped.anonymous"
NEEDS_STATE = "skipped.operator_needs_state"


@pytest.mark.parametrize(
    ("name", "ledgers"),
    [
        pytest.param(
            "export_lines.ndjson",
            [DELIVERED] * 16 + [ANONYMOUS, "dead_lettered.identifier_too_long"],
            id="export lines",
        ),
        pytest.param(
            "identify_objects.ndjson",
            [DELIVERED, ANONYMOUS, DELIVERED, NEEDS_STATE],
            id="Identify API",
        ),
        pytest.param(
            "http_v2_events.ndjson",
            [DELIVERED] * 4 + [ANONYMOUS, NEEDS_STATE, "skipped.group_type"],
            id="HTTP V2 events",
        ),
        pytest.param("http_v2_body.json", [DELIVERED] * 2 + [ANONYMOUS], id="HTTP V2 body"),
        pytest.param("traffic.ndjson", [DELIVERED] * 20, id="clean traffic"),
    ],
)
def test_sample_file(name: str, ledgers: list[str]) -> None:
    data = (SAMPLES / name).read_bytes()
    settings = {"preset": "all_properties", "users": {"user_properties": "all"}}
    expected = expect(data, settings=settings, publish_time=1777888867)
    assert Counter(each.ledger for each in expected) == Counter(ledgers)
