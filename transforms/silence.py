"""Silence for libraries whose log repeats what they carry: credentials, records, people."""

import logging


def silence(*loggers: str) -> None:
    """Lets these loggers say nothing, whatever their level is set to afterwards.

    A filter and not a level alone: any set-up of logging sets levels again. It does not reach a
    logger's children, so each is named.
    """
    for name in loggers:
        logger = logging.getLogger(name)
        # The same function twice is once.
        logger.addFilter(_nothing)
        # Those that ask first whether anybody listens need not put the words together.
        logger.disabled = True


def _nothing(_record: logging.LogRecord) -> bool:
    return False
