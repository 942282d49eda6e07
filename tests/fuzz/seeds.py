"""Inputs to start from: the regression corpus, and the samples of the traffic generator."""

from collections.abc import Iterator
from pathlib import Path

from pipeline.local.traffic import generate
from pipeline.local.traffic.message import API_KEY
from tests.fuzz.pages import PAGES
from tests.fuzz.plain_reading import MARK

COMMITTED = Path(__file__).parent / "corpus"
"""Small inputs that once broke a promise, or stand for a kind of input; see `target.target`."""
_NOW = 1_777_888_999.0


def committed() -> list[Path]:
    """The files of the regression corpus."""
    return sorted(path for path in COMMITTED.iterdir() if path.is_file())


def samples(count: int, *, largest: int) -> Iterator[bytes]:
    """Messages of the traffic generator, every kind of trouble among them, up to a size.

    The API keys in them are the one that the judge looks for.
    """
    for sample in generate(count, seed=1, now=_NOW, trouble=0.5):
        if len(sample.data) <= largest:
            yield sample.data.replace(API_KEY.encode(), MARK.encode())


def seeds() -> Iterator[bytes]:
    """Inputs of the target: each sample under one of the pages, in turn."""
    for number, data in enumerate(samples(1000, largest=1400)):
        yield bytes([number % len(PAGES)]) + data
