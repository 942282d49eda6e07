"""Loggers that say nothing."""

import logging

import pytest

from transforms.silence import silence


def test_a_silenced_logger_says_nothing_at_any_level(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("tests.silenced")
    silence("tests.silenced")
    silence("tests.silenced")
    with caplog.at_level(logging.DEBUG, "tests.silenced"):
        logger.critical("SECRET")
        logging.getLogger("tests.other").error("heard")

    assert not logger.isEnabledFor(logging.CRITICAL)
    # A set-up of logging makes every logger that it names speak again.
    logger.disabled = False
    with caplog.at_level(logging.DEBUG, "tests.silenced"):
        logger.critical("SECRET")
    assert [record.getMessage() for record in caplog.records] == ["heard"]
    assert len(logger.filters) == 1
