"""Fixtures of the sink's tests."""

from collections.abc import Iterator

import pytest

from pipeline.local.customerio import CustomerIoStandIn
from tests.transforms.sink.lane_under_test import API_KEY, SITE_ID, LaneUnderTest
from tests.transforms.sink.run_sink import API_KEY_VARIABLE, SITE_ID_VARIABLE
from transforms.tally import PROCESS_LEDGER, ProcessLedger


@pytest.fixture
def ledger() -> Iterator[ProcessLedger]:
    """The process's ledger, at zero before and after."""
    PROCESS_LEDGER.reset()
    yield PROCESS_LEDGER
    PROCESS_LEDGER.reset()


@pytest.fixture
def stand_in() -> Iterator[CustomerIoStandIn]:
    with CustomerIoStandIn(SITE_ID, API_KEY) as server:
        yield server


@pytest.fixture
def credentials_of_the_sink(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-in's credentials, where the sink of `run_sink` looks for them."""
    monkeypatch.setenv(SITE_ID_VARIABLE, SITE_ID)
    monkeypatch.setenv(API_KEY_VARIABLE, API_KEY)


@pytest.fixture
def lane(stand_in: CustomerIoStandIn) -> Iterator[LaneUnderTest]:
    lane = LaneUnderTest(stand_in.url)
    yield lane
    lane.lane.close()
