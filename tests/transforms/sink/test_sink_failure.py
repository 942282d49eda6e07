"""A bundle that fails, and the credentials that it was sent with."""

import base64
import bz2
import logging

import apache_beam as beam
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2

from pipeline.local.customerio import CustomerIoStandIn, Match, unavailable
from tests.transforms.sink.lane_under_test import API_KEY, SITE_ID, event_names, statuses
from tests.transforms.sink.operations import event
from tests.transforms.sink.run_sink import (
    API_KEY_VARIABLE,
    deliveries,
    from_environment,
    run_sink,
    sink,
)
from transforms.reasons import DELIVERED
from transforms.sink.lane import DeliveryError
from transforms.tally import ProcessLedger

pytestmark = pytest.mark.usefixtures("ledger", "credentials_of_the_sink")


def test_a_failing_bundle_raises_and_commits_nothing(
    stand_in: CustomerIoStandIn, ledger: ProcessLedger, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stand_in.faults.next(unavailable(), times=None, match=Match(contains='"E1"'))
    records = deliveries([event(0, {"id": "ada"}), event(1, {"id": "bob"})])

    with pytest.raises(DeliveryError, match="last answer: 503") as raised:
        run_sink(stand_in, records, retry_for_s=0.0)

    assert event_names(stand_in) == ["E0"]
    ledger.roll_back()
    counts, latencies = ledger.snapshot(with_open=True)
    assert (+counts, +latencies) == ({}, {})
    assert API_KEY not in caplog.text
    assert API_KEY not in str(raised.value)

    stand_in.faults.clear()
    outcome = run_sink(stand_in, records, retry_for_s=0.0)

    assert outcome.settled() == {DELIVERED: 2}
    ledger.commit()
    assert ledger.snapshot()[0][DELIVERED] == 2
    assert sorted(event_names(stand_in)) == ["E0", "E1"]


def test_wrong_credentials_fail_the_bundle_and_set_nothing_aside(
    stand_in: CustomerIoStandIn,
    ledger: ProcessLedger,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(API_KEY_VARIABLE, "secret-two")

    with pytest.raises(DeliveryError, match="last answer: 401") as raised:
        run_sink(stand_in, deliveries([event(0)]), retry_for_s=0.0)

    ledger.roll_back()
    assert ledger.snapshot(with_open=True)[0] == {"blocked.credentials": 1}
    assert "secret-two" not in caplog.text
    assert "secret-two" not in str(raised.value)


# What travels to the workers


def unpacked(pickled: bytes) -> bytes:
    """What Beam has pickled, without its compression."""
    return bz2.decompress(base64.b64decode(pickled))


def test_no_credential_travels(stand_in: CustomerIoStandIn) -> None:
    pipeline = beam.Pipeline()
    _ = pipeline | beam.Create(deliveries([event(0)])) | sink(stand_in)

    graph = pipeline.to_runner_api()

    pickled = [
        unpacked(beam_runner_api_pb2.ParDoPayload.FromString(each.spec.payload).do_fn.payload)
        for each in graph.components.transforms.values()
        if each.spec.urn == common_urns.primitives.PAR_DO.urn
    ]
    [sent] = [fn for fn in pickled if b"_DeliverDoFn" in fn]
    assert from_environment.__name__.encode() in sent
    for secret in (API_KEY, SITE_ID):
        assert not any(secret.encode() in fn for fn in pickled)
        assert secret not in str(graph)


def test_credentials_that_the_worker_has_not_stop_the_job_before_it_sends(
    stand_in: CustomerIoStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(API_KEY_VARIABLE)

    with pytest.raises(KeyError, match=API_KEY_VARIABLE):
        run_sink(stand_in, deliveries([event(0)]))

    assert statuses(stand_in) == []
