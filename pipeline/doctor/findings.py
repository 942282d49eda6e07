"""What a check says: a level, what was found, and what to do about it."""

from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """How much a finding matters."""

    GREEN = "green"
    """As it should be."""
    YELLOW = "yellow"
    """A job starts, but somebody should know; or it could not be checked."""
    RED = "red"
    """A job would not start, or would not do what it is for."""


class Finding(Struct, frozen=True):
    """One line of the report. Holds no credential and no customer's data.

    `do` is "" where there is nothing to do.
    """

    level: Level
    found: str
    do: str = ""


def green(found: str) -> Finding:
    """As it should be."""
    return Finding(Level.GREEN, found)


def yellow(found: str, do: str) -> Finding:
    """Worth knowing, or not checked."""
    return Finding(Level.YELLOW, found, do)


def red(found: str, do: str) -> Finding:
    """To be mended before a job is started."""
    return Finding(Level.RED, found, do)
