"""Answers for which nobody's record is at fault: wrong credentials, a wrong endpoint."""

import logging

import pytest

from pipeline.local.customerio import CustomerIoStandIn, Respond, redirect, unavailable
from tests.transforms.sink.lane_under_test import (
    API_KEY,
    SITE_ID,
    TWO,
    LaneUnderTest,
    assert_two_arrived_once,
    lane_to,
    statuses,
    taken,
)
from transforms.sink.lane import DeliveryError
from transforms.tally import ProcessLedger


@pytest.mark.parametrize(
    ("fault", "counter"),
    [
        (Respond(401, body='{"meta":{"error":"unauthorized"}}'), "blocked.credentials"),
        (Respond(403), "blocked.credentials"),
        (Respond(404), "blocked.endpoint"),
        (redirect("https://track-eu.customer.io/"), "blocked.endpoint"),
        (redirect("http://[no address", 308), "blocked.endpoint"),
    ],
    ids=["401", "403", "404", "302", "308"],
)
def test_a_wrong_set_up_refuses_nothing(
    stand_in: CustomerIoStandIn,
    ledger: ProcessLedger,
    caplog: pytest.LogCaptureFixture,
    fault: Respond,
    counter: str,
) -> None:
    stand_in.faults.next(fault, times=None)

    with lane_to(stand_in.url, retry_for_s=60.0) as lane, pytest.raises(DeliveryError):
        lane.deliver(TWO)

    counts, _ = ledger.snapshot()
    assert counts == {counter: stand_in.workspace.counters().requests}
    assert counts[counter] > 3
    # Loudly, but not once a request.
    [record] = [record for record in caplog.records if record.name.startswith("transforms")]
    assert record.levelno == logging.ERROR
    assert str(fault.status) in record.getMessage()
    assert "unauthorized" not in record.getMessage()


def test_a_trouble_that_lasts_is_logged_once_a_minute(
    stand_in: CustomerIoStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in.faults.next(unavailable(), times=None)

    with lane_to(stand_in.url, retry_for_s=170.0) as lane, pytest.raises(DeliveryError):
        lane.deliver(TWO)

    records = [record for record in caplog.records if record.name.startswith("transforms")]
    assert [record.levelno for record in records] == [logging.WARNING] * 3


def test_wrong_credentials_never_show(
    stand_in: CustomerIoStandIn, ledger: ProcessLedger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pair = ("another-site", "secret-one")

    with (
        lane_to(stand_in.url, pair, retry_for_s=5.0) as lane,
        pytest.raises(DeliveryError) as raised,
    ):
        lane.deliver(TWO)

    assert ledger.snapshot()[0]["blocked.credentials"] == len(statuses(stand_in))
    assert set(statuses(stand_in)) == {401}
    assert "secret-one" not in caplog.text
    assert "secret-one" not in repr(raised.value) + str(raised.traceback)


def test_credentials_that_change_meanwhile_are_picked_up(
    stand_in: CustomerIoStandIn, ledger: ProcessLedger
) -> None:
    current = [SITE_ID, "old"]
    lane = LaneUnderTest(stand_in.url, lambda: (current[0], current[1]), retry_for_s=120.0)

    def an_operator_mends_it() -> None:
        if len(lane.time.slept) == 3:
            current[1] = API_KEY

    lane.time.when_asleep = an_operator_mends_it
    receipts, counts = lane.deliver(TWO)
    lane.lane.close()

    assert taken(receipts) == [0, 1]
    assert_two_arrived_once(stand_in)
    assert statuses(stand_in) == [401, 401, 401, 200]
    assert counts["after_retry"] == 2
    assert ledger.snapshot()[0] == {"blocked.credentials": 3}


def test_a_redirect_is_not_followed(stand_in: CustomerIoStandIn) -> None:
    with CustomerIoStandIn(SITE_ID, API_KEY) as elsewhere:
        stand_in.faults.next(redirect(f"{elsewhere.url}/api/v2/batch"), times=1)
        stand_in.faults.next(redirect(f"{elsewhere.url}/api/v2/batch", 307), times=1)
        with lane_to(stand_in.url) as lane:
            receipts, _ = lane.deliver(TWO)

        assert elsewhere.workspace.counters().requests == 0
    assert taken(receipts) == [0, 1]
    assert statuses(stand_in) == [302, 307, 200]
