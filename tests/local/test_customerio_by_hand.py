"""Answers that are slow, cut, or late by a date, as a sender meets them."""

import email.utils
import time
from collections.abc import Iterator

import pytest
import requests

from pipeline.local.customerio import (
    Busy,
    CustomerIoStandIn,
    Flood,
    ItemErrors,
    Refusal,
    Trickle,
    Truncate,
)
from tests.local.test_customerio_server import TIMEOUT_S, Sender, event, left_behind, names

FAST = 2_000.0


@pytest.fixture
def stand_in() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn("site", "key") as running:
        yield running


@pytest.fixture
def sender(stand_in: CustomerIoStandIn) -> Iterator[Sender]:
    made = Sender(stand_in)
    with made.session:
        yield made


@pytest.mark.parametrize("head", [pytest.param(False, id="body"), pytest.param(True, id="head")])
def test_an_answer_in_trickles_is_whole_in_the_end(
    stand_in: CustomerIoStandIn, sender: Sender, head: bool
) -> None:
    stand_in.faults.next(Trickle(FAST, size=50, head=head))
    answer = sender.batch("a", "")
    assert (answer.status_code, len(answer.content) > 50) == (207, True)
    assert answer.json()["errors"][0]["batch_index"] == 1
    stand_in.faults.next(Trickle(FAST, size=50))
    answer = sender.batch("b")
    assert (answer.status_code, answer.content) == (200, b" " * 48 + b"{}")
    assert names(stand_in.workspace) == ["a", "b"]


def test_a_trickle_without_apply_is_an_error(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.next(Trickle(FAST, apply=False))
    assert sender.batch("a").status_code == 503
    assert names(stand_in.workspace) == []


def test_a_trickle_outlasts_a_time_out_between_bytes(
    stand_in: CustomerIoStandIn, sender: Sender
) -> None:
    between_bytes_s = 2.0
    stand_in.faults.next(Trickle(bytes_per_second=10, size=30))
    began = time.monotonic()
    assert sender.batch("a", timeout=between_bytes_s).status_code == 200
    assert time.monotonic() - began > between_bytes_s


def test_a_trickle_ends_when_its_sender_leaves(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.next(Trickle(bytes_per_second=20, size=100_000, head=True))
    with left_behind(stand_in, "a") as raw:
        assert raw.recv(1) == b"H"
    assert sender.batch("b").status_code == 200
    assert names(stand_in.workspace) == ["a", "b"]


@pytest.mark.parametrize("apply", [pytest.param(True, id="applied"), pytest.param(False, id="not")])
def test_a_cut_answer_is_no_answer(
    stand_in: CustomerIoStandIn, sender: Sender, apply: bool
) -> None:
    stand_in.faults.next(Truncate(apply=apply))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        sender.batch("a")
    assert names(stand_in.workspace) == (["a"] if apply else [])
    assert sender.batch("b").status_code == 200


def test_a_cut_answer_looks_whole_to_who_does_not_count(
    stand_in: CustomerIoStandIn, sender: Sender
) -> None:
    stand_in.faults.next(Truncate(missing=3, apply=False))
    with sender.session.post(
        f"{sender.url}/api/v2/batch", json={"batch": [event("a")]}, timeout=TIMEOUT_S, stream=True
    ) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Length"] == "5"
        assert answer.raw.read(2) == b"{}"


def test_an_answer_that_is_cut_within_its_head(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.next(Truncate(head=True))
    with sender.session.post(
        f"{sender.url}/api/v2/batch", json={"batch": [event("a")]}, timeout=TIMEOUT_S, stream=True
    ) as answer:
        # What http.client makes of it; a sender has to notice that no length was announced.
        assert (answer.status_code, dict(answer.headers), answer.raw.read()) == (200, {}, b"")
    assert names(stand_in.workspace) == ["a"]


def test_a_flood_is_an_answer_that_is_too_large(
    stand_in: CustomerIoStandIn, sender: Sender
) -> None:
    stand_in.faults.next(Flood(size=1_000_000))
    answer = sender.batch("a")
    assert (answer.status_code, len(answer.content), answer.json()) == (200, 1_000_000, {})


def test_retry_after_as_a_date(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.next(Busy(seconds=10_000))
    answer = sender.batch("a")
    assert answer.status_code == 429
    asked, said = (
        email.utils.parsedate_to_datetime(answer.headers[name]).timestamp()
        for name in ("Retry-After", "Date")
    )
    assert asked - said == pytest.approx(10_000, abs=60)
    assert stand_in.workspace.counters().throttled == 1


def test_items_that_are_called_refused(stand_in: CustomerIoStandIn, sender: Sender) -> None:
    stand_in.faults.next(ItemErrors((1, 7), 207))
    assert len(sender.batch("a", "b").json()["errors"]) == 2
    assert names(stand_in.workspace) == ["a"]
    stand_in.faults.next(ItemErrors((7,), 207, apply=False))
    assert [error["batch_index"] for error in sender.batch("c", "d").json()["errors"]] == [7]
    assert names(stand_in.workspace) == ["a"]
    stand_in.faults.next(ItemErrors((7,), 207), times=2)
    sender.batch("e")
    sender.batch("f", "g")
    assert names(stand_in.workspace) == ["a", "e", "f", "g"]
    refusals = stand_in.workspace.refusals()
    assert [(name_in(refusal), refusal.applied) for refusal in refusals] == [
        ("b", False),
        ("c", False),
        ("d", False),
        ("e", True),
    ]
    assert stand_in.workspace.counters().rejected == 3


def test_an_item_that_breaks_a_rule_is_not_refused_on_order(
    stand_in: CustomerIoStandIn, sender: Sender
) -> None:
    stand_in.faults.next(ItemErrors((0,), 207))
    assert len(sender.batch("a", "").json()["errors"]) == 2
    assert [name_in(refusal) for refusal in stand_in.workspace.refusals()] == ["a"]
    assert stand_in.workspace.counters().rejected == 2


def name_in(refusal: Refusal) -> str:
    """The name of the event that a refusal is about; each has one letter."""
    return refusal.operation.decode().split('"name": "')[1][0]
