"""No program outlives its test."""

from collections.abc import Iterator

import pytest

from tests.end_to_end.harness import Program


@pytest.fixture(autouse=True)
def _end_programs() -> Iterator[None]:
    yield
    Program.end_all()
