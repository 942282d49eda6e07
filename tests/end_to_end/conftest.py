"""The servers that a program talks to; and no program outlives its test."""

from collections.abc import Iterator

import pytest

from pipeline.local.customerio import CustomerIoStandIn
from tests.end_to_end.harness import API_KEY, SITE_ID, Program, PubSub, pub_sub


@pytest.fixture(autouse=True)
def _end_programs() -> Iterator[None]:
    yield
    Program.end_all()


@pytest.fixture
def broker() -> Iterator[PubSub]:
    """An emulator with an empty subscription."""
    with pub_sub() as server:
        yield server


@pytest.fixture
def customerio() -> Iterator[CustomerIoStandIn]:
    """A Customer.io that takes the credentials of the tests."""
    with CustomerIoStandIn(SITE_ID, API_KEY) as stand_in:
        yield stand_in
