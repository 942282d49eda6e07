"""Batches taken apart, for tests that look at single messages."""

from typing import Any

import apache_beam as beam


def one_by_one() -> Any:
    """PCollection[list[T]] -> PCollection[T]."""
    return "One by one" >> beam.FlatMap(_elements)


def _elements(batch: list[Any]) -> list[Any]:
    return batch
