"""What other processes see of the stand-in, under /_standin/."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from pipeline.local.customerio import CustomerIoStandIn, unavailable
from tests.local.test_customerio_server import TIMEOUT_S, Sender


@pytest.fixture
def stand_in() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn("site", "key") as running:
        yield running


@pytest.fixture
def sender(stand_in: CustomerIoStandIn) -> Iterator[Sender]:
    made = Sender(stand_in)
    with made.session:
        yield made


def script(sender: Sender, content: dict[str, Any]) -> requests.Response:
    return sender.session.post(f"{sender.url}/_standin/faults", json=content, timeout=TIMEOUT_S)


def test_inspection(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    sender.batch("a", "b", "")
    summary = sender.get("/_standin/summary").json()
    expected = {"requests": 1, "items": 3, "applied": 2, "rejected": 1, "people": 1, "events": 2}
    assert {key: summary[key] for key in expected} == expected
    assert summary["answers"] == {"207": 1}
    assert [kept["name"] for kept in sender.get("/_standin/events").json()] == ["a", "b"]
    assert [kept["name"] for kept in sender.get("/_standin/events?limit=1").json()] == ["b"]
    assert [kept["id"] for kept in sender.get("/_standin/people?limit=5").json()] == ["ada"]
    dump = sender.get("/_standin/dump").json()
    assert sorted(dump) == ["events", "objects", "people", "rejections", "requests", "summary"]
    assert dump["rejections"][0]["field"] == "name"
    assert dump["requests"][0]["items"] == 3
    assert stand_in.workspace.counters().requests == 1


@pytest.mark.parametrize("limit", ["x", "-1", "1.5", "", "9999999999", "²"])
def test_a_limit_is_a_count(sender: Sender, limit: str) -> None:
    assert sender.get(f"/_standin/events?limit={limit}").status_code == 400


def test_faults_over_http(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    fault = {"action": {"do": "respond", "status": 503}, "times": 2}
    assert script(sender, {"faults": [fault, fault]}).json() == {"pending_faults": 2}
    assert sender.batch("lost").status_code == 503
    assert script(sender, {"clear": True}).json() == {"pending_faults": 0}
    assert sender.batch("kept").status_code == 200
    wrong = script(sender, {"faults": [{"action": {"do": "explode"}}]})
    assert wrong.status_code == 400
    assert "explode" in wrong.json()["error"]


def test_weather_over_http(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    weather = {"seed": 1, "share": 1, "actions": [{"do": "respond", "status": 503}]}
    assert script(sender, {"weather": weather}).status_code == 200
    assert [sender.batch("lost").status_code for _ in range(2)] == [503, 503]
    assert sender.get("/_standin/summary").json()["injected_faults"] == {"503": 2}
    script(sender, {"clear": True})
    assert sender.batch("kept").status_code == 200


def test_inspection_and_page_need_no_credentials_and_meet_no_fault(
    stand_in: CustomerIoStandIn,
) -> None:
    stand_in.faults.next(unavailable(), times=None)
    for path in ("/", "/_standin/activity", "/_standin/summary", "/_standin/dump"):
        assert requests.get(f"{stand_in.url}{path}", timeout=TIMEOUT_S).status_code == 200
