"""Fixtures of the sink's tests."""

from collections.abc import Iterator

import pytest

from pipeline.local.customerio import CustomerIoStandIn
from tests.transforms.sink.helpers import API_KEY, SITE_ID, LaneUnderTest
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
def lane(stand_in: CustomerIoStandIn) -> Iterator[LaneUnderTest]:
    lane = LaneUnderTest(stand_in.url)
    yield lane
    lane.lane.close()
